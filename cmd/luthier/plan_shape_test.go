package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shapeBytes runs plan --shape --json and gives bytes by line and storage type.
func shapeBytes(t *testing.T, args ...string) map[string]map[string]int64 {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(context.Background(), append([]string{"plan", "--json"}, args...), strings.NewReader(""), &out, &errs)
	require.Zero(t, code, errs.String())
	var r struct {
		Parameters int64 `json:"parameters"`
		Memory     []struct {
			What  string           `json:"what"`
			Bytes map[string]int64 `json:"bytes"`
		} `json:"memory"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &r), out.String())
	require.Positive(t, r.Parameters)
	lines := map[string]map[string]int64{"": {"parameters": r.Parameters}}
	for _, l := range r.Memory {
		lines[l.What] = l.Bytes
	}
	return lines
}

// Parameters are those that the models are published with; inference holds two or four bytes of each, AdamW sixteen and more, MeZO what inference does.
func TestPlanOfPublishedShapes(t *testing.T) {
	for name, parameters := range map[string]int64{"llama-1b": 1235814400, "llama-3b": 3212749824, "llama-7b": 6738415616, "llama-8b": 8030261248,
		"llama-13b": 13015864320} {
		l := shapeBytes(t, "--shape", name, "--batch-size", "1", "--max-length", "64")
		require.Equal(t, parameters, l[""]["parameters"], name)
		for storage, bytes := range map[string]int64{"bf16": 2, "f32": 4} {
			inference := l["inference"][storage]
			require.InEpsilon(t, bytes*parameters, inference, 0.02, name)
			require.LessOrEqual(t, float64(l["mezo full"][storage]), 1.05*float64(inference), name)
			require.LessOrEqual(t, float64(l["mezo lora"][storage]), 1.05*float64(inference), name)
			require.Greater(t, l["adamw lora"][storage], inference, name)
			require.InEpsilon(t, 16*parameters, l["adamw full"][storage], 0.15, name) // with activations, and two gradients of a tied table
		}
	}
}

// A directory with nothing but a config.json will do.
func TestPlanOfConfigOnly(t *testing.T) {
	dir := t.TempDir()
	raw, err := os.ReadFile(filepath.Join("..", "..", "model", "testdata", "llama_tied", "config.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), raw, 0o644))
	want := shapeBytes(t, "--shape", dir)
	require.Equal(t, want, shapeBytes(t, "--shape", filepath.Join(dir, "config.json")))
	require.Greater(t, want["adamw full"]["f32"], want["mezo full"]["f32"])
}

func TestPlanOfShapesRefuses(t *testing.T) {
	for args, wants := range map[string][]string{
		"--shape llama-2b":                    {"llama-2b", "llama-1b, llama-3b", "config.json"},
		"--shape llama-1b --model x":          {"leave out --model"},
		"--shape llama-1b --batch-size 0":     {"--batch-size 0"},
		"--shape llama-1b --max-length 9e9":   {"--max-length"},
		"--shape llama-1b --max-length -1":    {"--max-length -1"},
		"--shape llama-1b --device no-such-1": {"no-such-1"},
	} {
		var out, errs bytes.Buffer
		code := run(context.Background(), append([]string{"plan"}, strings.Fields(args)...), strings.NewReader(""), &out, &errs)
		require.Contains(t, []int{exitUsage, exitAdapter}, code, args)
		for _, w := range wants {
			require.Contains(t, errs.String(), w, args)
		}
	}
}

// bench zeroth measures every line, and its memory is that of inference.
func TestBenchZeroth(t *testing.T) {
	device := adapter(t)
	var out, errs bytes.Buffer
	dir := filepath.Join("..", "..", "model", "testdata", "llama_tied")
	args := []string{"bench", "zeroth", "--model", dir, "--batch-size", "2", "--max-length", "8", "--layers", "1", "--seconds", "0.01", "--device", device, "--json"}
	require.Zero(t, run(context.Background(), args, strings.NewReader(""), &out, &errs), errs.String())
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(out.Bytes(), &all), out.String())
	var r zerothRate
	require.NoError(t, json.Unmarshal(all[dir], &r))
	require.Equal(t, []int{2, 8, 1}, []int{r.Batch, r.Length, r.Layers})
	require.GreaterOrEqual(t, r.Rounds, 5)
	require.Len(t, r.Lines, 8)
	for _, l := range r.Lines {
		require.Positive(t, l.Seconds, l.What)
		require.Positive(t, l.Ratio, l.What)
		switch l.What {
		case "forward":
			require.Equal(t, 1.0, l.Memory)
		case "mezo apart":
			require.LessOrEqual(t, l.Memory, 1.05, l.Method)
		case "adamw":
			require.Greater(t, l.Memory, 1.05, l.Method)
		}
	}
}
