package graph

import "luthier/backend"

// SetPieces has launches of a class cut into pieces of rows where they take more than flops, until the function that it gives is called.
func SetPieces(c backend.Class, flops float64, rows int) (restore func()) {
	was, wasRows := mostFlops[c], pieceRows
	mostFlops[c], pieceRows = flops, rows
	return func() { mostFlops[c], pieceRows = was, wasRows }
}

// BigTiles is bigTiles.
var BigTiles = bigTiles
