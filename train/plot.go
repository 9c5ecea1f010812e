package train

import (
	"fmt"
	"image/color"
	"io"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"luthier/internal/atomicfile"
)

// draw writes the curves of the run so far as loss.svg; without a point there is no file.
func (l *Loop) draw() error {
	train, eval := l.curves("loss"), l.curves("eval_loss")
	if len(train)+len(eval) == 0 {
		return nil
	}
	text := lossText{title: "Loss of " + filepath.Base(l.Dir), x: "step"}
	if each := l.plan.StepsPerEpoch; each > 1 {
		text.x = fmt.Sprintf("step (an epoch has %d)", each)
	}
	svg, err := lossPlot(text, train, eval)
	if err != nil {
		l.Report.Note(fmt.Sprintf("%s is not drawn: %v", plotName, err)) // no reason to end a run
		return nil
	}
	return atomicfile.WriteFile(filepath.Join(l.Dir, plotName), 0o666, func(w io.Writer) error {
		_, err := w.Write(svg)
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

// lossText is what stands around the curves.
type lossText struct{ title, x string }

// curve is a line of the plot.
type curve struct {
	name   string
	points plotter.XYs
	color  color.Color
	width  vg.Length
	dots   bool
}

// curvesOf are the lines from back to front: training as measured, light, below its smoothed form where there are points enough to smooth,
// and evaluation. The legend says where each ends.
func curvesOf(train, eval plotter.XYs) (out []curve) {
	last := func(name string, xy plotter.XYs) string {
		return fmt.Sprintf("%s (last %.3g)", name, xy[len(xy)-1].Y)
	}
	if n := len(train); n >= smoothable {
		s := smooth(means(train))
		out = append(out, curve{"training", thin(train), pale, 0.8, false}, curve{last("smoothed", s), s, blue, 1.6, false})
	} else if n > 0 {
		out = append(out, curve{last("training", train), train, blue, 1.6, n == 1}) // a line of one point is invisible
	}
	if n := len(eval); n > 0 {
		out = append(out, curve{last("evaluation", eval), thin(eval), red, 1.6, n <= 40})
	}
	return out
}

// lossPlot is the plot as SVG. It turns a panic of the plotting library, which has no place for some ranges, into an error.
func lossPlot(text lossText, train, eval plotter.XYs) (svg []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = text.title, text.x, "loss"
	dress(p)
	cs := curvesOf(train, eval)
	var legends []plot.Legend
	for _, c := range cs {
		line, points, err := plotter.NewLinePoints(c.points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = c.color, c.width
		points.Color, points.Shape, points.Radius = c.color, draw.CircleGlyph{}, vg.Points(2.2)
		p.Add(line)
		entry := plot.NewLegend()
		if c.dots {
			p.Add(points)
			entry.Add(c.name, line, points)
		} else {
			entry.Add(c.name, line)
		}
		legends = append(legends, entry)
	}
	p.X.Min, p.X.Max = widened(p.X.Min, p.X.Max)
	p.Y.Min, p.Y.Max = roomy(widened(p.Y.Min, p.Y.Max))
	canvas := vgsvg.New(plotWidth, plotHeight)
	all := draw.New(canvas)
	p.Draw(draw.Crop(all, 8, -14, 8, -8))
	drawLegends(all, legends)
	return themed(canvas)
}
