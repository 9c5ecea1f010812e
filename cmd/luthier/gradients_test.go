package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/model/safetensors"
)

// TestGradientsPaddingSide writes a batch of two lengths padded on either side: the rows, labels, loss and gradients are the same.
func TestGradientsPaddingSide(t *testing.T) {
	dir := tinyModel(t, "llama")
	rows := filepath.Join(t.TempDir(), "rows.jsonl")
	require.NoError(t, os.WriteFile(rows, []byte(`{"text": "the good wood and the bad wood sing"}`+"\n"+`{"text": "wood"}`+"\n"), 0o644))
	sides := map[string]*safetensors.File{}
	for _, side := range []string{"right", "left"} {
		out := filepath.Join(t.TempDir(), "batch.safetensors")
		code, text, errs := luthier(t, "gradients", "--model", dir, "--data", rows, "--padding-side", side, "--out", out, "--json")
		require.Zero(t, code, errs)
		require.Equal(t, 2.0, answers(t, text)[0]["batch_size"])
		f, err := safetensors.Open(out)
		require.NoError(t, err)
		defer f.Close()
		sides[side] = f
	}
	right, left := sides["right"], sides["left"]
	require.Equal(t, right.Names(), left.Names())
	width := len(longs(t, right, "input_ids")) / 2
	for _, name := range []string{"input_ids", "position_ids", "labels"} {
		r, l := rowsOf(t, right, name), rowsOf(t, left, name)
		require.Equal(t, r, l, name)
		if name == "labels" { // a position later than ours, and the first of a row is never predicted
			for i := range r {
				require.Equal(t, int64(-100), r[i][0])
				require.Equal(t, rowsOf(t, right, "input_ids")[i][1:], r[i][1:])
			}
		}
	}
	require.Zero(t, longs(t, left, "attention_mask")[width], "the short row begins with padding")
	params := 0
	for _, name := range right.Names() {
		if name != "loss" && !strings.HasPrefix(name, "grad.") {
			continue
		}
		params++
		want, have := values(t, right, name), values(t, left, name)
		require.InDeltaSlice(t, want, have, 1e-6, name)
	}
	require.Greater(t, params, 20)
}

// TestGradientsRefused names the flag or the file.
func TestGradientsRefused(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 4)
	out := filepath.Join(t.TempDir(), "x.safetensors")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--model", dir, "--out", out}, exitUsage, "--data"},
		{[]string{"--model", dir, "--data", rows}, exitUsage, "--out"},
		{[]string{"--model", dir, "--data", rows, "--out", out, "--padding-side", "top"}, exitUsage, "--padding-side"},
		{[]string{"--model", dir, "--data", rows, "--out", filepath.Join(out, "no", "where")}, exitUsage, "--out"},
		{[]string{"--model", dir, "--data", filepath.Join(dir, "none.tsv"), "--out", out}, exitData, "none.tsv"},
		{[]string{"--model", dir, "--data", rows, "--out", out, "--memory", "250KiB"}, exitMemory, "--batch-size"},
	} {
		code, _, errs := luthier(t, append([]string{"gradients"}, c.args...)...)
		require.Equal(t, c.code, code, errs)
		require.Contains(t, errs, c.says)
		require.NoFileExists(t, out)
	}
}

func longs(t *testing.T, f *safetensors.File, name string) []int64 {
	x, ok := f.Tensor(name)
	require.True(t, ok, name)
	out := make([]int64, x.Elems())
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(x.Data[8*i:]))
	}
	return out
}

// rowsOf are the rows of a tensor of tokens without their padding.
func rowsOf(t *testing.T, f *safetensors.File, name string) [][]int64 {
	x, mask := longs(t, f, name), longs(t, f, "attention_mask")
	out := make([][]int64, 2)
	for i, m := range mask {
		if m == 1 {
			out[i/(len(mask)/2)] = append(out[i/(len(mask)/2)], x[i])
		}
	}
	return out
}

func values(t *testing.T, f *safetensors.File, name string) []float32 {
	x, ok := f.Tensor(name)
	require.True(t, ok, name)
	out := make([]float32, x.Elems())
	require.NoError(t, x.Float32(out))
	return out
}
