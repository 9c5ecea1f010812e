package graph

import (
	"regexp"

	"luthier/backend"
)

// rdna matches the names of AMD's adapters since RDNA, by Mesa's code name or the card's: RX 5500 to 5700, 6400 on, 7000, 9000. An RX 590, 580 or 640 is
// older.
var rdna = regexp.MustCompile(`(?i)navi|gfx1[0-2]|\brx 5[3-7]00|\brx 6[4-9]\d\d|\brx [79]\d\d\d|radeon ([678]\d0m|80\d0s)`)

// bigTiles tells whether 64 accumulators a thread suit the adapter: NVIDIA and AMD's RDNA; elsewhere they spill or starve.
func bigTiles(info backend.Info) bool {
	return info.Class == backend.NVIDIA || info.Class == backend.AMD && rdna.MatchString(info.Name+" "+info.Driver)
}
