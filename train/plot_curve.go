package train

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
)

const (
	smoothable = 12  // points from which on a smoothed curve says more than the points
	plotPoints = 600 // points of a line at most: a screen shows no more
)

// smooth is at each point the line that fits its neighbours best, weighted by a bell that is a 40th of the points wide: unlike a running
// mean it does not lag behind, and at the ends a slope stays one.
func smooth(xy plotter.XYs) plotter.XYs {
	out := make(plotter.XYs, len(xy))
	width := max(1, float64(len(xy))/40)
	reach := int(3 * width)
	for i, p := range xy {
		var w0, w1, w2, y0, y1 float64 // weighted sums of 1, d, d d, y, d y
		for j := max(0, i-reach); j <= min(len(xy)-1, i+reach); j++ {
			d := float64(j-i) / width
			w := math.Exp(-d * d / 2)
			w0, w1, w2, y0, y1 = w0+w, w1+w*d, w2+w*d*d, y0+w*xy[j].Y, y1+w*d*xy[j].Y
		}
		out[i] = plotter.XY{X: p.X, Y: (w2*y0 - w1*y1) / (w0*w2 - w1*w1)} // of at least two points, so not 0
	}
	return out
}

// means are those of equal stretches, at most as many as the points that are drawn.
func means(xy plotter.XYs) plotter.XYs {
	stretch := (len(xy) + plotPoints - 1) / plotPoints
	if stretch <= 1 {
		return xy
	}
	var out plotter.XYs
	for s := range slices.Chunk(xy, stretch) {
		var m plotter.XY
		for _, p := range s {
			m.X, m.Y = m.X+p.X/float64(len(s)), m.Y+p.Y/float64(len(s))
		}
		out = append(out, m)
	}
	return out
}

// thin leaves at most the points that are drawn: of each stretch the lowest and the highest, in their order, so that spikes stay.
func thin(xy plotter.XYs) plotter.XYs {
	stretch := 2 * ((len(xy) + plotPoints - 1) / plotPoints)
	if len(xy) <= plotPoints {
		return xy
	}
	var out plotter.XYs
	for from := 0; from < len(xy); from += stretch {
		low, high := from, from
		for i := from; i < min(from+stretch, len(xy)); i++ {
			if xy[i].Y < xy[low].Y {
				low = i
			}
			if xy[i].Y > xy[high].Y {
				high = i
			}
		}
		out = append(out, xy[min(low, high)])
		if low != high {
			out = append(out, xy[max(low, high)])
		}
	}
	return out
}

// widened keeps a range from being empty in float64.
func widened(low, high float64) (float64, float64) {
	if pad := 1e-3 * max(math.Abs(low), math.Abs(high), 1e-9); high-low < pad {
		return low - pad, high + pad
	}
	return low, high
}

// roomy begins at 0 where the curve comes near, and leaves room around it otherwise.
func roomy(low, high float64) (float64, float64) {
	pad := 0.05 * (high - low)
	if low >= 0 && low < 0.3*high {
		return 0, high + pad
	}
	return low - pad, high + pad
}

// ticks are at most eight round numbers, 1, 2 or 5 by a power of ten apart, and at least least apart.
func ticks(least float64) plot.TickerFunc {
	return func(low, high float64) (out []plot.Tick) {
		step := math.Pow(10, math.Floor(math.Log10((high-low)/8)))
		for _, m := range []float64{1, 2, 5, 10} {
			if (high-low)/(m*step) <= 8 {
				step = max(least, m*step)
				break
			}
		}
		digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
		for i := math.Ceil(low/step-1e-9) + 0; i*step <= high+1e-9*step && len(out) < 10; i++ {
			label := strconv.FormatFloat(i*step, 'f', digits, 64)
			if len(label) > 7 {
				label = strconv.FormatFloat(i*step, 'g', 3, 64)
			}
			out = append(out, plot.Tick{Value: i * step, Label: label})
		}
		return out
	}
}
