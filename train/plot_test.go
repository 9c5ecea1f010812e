package train

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/plotter"

	"luthier/backend/ref"
)

func TestLossPlot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mine")
	l, _ := newLoop(t, ref.New(), dir, Options{MaxSteps: 12, SaveSteps: 12, EvalSteps: 3, LogSteps: 1})
	require.NoError(t, l.Run(context.Background()))
	texts, paths := parseSVG(t, string(readAll(t, filepath.Join(dir, plotName))))
	for _, want := range []string{"Loss of mine", fmt.Sprintf("step (an epoch has %d)", l.Plan().StepsPerEpoch), "loss", "training", "0.0"} {
		require.Contains(t, texts, want)
	}
	last := l.curves("eval_loss")[3].Y
	require.Contains(t, texts, fmt.Sprintf("evaluation (last %.3g)", last))
	require.Equal(t, 11, longest(paths["#A0BEE1"])) // twelve logged steps
	require.Equal(t, 11, longest(paths["#1F5AAA"])) // smoothed
	require.Equal(t, 3, longest(paths["#CD3C28"]))  // four evaluations
}

// TestPlotOfFew: without points enough to smooth, what was measured is the one curve of training.
func TestPlotOfFew(t *testing.T) {
	svg, err := lossPlot(lossText{}, plotter.XYs{{X: 10, Y: 2}, {X: 20, Y: 1}}, nil)
	require.NoError(t, err)
	texts, paths := parseSVG(t, string(svg))
	require.Contains(t, texts, "training (last 1)")
	require.NotZero(t, longest(paths["#1F5AAA"]))
	require.Empty(t, paths["#A0BEE1"])
}

func TestPlotsOfFewOrWildPoints(t *testing.T) {
	for _, xy := range []plotter.XYs{{{X: 1, Y: 2}}, {{X: 1, Y: 2}, {X: 2, Y: 2}}, {{X: 1, Y: 1e28}}, {{X: 1, Y: 0}}, {{X: 1, Y: 1e28}, {X: 2, Y: -1e-30}},
		{{X: 1, Y: 1e300}, {X: 2, Y: -1e300}}} {
		_, err := lossPlot(lossText{}, xy, nil)
		require.NoError(t, err, "%v", xy)
		_, err = lossPlot(lossText{}, nil, xy)
		require.NoError(t, err, "%v", xy)
	}
	_, err := lossPlot(lossText{}, plotter.XYs{{X: 1, Y: math.NaN()}}, nil)
	require.Error(t, err)
}

// TestPlotIsSmall: a long run's file does not grow with it, and its spike stays.
func TestPlotIsSmall(t *testing.T) {
	xy := make(plotter.XYs, 50_000)
	for i := range xy {
		xy[i] = plotter.XY{X: float64(10 * i), Y: 2 + math.Sin(float64(i))}
	}
	xy[31_415].Y = 9
	require.Contains(t, thin(xy), xy[31_415])
	require.LessOrEqual(t, len(thin(xy)), plotPoints)
	require.Len(t, means(xy), (len(xy)+83)/84)
	require.InDelta(t, 10*(84+83.0/2), means(xy)[1].X, 1e-9)
	svg, err := lossPlot(lossText{}, xy, xy[:3000])
	require.NoError(t, err)
	require.Less(t, len(svg), 100_000)
}

// TestSmooth: a straight line stays one to its ends, a spike becomes a symmetric bell of the same sum.
func TestSmooth(t *testing.T) {
	line, spike := make(plotter.XYs, 200), make(plotter.XYs, 200)
	for i := range line {
		line[i], spike[i] = plotter.XY{X: float64(i), Y: 3 - 0.01*float64(i)}, plotter.XY{X: float64(i)}
	}
	spike[100].Y = 1
	for i, p := range smooth(line) {
		require.InDelta(t, line[i].Y, p.Y, 1e-9)
	}
	s, sum := smooth(spike), 0.0
	for i, p := range s {
		sum += p.Y
		require.LessOrEqual(t, p.Y, s[100].Y)
		if i > 0 && i < 200 {
			require.InDelta(t, s[200-i].Y, p.Y, 1e-15)
		}
	}
	require.InDelta(t, 1, sum, 1e-9)
	require.Less(t, s[100].Y, 0.1)
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		least, low, high float64
		want             string
	}{
		{0, 0, 1.8, "0.0 0.5 1.0 1.5"}, {1, 1, 4, "1 2 3 4"}, {1, 2, 48, "10 20 30 40"}, {0, 2.31, 2.34, "2.310 2.315 2.320 2.325 2.330 2.335 2.340"},
		{0, 0, 2e6, "0 500000 1000000 1500000 2000000"}, {0, 0, 7e-5, "0.00000 0.00001 0.00002 0.00003 0.00004 0.00005 0.00006 0.00007"}, {0, 0, 3e-7, "0 5e-08 1e-07 1.5e-07 2e-07 2.5e-07 3e-07"},
	} {
		var got []string
		for _, k := range ticks(c.least)(c.low, c.high) {
			got = append(got, k.Label)
		}
		require.Equal(t, c.want, strings.Join(got, " "))
	}
}

// parseSVG gives the texts of an SVG and its paths by stroke colour.
func parseSVG(t *testing.T, raw string) (texts []string, paths map[string][]string) {
	paths = map[string][]string{}
	dec := xml.NewDecoder(strings.NewReader(raw))
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return texts, paths
		}
		require.NoError(t, err)
		switch x := tok.(type) {
		case xml.CharData:
			if s := strings.TrimSpace(string(x)); s != "" {
				texts = append(texts, s)
			}
		case xml.StartElement:
			var d, style string
			for _, a := range x.Attr {
				switch a.Name.Local {
				case "d":
					d = a.Value
				case "style":
					style = a.Value
				}
			}
			for _, s := range strings.Split(style, ";") {
				if c, ok := strings.CutPrefix(s, "stroke:"); ok {
					paths[strings.ToUpper(c)] = append(paths[strings.ToUpper(c)], d)
				}
			}
		}
	}
}

// longest is the number of segments of the longest path.
func longest(paths []string) int {
	n := 0
	for _, p := range paths {
		n = max(n, strings.Count(p, "L"))
	}
	return n
}
