package main

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMutatedFiles spoils a byte, a number or the end of each file that a user brings, and runs a command that reads it: whatever comes of
// it, luthier ends with a code of the contract and a message, never with a panic.
func TestMutatedFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	failureFiles(t)
	code, _, errs := luthier(t, runLine("run", "--max-steps", "1")...)
	require.Zero(t, code, errs)
	fresh := []string{"train", "--config", "run.yaml", "--model", "bert", "--data", "rows.tsv", "--out", "next", "--overwrite", "--max-steps", "1"}
	eval := []string{"eval", "--adapter", "run", "--data", "rows.tsv"}
	resume := runLine("run", "--max-steps", "2", "--schedule", "constant", "--resume=run/checkpoint-1", "--force")
	require.NoError(t, os.Rename("run/run.yaml", "run.yaml"))
	rounds := 6
	if os.Getenv("LUTHIER_SLOW") == "1" {
		rounds = 200
	}
	for _, c := range []struct {
		file string
		args []string
	}{
		{"run.yaml", fresh}, {"bert/config.json", fresh}, {"bert/tokenizer.json", fresh}, {"bert/tokenizer_config.json", fresh}, {"bert/model.safetensors", fresh},
		{"rows.tsv", fresh}, {"run/adapter_config.json", eval}, {"run/adapter_model.safetensors", eval}, {"run/luthier.json", eval},
		{"run/checkpoint-1/manifest.json", resume}, {"run/checkpoint-1/optimizer.safetensors", resume}, {"run/metrics.jsonl", resume},
	} {
		whole, err := os.ReadFile(c.file)
		require.NoError(t, err)
		code, _, errs := luthier(t, c.args...)
		require.Zero(t, code, "%s, before anything is spoiled: %s", c.file, errs)
		random := rand.New(rand.NewPCG(1, uint64(len(c.file))))
		ends := map[int]int{}
		for range rounds {
			require.NoError(t, os.WriteFile(c.file, mutated(random, whole), 0o644))
			code, _, errs := luthier(t, c.args...)
			require.NotContains(t, errs, "a fault of luthier itself", c.file)
			require.Contains(t, []int{exitDone, exitUsage, exitData, exitMemory, exitDiverged, exitCheckpoint}, code, errs)
			require.True(t, code == exitDone || strings.HasPrefix(lastMessage(errs), "luthier: "), errs)
			ends[code]++
		}
		t.Log(c.file, ends)
		require.NoError(t, os.WriteFile(c.file, whole, 0o644))
	}
}

// mutated is a copy with one fault. Half of them lie in the first 300 bytes, where headers are.
func mutated(r *rand.Rand, whole []byte) []byte {
	b := append([]byte(nil), whole...)
	at := r.IntN(len(b))
	if r.IntN(2) == 0 {
		at = r.IntN(min(len(b), 300))
	}
	switch r.IntN(5) {
	case 0:
		return b[:at]
	case 1:
		b[at] = byte(r.IntN(256))
	case 2:
		for i := at; i < len(b); i++ { // the next number becomes huge
			if b[i] >= '0' && b[i] <= '9' {
				return append(append(append([]byte(nil), b[:i]...), "99999999999"...), b[i:]...)
			}
		}
	case 3:
		for i := at; i < len(b); i++ { // or negative
			if b[i] >= '0' && b[i] <= '9' {
				return append(append(append([]byte(nil), b[:i]...), '-'), b[i:]...)
			}
		}
	default:
		n := min(len(b)-at, 1+r.IntN(20))
		return append(b[:at], b[at+n:]...)
	}
	return b
}
