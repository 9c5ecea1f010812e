package train

import (
	"bytes"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	plotWidth  = 17 * vg.Centimeter
	plotHeight = 10 * vg.Centimeter
)

// Colours of the light form; theme names them again.
var (
	blue = color.RGBA{31, 90, 170, 255}
	pale = color.RGBA{160, 190, 225, 255}
	red  = color.RGBA{205, 60, 40, 255}
	grey = color.RGBA{221, 221, 221, 255}
)

// theme gives the plot dark colours where the reader's browser or viewer asks for them.
const theme = `<style>@media (prefers-color-scheme:dark){text{fill:#d0d7de}[style*="fill:#FFFFFF"]{fill:#0d1117!important}` +
	`[style*="stroke:#000000"]{stroke:#8b949e!important}[style*="stroke:#DDDDDD"]{stroke:#30363d!important}` +
	`[style*="stroke:#A0BEE1"]{stroke:#2f5480!important}[style*="stroke:#1F5AAA"]{stroke:#58a6ff!important}` +
	`[style*="stroke:#CD3C28"]{stroke:#ff7b72!important}[style*="fill:#CD3C28"]{fill:#ff7b72!important}[style*="fill:#1F5AAA"]{fill:#58a6ff!important}}</style>
`

// sans is a font of the plot; the widths that the library lays out by are those of Arial and Helvetica too.
func sans(f *font.Font, size vg.Length) { f.Variant, f.Size = "Sans", size }

// dress sets fonts, ticks and a grid of horizontal lines.
func dress(p *plot.Plot) {
	sans(&p.Title.TextStyle.Font, 12)
	p.Title.Padding = 26 // the legend stands between
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		sans(&a.Label.TextStyle.Font, 10.5)
		sans(&a.Tick.Label.Font, 9.5)
		a.Label.Padding = 4
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks(1), ticks(0)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = nil, grey
	p.Add(grid)
}

// drawLegends puts the entries side by side below the title, where no curve can run through them.
func drawLegends(c draw.Canvas, legends []plot.Legend) {
	x := vg.Length(44)
	for i := range legends {
		l := &legends[i]
		l.Top, l.Left, l.ThumbnailWidth = true, true, 18
		sans(&l.TextStyle.Font, 10)
		at := c
		at.Min.X, at.Max.Y = x, c.Max.Y-30
		l.Draw(at)
		r := l.Rectangle(at)
		x += r.Max.X - r.Min.X + 30
	}
}

// themed is the SVG with fonts that other systems have, and the dark form.
func themed(canvas *vgsvg.Canvas) ([]byte, error) {
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, err
	}
	svg := bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	at := bytes.Index(svg, []byte("<g "))
	return append(svg[:at:at], append([]byte(theme), svg[at:]...)...), nil
}
