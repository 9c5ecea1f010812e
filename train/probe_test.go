package train

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/data"
	"luthier/internal/testdev"
	"luthier/model"
)

// probeLoader has 21 rows with a class and one without, in batches of 4.
func probeLoader(t *testing.T) *data.Loader {
	rows := learnable(22, 1)
	rows[5].Class = data.Ignore
	l, err := data.NewLoader(rows, data.LoaderOptions{BatchSize: 4, NoShuffle: true, GroupByLength: true, Window: 1 << 20})
	require.NoError(t, err)
	return l
}

func probeOn(t *testing.T, dev backend.Device, dir string) (*Engine, *Features, *Probe) {
	e := openEngine(t, dev, modelDir(dir), model.Classify, 3, func(c *model.Config) { c.HiddenDropout = 0.1 })
	calls := 0
	f, err := e.HeadFeatures(context.Background(), probeLoader(t), func(int) { calls++ })
	require.NoError(t, err)
	require.Equal(t, 6, calls)
	require.Equal(t, 21, f.Rows())
	require.Equal(t, e.Config.HiddenSize, f.Size)
	p, err := FitProbe(context.Background(), f, 0.01)
	require.NoError(t, err)
	return e, f, p
}

// The model with the fitted head must say what the fit on the host says, on the float64 device and on the adapter: then the features are
// what enters the head, rows and classes belong together, and the head stands where it belongs, with a bias (bert) and without (llama).
func TestProbeStartsHead(t *testing.T) {
	for _, dir := range []string{"bert_seqcls", "llama_seqcls"} {
		t.Run(dir, func(t *testing.T) {
			t.Run("ref", func(t *testing.T) { checkProbe(t, ref.New(), dir) })
			t.Run("webgpu", func(t *testing.T) { checkProbe(t, testdev.Open(t, webgpu.Options{}), dir) })
		})
	}
}

func checkProbe(t *testing.T, dev backend.Device, dir string) {
	e, f, p := probeOn(t, dev, dir)
	require.Equal(t, f.Bias, p.Bias != nil)
	l := probeLoader(t)
	before, err := e.Evaluate(context.Background(), l)
	require.NoError(t, err)
	e.Close()

	p.Give(e.Weights)
	e = NewEngine(dev, e.Config, e.Weights, model.None{}, model.Classify, 3)
	defer e.Close()
	after, err := e.Evaluate(context.Background(), l)
	require.NoError(t, err)
	assert.InDelta(t, p.Loss, after.Loss, 1e-4)
	assert.InDelta(t, p.Accuracy, after.Metrics["accuracy"], 1e-9)
	assert.Less(t, after.Loss, before.Loss/2)
}

// Two runs give the same bits, whatever was on the device before.
func TestProbeRepeats(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	_, f, p := probeOn(t, dev, "bert_seqcls")
	_, g, q := probeOn(t, dev, "bert_seqcls")
	require.Equal(t, f, g)
	require.Equal(t, p, q)
}

func TestProbeWantsClasses(t *testing.T) {
	e := openEngine(t, ref.New(), modelDir("bert_regression"), model.Regress, 1, nil)
	_, err := e.HeadFeatures(context.Background(), probeLoader(t), nil)
	var option *OptionError
	require.ErrorAs(t, err, &option)
	assert.ErrorContains(t, err, "leave it out")
}
