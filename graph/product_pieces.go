package graph

import (
	"fmt"

	"luthier/backend"
)

// mostFlops bounds a launch by what slow adapters of a class do in a fraction of a second: Windows resets a device whose launch takes two,
// and macOS ends the launch and says nothing. A launch cannot be interrupted, so it is cut before. Software adapters have no such watch.
var mostFlops = map[backend.Class]float64{backend.Intel: 2e10, backend.OtherGPU: 2e10, backend.Apple: 5e10, backend.AMD: 5e10, backend.NVIDIA: 5e10}

// pieceRows is what pieces are a multiple of: the rows of the largest tile. Tests make it small.
var pieceRows = 128

// piece is how many rows and columns of c one launch of v may make: all, or what keeps it within the adapter's workgroups and mostFlops.
func (l *Lowerer) piece(p *product, v variant) (rows, cols int) {
	most := int(l.Limits.MaxGroups)
	rows, cols = p.M, p.N
	if p.M > most*v.rows {
		rows = max(most*v.rows/pieceRows*pieceRows, v.rows)
	}
	if p.N > most*v.cols {
		cols = max(most*v.cols/pieceRows*pieceRows, v.cols)
	}
	flops := 2 * float64(p.Batches) * float64(p.M) * float64(p.N) * float64(p.K)
	if bound := mostFlops[l.Info.Class]; bound > 0 && flops > bound {
		even := float64(p.M) * bound / flops / float64(pieceRows)
		rows = min(rows, max(int(even), 1)*pieceRows)
	}
	return rows, cols
}

// pieces launches blocks of at most rows x cols outputs. Each is summed as the whole would be; a last piece of few rows may take another kernel.
func (l *Lowerer) pieces(p product, rows, cols int) {
	for r := 0; r < p.M; r += rows {
		for c := 0; c < p.N; c += cols {
			l.product(p.block(r, min(rows, p.M-r), c, min(cols, p.N-c)))
		}
	}
}

// block is the part of p that makes rows [r, r+m) and columns [c, c+n).
func (p product) block(r, m, c, n int) product {
	p.M, p.N = m, n
	if p.TA {
		p.A0 += r
	} else {
		p.A0 += r * p.LDA
	}
	if p.TB {
		p.B0 += c * p.LDB
	} else {
		p.B0 += c
	}
	p.C0 += r*p.LDC + c
	p.Bias0 += c
	return p
}

// maxLoop is how many terms one launch may sum on software adapters: Mesa's lavapipe ends loops, silently, once a thread has gone round
// 65,535 times in all its loops together.
const maxLoop = 65000

// longProduct sums in several launches. An activation would have to wait for the last; no product that long has one.
func (l *Lowerer) longProduct(p product) {
	if p.Act != 0 {
		l.fail(fmt.Errorf("an activation fused to a sum of %d terms", p.K))
		return
	}
	whole := p
	for k := 0; k < whole.K; k += maxLoop {
		q := whole
		q.K = min(maxLoop, whole.K-k)
		if whole.TA {
			q.A0 += k * whole.LDA
		} else {
			q.A0 += k
		}
		if whole.TB {
			q.B0 += k
		} else {
			q.B0 += k * whole.LDB
		}
		if k > 0 {
			q.Acc, q.Bias, q.Res = true, Ref{}, Ref{}
		}
		if k+maxLoop < whole.K {
			q.Pre = Ref{}
		}
		l.product(q)
	}
}
