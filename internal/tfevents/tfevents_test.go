package tfevents

import (
	"bytes"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMasked: checksums of RFC 3720, appendix B.4, and the catalogue's check value, masked by hand.
func TestMasked(t *testing.T) {
	mask := func(crc uint64) uint32 { return uint32((crc>>15|crc<<17)&math.MaxUint32 + 0xa282ead8) }
	for _, c := range []struct {
		data []byte
		crc  uint64
	}{
		{nil, 0}, {[]byte("123456789"), 0xe3069283}, {make([]byte, 32), 0x8a9136aa}, {bytes.Repeat([]byte{255}, 32), 0x62a8ab43},
	} {
		require.Equal(t, mask(c.crc), masked(c.data), "%q", c.data)
	}
	require.Equal(t, uint32(0xc78ab0e5), masked([]byte("123456789"))) // as TensorBoard 2.21 has it
}

// TestFile holds a whole file to the bytes that TensorBoard's own RecordWriter made of the same events.
func TestFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := create(dir, func() time.Time { return time.Unix(1700000000, 250_000_000) })
	require.NoError(t, err)
	require.NoError(t, w.Restart(41))
	require.NoError(t, w.Scalars(300, Scalar{"train/loss", 1.5}, Scalar{"x", math.NaN()}, Scalar{"y", 1e300}, Scalar{"eval/accuracy", 0.1}))
	require.NoError(t, w.Scalars(301, Scalar{"x", math.Inf(1)}))
	require.NoError(t, w.Close())
	raw, err := os.ReadFile(w.f.Name())
	require.NoError(t, err)
	require.Equal(t, "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9"+
		"0f000000000000006d532b090900001040fc54d94110293a0208013eb6350d"+
		"3700000000000000e7e8ca590900001040fc54d94110ac022a290a110a0a747261696e2f6c6f7373150000c03f0a140a0d6576616c2f616363757261637915cdcccc3db95f185c",
		hex.EncodeToString(raw))
}

// TestFilesSort: a second file of the same second, or of a clock set back, sorts behind the first.
func TestFilesSort(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "2026-01-02")
	require.NoError(t, os.MkdirAll(dir, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.tfevents.x"), nil, 0o666)) // not ours: no number
	last := ""
	for _, at := range []int64{1700000000, 1700000000, 1600000000} {
		w, err := create(dir, func() time.Time { return time.Unix(at, 0) })
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.Greater(t, w.f.Name(), last)
		last = w.f.Name()
	}
}

func TestLatest(t *testing.T) {
	root := t.TempDir()
	none, err := Latest(filepath.Join(root, "nowhere"))
	require.NoError(t, err)
	require.Empty(t, none)
	for _, name := range []string{"2026-01-02", "2025-12-31"} {
		w, err := Create(filepath.Join(root, name))
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	require.NoError(t, os.Mkdir(filepath.Join(root, "zz-empty"), 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(root, "zzz.txt"), nil, 0o666))
	got, err := Latest(root)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "2026-01-02"), got)
}
