// Package fuzzcheck holds what the fuzz targets of all parsers assert alike: an input costs no more memory and time than its size explains.
package fuzzcheck

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// A parser may allocate base bytes, and perByte for each byte of input: JSON decoded into maps of small values takes some hundred. A length
// field that the input does not fill goes far beyond.
const (
	base    = 4 << 20
	perByte = 1 << 10
)

// hang is how long one input may take. The target is killed then, so that the engine keeps the input.
const hang = 20 * time.Second

// Bounded runs f on an input of size bytes and fails t where it allocates more than the input explains. All that was allocated counts,
// whether it is garbage by now or not. An f that does not return panics after 20 s.
func Bounded(t testing.TB, size int, f func()) {
	t.Helper()
	watch := time.AfterFunc(hang, func() { panic(fmt.Sprintf("an input of %d bytes takes more than %v", size, hang)) })
	defer watch.Stop()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(base+perByte*size); used > limit {
		t.Fatalf("an input of %d bytes allocates %d, more than %d", size, used, limit)
	}
}

// Files gives a function that writes an input to a file of that name and returns its path. All inputs of a target share one directory,
// because making one for each takes longer than most parsers do; a file stands until the next input of its name.
func Files(f *testing.F) func(t testing.TB, name string, raw []byte) string {
	dir := f.TempDir()
	return func(t testing.TB, name string, raw []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
}
