package train

import (
	"context"
	"encoding/xml"
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
	dir := t.TempDir()
	l, _ := newLoop(t, ref.New(), dir, Options{MaxSteps: 12, SaveSteps: 12, EvalSteps: 3, LogSteps: 2})
	require.NoError(t, l.Run(context.Background()))
	texts, paths := parseSVG(t, string(readAll(t, filepath.Join(dir, plotName))))
	for _, want := range []string{"step", "loss", "train", "train, smoothed", "evaluation"} {
		require.Contains(t, texts, want)
	}
	for _, color := range []string{"#A0BEE1", "#1F5AAA", "#CD3C28"} { // raw, smoothed, evaluation: a curve of more than one point each
		require.NotZero(t, longest(paths[color]), color)
	}
	require.Equal(t, 5, longest(paths["#A0BEE1"])) // six points
	require.Equal(t, 3, longest(paths["#CD3C28"])) // four
}

func TestPlotsOfFewOrWildPoints(t *testing.T) {
	for _, xy := range []plotter.XYs{{{X: 1, Y: 2}}, {{X: 1, Y: 2}, {X: 2, Y: 2}}, {{X: 1, Y: 1e28}}, {{X: 1, Y: 0}}, {{X: 1, Y: 1e28}, {X: 2, Y: -1e-30}}} {
		_, err := lossPlot(xy, nil)
		require.NoError(t, err, "%v", xy)
		_, err = lossPlot(nil, xy)
		require.NoError(t, err, "%v", xy)
	}
	_, err := lossPlot(plotter.XYs{{X: 1, Y: math.NaN()}}, nil)
	require.Error(t, err)
}

func TestSmooth(t *testing.T) {
	s := smooth(plotter.XYs{{X: 1, Y: 4}, {X: 2, Y: 4}, {X: 3, Y: 0}})
	require.InDelta(t, 4, s[0].Y, 1e-12) // the first point is not drawn towards zero
	require.InDelta(t, 4, s[1].Y, 1e-12)
	require.InDelta(t, 4*(0.8+0.64)/(1+0.8+0.64), s[2].Y, 1e-12)
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
