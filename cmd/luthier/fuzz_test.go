package main

import (
	"path/filepath"
	"testing"

	"luthier/internal/fuzzcheck"
)

// FuzzConfigFile: any YAML file of settings is refused, with its name, or gives settings with their lines.
func FuzzConfigFile(f *testing.F) {
	f.Add([]byte("model: m\nlearning-rate: 1e-3\ntarget_modules: [q_proj, v_proj]\nrank_pattern: {a: 4}\n# note\nresume: null\n"))
	f.Add([]byte("a: &x [1, *x]\n"))
	f.Add([]byte("---\na: 1\n---\nb: {c: {d: e}}\n? [x]\n: y\n"))
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := file(t, "c.yaml", raw)
		fuzzcheck.Bounded(t, len(raw), func() {
			entries, err := readConfig(path)
			for _, e := range entries {
				if err == nil && e.line < 1 {
					t.Fatalf("%q stands in line %d", e.key, e.line)
				}
			}
		})
	})
}

// FuzzRecord: any record of a run beside an adapter or a model is read as what it says, or as nothing.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"task":"classify","labels":["a","b"],"template":"{text} {mask}"}`))
	f.Add([]byte(`[]`))
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := file(t, recordFile, raw)
		fuzzcheck.Bounded(t, len(raw), func() { readRecord(filepath.Dir(path)) })
	})
}
