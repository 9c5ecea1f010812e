package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bench step measures a step beside its matmuls, and its profile accounts for every dispatch.
func TestBenchStep(t *testing.T) {
	device := adapter(t)
	dir := tinyModel(t, "bert")
	for _, method := range []string{"lora", "full"} {
		var out, errs bytes.Buffer
		require.Zero(t, run(context.Background(), []string{"bench", "step", "--model", dir, "--method", method, "--batch-size", "2", "--max-length", "8",
			"--layers", "1", "--seconds", "0.01", "--profile", "--device", device, "--json"}, strings.NewReader(""), &out, &errs), errs.String())
		var all map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(out.Bytes(), &all))
		var got struct{ Step stepRate }
		require.NoError(t, json.Unmarshal(all[dir], &got))
		var on struct {
			Class string `json:"class"`
		}
		require.NoError(t, json.Unmarshal(all["adapter"], &on))
		s := got.Step
		require.Equal(t, []any{method, 2, 8}, []any{s.Method, s.Batch, s.Length})
		require.Positive(t, s.Seconds)
		require.Positive(t, s.Share)
		require.Positive(t, s.Dispatches)
		require.Equal(t, on.Class == "software", s.CPU > 0, "processor time is a software adapter's")
		require.Contains(t, s.ByKernel, "adamw")
		require.Positive(t, sumOf(s.ByKernel))
		require.InEpsilon(t, sumOf(s.ByKernel), sumOf(s.ByPart), 1e-9)
	}
}

func sumOf(m map[string]float64) (sum float64) {
	for _, v := range m {
		sum += v
	}
	return sum
}

func TestTookCost(t *testing.T) {
	require.EqualValues(t, 3, took{wall: 3}.cost())
	require.EqualValues(t, 5, took{wall: 3, cpu: 5}.cost())
	fast, slow := newRate("a", "forward", 1, 1, 1, took{wall: 1e9}, 100, 3), newRate("b", "weight-gradient", 1, 1, 1, took{wall: 4e9, cpu: 2e9}, 100, 1)
	wall, cost := matmulRate([]rate{fast, slow}, true)
	require.InDelta(t, 400.0/7, wall, 1e-12)
	require.InDelta(t, 400.0/5, cost, 1e-12)
	wall, cost = matmulRate([]rate{fast, slow}, false)
	require.Equal(t, []float64{100, 100}, []float64{wall, cost}, "the weight gradients are of full runs")
}
