package train

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"luthier/internal/atomicfile"
)

// smoothing is how much of the past the smoothed curve keeps at each logged step.
const smoothing = 0.8

// draw writes the curves of the run so far as loss.svg; without a point there is no file.
func (l *Loop) draw() error {
	train, eval := l.curves("loss"), l.curves("eval_loss")
	if len(train)+len(eval) == 0 {
		return nil
	}
	c, err := lossPlot(train, eval)
	if err != nil {
		l.Report.Note(fmt.Sprintf("%s is not drawn: %v", plotName, err)) // no reason to end a run
		return nil
	}
	return atomicfile.WriteFile(filepath.Join(l.Dir, plotName), 0o666, func(w io.Writer) error {
		_, err := c.WriteTo(w)
		return err
	})
}

// curves are the points of one value of the history.
func (l *Loop) curves(key string) plotter.XYs {
	var out plotter.XYs
	for _, e := range l.history {
		y, ok := number(e[key])
		if x, at := number(e["step"]); ok && at {
			out = append(out, plotter.XY{X: x, Y: y})
		}
	}
	return out
}

// number takes what was measured here (int, float64) and what a checkpoint gave back (float64).
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// smooth is an exponential mean without bias towards the first point (as TensorBoard draws it).
func smooth(xy plotter.XYs) plotter.XYs {
	out := make(plotter.XYs, len(xy))
	sum, weight := 0.0, 0.0
	for i, p := range xy {
		sum, weight = smoothing*sum+(1-smoothing)*p.Y, smoothing*weight+(1-smoothing)
		out[i] = plotter.XY{X: p.X, Y: sum / weight}
	}
	return out
}

// lossPlot turns a panic of the plotting library, which has no tick marks for some ranges, into an error.
func lossPlot(train, eval plotter.XYs) (canvas *vgsvg.Canvas, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "step", "loss"
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(2)
	blue, pale, red := color.RGBA{31, 90, 170, 255}, color.RGBA{160, 190, 225, 255}, color.RGBA{205, 60, 40, 255}
	p.Add(plotter.NewGrid())
	for _, c := range []struct {
		name   string
		points plotter.XYs
		color  color.Color
		width  font.Length
		dots   bool
	}{{"train", train, pale, 1, false}, {"train, smoothed", smooth(train), blue, 1.8, false}, {"evaluation", eval, red, 1.8, true}} {
		if len(c.points) == 0 {
			continue
		}
		line, points, err := plotter.NewLinePoints(c.points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = c.color, c.width
		p.Add(line)
		if c.dots || len(c.points) == 1 { // a line of one point is invisible
			points.Color, points.Shape, points.Radius = c.color, draw.CircleGlyph{}, vg.Points(2.5)
			p.Add(points)
		}
		p.Legend.Add(c.name, line)
	}
	p.X.Min, p.X.Max = widened(p.X.Min, p.X.Max)
	p.Y.Min, p.Y.Max = widened(p.Y.Min, p.Y.Max)
	canvas = vgsvg.New(16*vg.Centimeter, 10*vg.Centimeter)
	p.Draw(draw.New(canvas))
	return canvas, nil
}

// widened keeps a range from being empty in float64.
func widened(low, high float64) (float64, float64) {
	if pad := 1e-3 * max(math.Abs(low), math.Abs(high), 1e-9); high-low < pad {
		return low - pad, high + pad
	}
	return low, high
}
