package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
)

// What the system says of memory; a file that is not there, or two cards, say nothing.
func TestMemoryOfSystem(t *testing.T) {
	dir := t.TempDir()
	info := filepath.Join(dir, "meminfo")
	require.NoError(t, os.WriteFile(info, []byte("MemTotal:  100 kB\nMemFree: 1 kB\nMemAvailable:   12 kB\n"), 0o644))
	require.Equal(t, int64(12<<10), memAvailable(info))
	require.Zero(t, memAvailable(filepath.Join(dir, "none")))

	card := func(n string) {
		d := filepath.Join(dir, "drm", n, "device")
		require.NoError(t, os.MkdirAll(d, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(d, "mem_info_vram_total"), []byte("8573157376\n"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(d, "mem_info_vram_used"), []byte("157376\n"), 0o644))
	}
	require.Zero(t, amdMemory(filepath.Join(dir, "drm")))
	card("card0")
	require.Equal(t, int64(8573000000), amdMemory(filepath.Join(dir, "drm")))
	card("card1")
	require.Zero(t, amdMemory(filepath.Join(dir, "drm")))

	require.Equal(t, budget{7, "--memory"}, memoryOf(backend.Info{Class: backend.Software}, 7))
	require.Equal(t, budget{}, memoryOf(backend.Info{Class: backend.NVIDIA}, 0))
	host, what := hostMemory()
	require.Greater(t, host, int64(256<<20))
	require.Less(t, host, int64(1<<50))
	for _, c := range []backend.Class{backend.AMD, backend.Intel} { // an AMD card's own memory would be what the firmware set apart
		require.Equal(t, what+" of the host, which the adapter shares", memoryOf(backend.Info{Class: c, Integrated: true}, 0).from)
	}
}

// The largest batch that plan names is taken, and one more is not.
func TestPlanLargestBatch(t *testing.T) {
	dir := tinyModel(t, "bert")
	plan := func(more ...string) (int, map[string]any) {
		code, out, errs := luthier(t, append([]string{"plan", "--model", dir, "--memory", "2MiB", "--max-length", "32", "--json"}, more...)...)
		require.Contains(t, []int{0, 5}, code, errs)
		return code, answers(t, out)[0]
	}
	_, p := plan("--batch-size", "1")
	largest := int(p["largest_batch"].(float64))
	require.Greater(t, largest, 2)
	code, _ := plan("--batch-size", strconv.Itoa(largest))
	require.Zero(t, code)
	code, _ = plan("--batch-size", strconv.Itoa(largest+1))
	require.Equal(t, 5, code)
}
