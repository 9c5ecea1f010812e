package zeroth

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"luthier/internal/testdev"
	"luthier/model/safetensors"
)

// startTensors are three weights of a tiny model: a matrix, a vector, and a matrix with a bound on magnitudes.
func startTensors(dtype string) []Tensor {
	limit := float64(float32(0.03))
	ts := []Tensor{{Name: "w", Rows: 33, Cols: 20}, {Name: "bias", Rows: 1, Cols: 77}, {Name: "head", Rows: 70, Cols: 61, Threshold: &limit}}
	for i := range ts {
		w := random(ts[i].Rows*ts[i].Cols, uint64(i))
		if dtype == "bf16" {
			ts[i].BF16 = truncated(w)
		} else {
			ts[i].F32 = w
		}
	}
	return ts
}

func clone(ts []Tensor) []Tensor {
	out := slices.Clone(ts)
	for i := range out {
		out[i].F32, out[i].BF16 = slices.Clone(out[i].F32), slices.Clone(out[i].BF16)
	}
	return out
}

func headerOf(ts []Tensor, n Noise, u Update) Header {
	sum := Hash(ts)
	h := Header{Version: "test", Optimizer: "mezo", Update: u, Noise: n, Rank: 3, Period: 4, Seed: 1 << 63, Start: hex.EncodeToString(sum[:]), HashEvery: 3}
	for i := range ts {
		h.Tensors = append(h.Tensors, ts[i].Info())
	}
	return h
}

// rehearse writes the log of a run of 10 steps with two directions and returns its end: the updates come one at a time through Add and
// AddBF16, where Replay gathers them.
func rehearse(t *testing.T, path string, ts []Tensor, n Noise, u Update) []Tensor {
	t.Helper()
	ts = clone(ts)
	h := headerOf(ts, n, u)
	w, err := Create(path, h)
	require.NoError(t, err)
	var past []Record
	for step := uint32(1); step <= 10; step++ {
		var now []Record
		for d := range uint32(2) {
			g := float32(math.Sin(float64(3*step + d)))
			if step == 4 && d == 0 {
				g = float32(math.NaN())
			}
			now = append(now, Record{Step: step, Seed: Seed(h.Seed, step, d), G: g, LR: 0.01 / float32(step), Eps: 1e-3})
		}
		terms, err := h.Terms(past, now)
		require.NoError(t, err)
		for _, term := range terms {
			for i := range ts {
				add(ts[i:i+1], i, []Term{term})
			}
		}
		past = append(past, now...)
		require.NoError(t, w.Step(now))
		if step%3 == 0 {
			require.NoError(t, w.Hash(step, Hash(ts)))
		}
	}
	require.NoError(t, w.Close())
	return ts
}

var replayRules = map[string]Update{Plain: {Rule: Plain}, Momentum: {Rule: Momentum, Beta1: 0.7, Window: 4},
	Curvature: {Rule: Curvature, Alpha: 0.4}}

// each runs f for all storage types, kinds of noise and rules of several directions.
func each(t *testing.T, f func(t *testing.T, dtype string, n Noise, u Update)) {
	for _, dtype := range []string{"f32", "bf16"} {
		for _, n := range []Noise{Rademacher, Gaussian, LowRank} {
			for name, u := range replayRules {
				if u.Rule == Curvature && n != Rademacher {
					continue
				}
				t.Run(fmt.Sprint(dtype, "/", n, "/", name), func(t *testing.T) { f(t, dtype, n, u) })
			}
		}
	}
}

func TestReplayEqualsRun(t *testing.T) {
	each(t, func(t *testing.T, dtype string, n Noise, u Update) {
		path := filepath.Join(t.TempDir(), "run.log")
		start := startTensors(dtype)
		want := rehearse(t, path, start, n, u)
		l, err := Read(path)
		require.NoError(t, err)
		got := clone(start)
		require.NoError(t, Replay(l, got, -1))
		assert.Equal(t, want, got)
		assert.NotEqual(t, start, got)

		mid, rest := clone(start), clone(start)
		require.NoError(t, Replay(l, mid, 6))
		sum := Hash(mid)
		assert.Equal(t, l.Hashes[1].Sum, [24]byte(sum[:]), "until the sixth step")
		require.NoError(t, Replay(l.before(7), rest, -1))
		assert.Equal(t, mid, rest)
	})
}

func TestReplayNamesTheFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.log")
	start := startTensors("f32")
	rehearse(t, path, start, Rademacher, replayRules[Plain])
	l, err := Read(path)
	require.NoError(t, err)

	wrong := clone(start)
	wrong[1].F32[5] = math.Nextafter32(wrong[1].F32[5], 1)
	assert.ErrorContains(t, Replay(l, wrong, -1), "not those that the run started from")
	assert.ErrorContains(t, Replay(l, clone(start), 11), "ends before step 11")
	assert.ErrorContains(t, Replay(l, clone(start)[:2], -1), "2 tensors, the log has 3")
	assert.ErrorContains(t, Replay(l, startTensors("bf16"), -1), "tensor w is bf16, the log has f32")
	short := clone(start)
	short[0].F32 = short[0].F32[1:]
	assert.ErrorContains(t, Replay(l, short, -1), "tensor w: shape [33 20] with 659 elements")

	l.Records[7].G *= -1 // the first direction of step 4 is skipped, so this is one of step 4 still
	require.NoError(t, Replay(l, clone(start), -1), "a step that is skipped does not count")
	l.Records[9].G *= -1
	assert.ErrorContains(t, Replay(l, clone(start), -1), "step 6: the tensors' hash is", "found at the next hash")
	require.NoError(t, Replay(l, clone(start), 4))
}

// The number of a tensor is part of its noise: in another order a run does not replay.
func TestReplayShuffledOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.log")
	start := startTensors("f32")
	rehearse(t, path, start, Rademacher, replayRules[Plain])
	l, err := Read(path)
	require.NoError(t, err)
	swap := func(ts []Tensor) []Tensor { ts[0], ts[2] = ts[2], ts[0]; return ts }
	assert.ErrorContains(t, Replay(l, swap(clone(start)), -1), "tensor head stands where the log has w")
	shuffled := swap(clone(start))
	sum := Hash(shuffled)
	l.Header.Start = hex.EncodeToString(sum[:])
	l.Header.Tensors[0], l.Header.Tensors[2] = l.Header.Tensors[2], l.Header.Tensors[0]
	assert.ErrorContains(t, Replay(l, shuffled, -1), "step 3: the tensors' hash is")
}

// writeSafetensors writes the tensors, vectors with one dimension.
func writeSafetensors(t *testing.T, path string, ts []Tensor) {
	t.Helper()
	var out []safetensors.Out
	for i := range ts {
		shape := []int{ts[i].Rows, ts[i].Cols}
		if ts[i].Rows == 1 {
			shape = shape[1:]
		}
		out = append(out, safetensors.Out{Name: ts[i].Name, DType: strings.ToUpper(ts[i].dtype()), Shape: shape, Data: elements(t, &ts[i])})
	}
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, safetensors.Write(f, out, nil))
	require.NoError(t, f.Close())
}

func elements(t *testing.T, x *Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := x.WriteTo(&b)
	require.NoError(t, err)
	return b.Bytes()
}

// A program of 60 lines that knows docs/replay-log.md alone comes to the same bytes.
func TestReplayInPython(t *testing.T) {
	python := testdev.Numpy(t)
	each(t, func(t *testing.T, dtype string, n Noise, u Update) {
		dir := t.TempDir()
		log, base, out := filepath.Join(dir, "run.log"), filepath.Join(dir, "base.safetensors"), filepath.Join(dir, "out.safetensors")
		start := startTensors(dtype)
		rehearse(t, log, start, n, u)
		writeSafetensors(t, base, start)
		l, err := Read(log)
		require.NoError(t, err)
		for _, until := range []int{10, 5} {
			want := clone(start)
			require.NoError(t, Replay(l, want, until))
			said, err := exec.Command(python, "../scripts/replay.py", base, log, out, strconv.Itoa(until)).CombinedOutput()
			require.NoError(t, err, "%s", said)
			f, err := safetensors.Open(out)
			require.NoError(t, err)
			for i := range want {
				got, ok := f.Tensor(want[i].Name)
				require.True(t, ok)
				assert.Equal(t, elements(t, &want[i]), got.Data, want[i].Name)
			}
			require.NoError(t, f.Close())
		}
	})
}

func TestPythonRefuses(t *testing.T) {
	python := testdev.Numpy(t)
	dir := t.TempDir()
	log, base, out := filepath.Join(dir, "run.log"), filepath.Join(dir, "base.safetensors"), filepath.Join(dir, "out.safetensors")
	start := startTensors("f32")
	rehearse(t, log, start, Rademacher, replayRules[Plain])
	writeSafetensors(t, base, start)
	l, err := Read(log)
	require.NoError(t, err)
	raw := bytesOf(t, log)
	run := func() string {
		said, err := exec.Command(python, "../scripts/replay.py", base, log, out).CombinedOutput()
		require.Error(t, err)
		require.NoFileExists(t, out)
		return string(said)
	}
	raw[l.head+70] ^= 4
	require.NoError(t, os.WriteFile(log, raw, 0o644))
	assert.Contains(t, run(), fmt.Sprintf("the record at byte %d is damaged", l.head+64))
	raw[l.head+70] ^= 4
	require.NoError(t, os.WriteFile(log, raw[:len(raw)-1], 0o644))
	assert.Contains(t, run(), "cut")
	start[0].F32[0]++
	writeSafetensors(t, base, start)
	assert.Contains(t, run(), "not the tensors")
}

func BenchmarkReplay(b *testing.B) {
	const steps = 100
	w := make([]float32, 1<<20)
	ts := []Tensor{{Name: "w", Rows: 1 << 10, Cols: 1 << 10, F32: w}}
	h := headerOf(ts, Rademacher, replayRules[Plain])
	l := &Log{Header: h}
	for i := range uint32(steps) {
		l.Records = append(l.Records, Record{Step: i, Seed: Seed(1, i, 0), G: 1, LR: 1e-3})
	}
	for b.Loop() {
		clear(w)
		require.NoError(b, Replay(l, ts, -1))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/steps/float64(len(w)), "ns/element/step")
}
