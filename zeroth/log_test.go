package zeroth

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"luthier/internal/fuzzcheck"
)

func sampleHeader() Header {
	limit := 0.25
	return Header{Version: "1.2.3", Model: "tiny", Fingerprint: "ab", Method: "lora", Data: "cd", Optimizer: "mezo",
		Settings: map[string]any{"eps": 1e-3}, Update: Update{Rule: Plain}, Noise: LowRank, Rank: 2, Period: 50, Seed: math.MaxUint64 - 1, HashEvery: 2,
		Tensors: []TensorInfo{{"a", [2]int{3, 4}, "f32", nil}, {"b", [2]int{1, 7}, "bf16", &limit}}, Start: "00"}
}

// sample writes a log of steps 1 to n, two directions each, step 3 skipped, a hash after even ones.
func sample(t *testing.T, n uint32) (path string, records []Record) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "run.log")
	w, err := Create(path, sampleHeader())
	require.NoError(t, err)
	records = put(t, w, 1, n)
	require.NoError(t, w.Close())
	return path, records
}

func put(t *testing.T, w *Writer, from, to uint32) (out []Record) {
	t.Helper()
	for s := from; s <= to; s++ {
		now := []Record{{s, uint64(s) << 40, 0.5, 1e-3, 1e-2, s}, {s, uint64(s), -0.25, 1e-3, 1e-2, s}}
		if s == 3 {
			now = []Record{{Step: 3, G: float32(math.NaN()), LR: 1e-3}}
		}
		require.NoError(t, w.Step(now))
		if s%2 == 0 {
			require.NoError(t, w.Hash(s, [32]byte{byte(s), 9}))
		}
		out = append(out, now...)
	}
	return out
}

// same compares records where NaN equals NaN.
func same(t *testing.T, want, got []Record) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		assert.Equal(t, want[i].encode(0), got[i].encode(0), "record %d", i)
	}
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func TestLogRoundTrip(t *testing.T) {
	path, want := sample(t, 5)
	l, err := Read(path)
	require.NoError(t, err)
	h := sampleHeader()
	h.Format = 1
	assert.Equal(t, h, l.Header)
	same(t, want, l.Records)
	assert.Equal(t, []HashRecord{{2, [24]byte{2, 9}}, {4, [24]byte{4, 9}}}, l.Hashes)
	assert.Zero(t, l.head%32, "records lie at multiples of 32")
	assert.Len(t, bytesOf(t, path), l.head+32*(9+2), "32 bytes a direction")
	last, ok := l.Last()
	assert.True(t, ok)
	assert.Equal(t, uint32(5), last)
}

func TestLogIsNotOverwritten(t *testing.T) {
	path, _ := sample(t, 1)
	_, err := Create(path, sampleHeader())
	assert.ErrorContains(t, err, "is there already")
}

func TestLogHeaderRefused(t *testing.T) {
	for want, change := range map[string]func(h *Header){
		`noise "pink"`:      func(h *Header) { h.Noise = "pink" },
		"rank 33":           func(h *Header) { h.Rank = 33 },
		"fewer than 2^32":   func(h *Header) { h.Tensors[0].Shape = [2]int{1 << 20, 1 << 12} },
		"positive numbers":  func(h *Header) { h.Tensors[0].Shape = [2]int{0, 4} },
		`dtype "f64"`:       func(h *Header) { h.Tensors[1].DType = "f64" },
		`rule "nesterov"`:   func(h *Header) { h.Update.Rule = "nesterov" },
		"wants rademacher":  func(h *Header) { h.Update = Update{Rule: Adam, Window: 1} },
		"window 0":          func(h *Header) { h.Update.Rule = Momentum },
		"betas in [0, 1)":   func(h *Header) { h.Update = Update{Rule: Momentum, Window: 1, Beta1: 1} },
		"hash_every -1":     func(h *Header) { h.HashEvery = -1 },
		"unsupported value": func(h *Header) { h.Settings["x"] = math.Inf(1) },
	} {
		h := sampleHeader()
		change(&h)
		path := filepath.Join(t.TempDir(), "x")
		_, err := Create(path, h)
		assert.ErrorContains(t, err, want)
		assert.NoFileExists(t, path)
	}
}

// Each flipped bit is found: in the header as such, in a record by its place.
func TestLogFlippedBits(t *testing.T) {
	path, _ := sample(t, 5)
	raw := bytesOf(t, path)
	l, err := decode("run.log", raw)
	require.NoError(t, err)
	order := []uint32{1, 1, 2, 2, 2, 3, 4, 4, 4, 5, 5} // steps of the records
	whole := []int{0, 0, 2, 2, 4, 4, 5, 5, 7, 7, 7}    // directions in whole steps before each
	for i := range raw {
		bit := i * 5 % 8
		bad := bytes.Clone(raw)
		bad[i] ^= 1 << bit
		got, err := decode("run.log", bad)
		if i < l.head {
			require.Error(t, err, "byte %d", i)
			require.Nil(t, got)
			continue
		}
		var damage *DamageError
		require.ErrorAs(t, err, &damage, "byte %d", i)
		assert.Equal(t, []int{i, bit, (i - l.head) / 32}, []int{int(damage.Offset), damage.Bit, damage.Record})
		assert.Equal(t, order[damage.Record], damage.Step)
		assert.Len(t, got.Records, whole[damage.Record], "whole steps before the damage stay")
	}
}

func TestLogMissingAndSwappedRecords(t *testing.T) {
	path, _ := sample(t, 5)
	raw := bytesOf(t, path)
	l, _ := decode("run.log", raw)
	at := l.head + 2*32
	missing := append(bytes.Clone(raw[:at]), raw[at+32:]...)
	_, err := decode("run.log", missing)
	assert.ErrorContains(t, err, "record 2 (step 2), byte "+strconv.Itoa(at)+": the checksum is wrong: bytes changed, or records before it are missing")
	swapped := bytes.Clone(raw)
	copy(swapped[at:], raw[at+32:at+64])
	copy(swapped[at+32:], raw[at:at+32])
	_, err = decode("run.log", swapped)
	assert.ErrorContains(t, err, "record 2 (step 2)")
}

// Steps that go backwards, hashes out of place: records that are sealed and yet wrong.
func TestLogOrder(t *testing.T) {
	path, _ := sample(t, 2)
	for name, c := range map[string]struct {
		word uint32
		says string
	}{
		"backwards":       {1 | isLast, "record 5 (step 1)"},
		"same step again": {2 | isLast, "does not follow step 2"},
		"second hash":     {2 | isHash, "a hash does not follow"},
		"hash of nothing": {7 | isHash, "a hash does not follow"},
	} {
		raw := bytesOf(t, path)
		l, err := decode("run.log", raw)
		require.NoError(t, err)
		rec := (&Record{Step: c.word}).encode(0)
		seal(rec, l.sum())
		got, err := decode("run.log", append(raw, rec...))
		assert.ErrorContains(t, err, c.says, name)
		assert.Len(t, got.Records, 4, name)
	}
}

// A cut file says how much is left over, and keeps whole steps: a run of two directions may die between them.
func TestLogCutTail(t *testing.T) {
	path, records := sample(t, 4)
	raw := bytesOf(t, path)
	l, err := decode("run.log", raw)
	require.NoError(t, err)
	whole := map[int]int{l.head: 0, l.head + 64: 2, l.head + 128: 4, l.head + 160: 4, l.head + 192: 5, l.head + 256: 7, l.head + 288: 7}
	for n := range raw {
		got, err := decode("run.log", raw[:n])
		if n < l.head {
			require.Error(t, err, n)
			require.Nil(t, got)
			continue
		}
		if want, ok := whole[n]; ok {
			require.NoError(t, err, n)
			require.Len(t, got.Records, want, n)
			continue
		}
		var cut *CutError
		require.ErrorAs(t, err, &cut, n)
		assert.Equal(t, n-int(got.bytes()), cut.Bytes)
		same(t, records[:len(got.Records)], got.Records)
	}
}

// A log that is cut, appended to and read is the log of the straight run.
func TestLogAppend(t *testing.T) {
	path, want := sample(t, 7)
	raw := bytesOf(t, path)
	for _, from := range []uint32{1, 2, 3, 4, 5, 7, 8} {
		for name, tail := range map[string][]byte{"whole": nil, "torn": {1, 2, 3}, "garbage": bytes.Repeat([]byte{7}, 100)} {
			require.NoError(t, os.WriteFile(path, append(bytes.Clone(raw), tail...), 0o644))
			w, l, err := Append(path, from)
			require.NoError(t, err, "%s from %d", name, from)
			if last, ok := l.Last(); ok {
				require.Equal(t, from-1, last)
			}
			same(t, want, append(l.Records, put(t, w, from, 7)...))
			require.NoError(t, w.Close())
			require.Equal(t, raw, bytesOf(t, path), "%s from %d", name, from)
		}
	}
	_, _, err := Append(path, 9)
	assert.ErrorContains(t, err, "ends at step 7, and the run goes on from step 9")
}

func TestLogWriterRefuses(t *testing.T) {
	path, _ := sample(t, 2)
	w, _, err := Append(path, 3)
	require.NoError(t, err)
	for _, rs := range [][]Record{{{Step: 2}}, {{Step: 4}, {Step: 5}}, {{Step: 1 << 30}}, {{Step: 5, LR: 1}, {Step: 5, LR: 2}}} {
		assert.Error(t, w.Step(rs))
	}
	assert.ErrorContains(t, w.Hash(2, [32]byte{}), "does not follow", "step 2 has one")
	assert.Error(t, w.Hash(3, [32]byte{}))
	w.SyncEvery = 1
	require.NoError(t, w.Step([]Record{{Step: 3}}))
	require.NoError(t, w.Close())
	assert.Error(t, w.Step([]Record{{Step: 4}}), "closed")
	_, err = Read(path)
	assert.NoError(t, err)
}

func TestLogIsNoLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	for _, text := range []string{"", "short", string(bytes.Repeat([]byte("x"), 99)), magic + "00000000\n" + "{}"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		l, err := Read(path)
		assert.Nil(t, l)
		assert.ErrorContains(t, err, path)
	}
	_, err := Read(path + ".gone")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// FuzzReadLog: any bytes are refused or read; what is read says the same when it is written again.
func FuzzReadLog(f *testing.F) {
	h := sampleHeader()
	h.Format = 1
	head, err := h.encode()
	require.NoError(f, err)
	rec := (&Record{Step: 1, G: 2, LR: 3}).encode(isLast)
	seal(rec, decodeSum(f, head))
	f.Add(head)
	f.Add(append(bytes.Clone(head), rec...))
	f.Add([]byte(magic + "00000000\n{}\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var l *Log
		var err error
		fuzzcheck.Bounded(t, len(raw), func() { l, err = decode("x", raw) })
		if l == nil {
			require.Error(t, err)
			return
		}
		require.Equal(t, err == nil, int(l.bytes()) == len(raw))
		for past, now := range Steps(l.Records) {
			if len(past) < 1000 {
				_, _ = l.Header.Terms(past, now)
			}
		}
		again, err := decode("x", raw[:l.bytes()])
		require.NoError(t, err)
		same(t, l.Records, again.Records)
	})
}

func decodeSum(f *testing.F, head []byte) uint32 {
	l, err := decode("x", head)
	require.NoError(f, err)
	return l.sum()
}
