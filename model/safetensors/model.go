package safetensors

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Model is the weights of a model directory: one file, or the shards of an index.
type Model struct {
	dir   string
	files []*File          // in order of name
	of    map[string]*File // tensor -> its file
}

// OpenModel maps the weights in dir, in Hugging Face's layout: model.safetensors, or model.safetensors.index.json and
// its shards (where both are there, the single file, as transformers has it). Close the Model when done.
func OpenModel(dir string) (*Model, error) {
	st, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("model directory: %w", err)
	}
	if !st.IsDir() {
		return nil, &FormatError{File: dir, Problem: "is a file", Remedy: "give the directory that holds the model's config.json and model.safetensors"}
	}
	if exists(filepath.Join(dir, singleName)) {
		return openShards(dir, nil, []string{singleName})
	}
	index := filepath.Join(dir, indexName)
	if !exists(index) {
		return nil, noWeights(dir)
	}
	shardOf, err := readIndex(index)
	if err != nil {
		return nil, err
	}
	shards := slices.Compact(slices.Sorted(maps.Values(shardOf)))
	var missing []string
	for _, s := range shards {
		if !exists(filepath.Join(dir, s)) {
			missing = append(missing, s)
		}
	}
	if len(missing) > 0 {
		return nil, &FormatError{File: index, Problem: fmt.Sprintf("%d of %d shards are missing: %s", len(missing), len(shards), few(missing)),
			Remedy: "the download is incomplete: fetch them into the same directory"}
	}
	return openShards(dir, shardOf, shards)
}

// openShards opens the named files. shardOf is nil for a single file; else it must agree with what the shards hold.
func openShards(dir string, shardOf map[string]string, shards []string) (m *Model, err error) {
	m = &Model{dir: dir, of: map[string]*File{}}
	defer func() {
		if err != nil {
			m.Close()
			m = nil
		}
	}()
	for _, shard := range shards {
		f, err := Open(filepath.Join(dir, shard))
		if err != nil {
			return m, err
		}
		m.files = append(m.files, f)
		for _, name := range f.ordered {
			if want, listed := shardOf[name]; listed && want != shard {
				continue // the index decides which copy counts
			}
			if other := m.of[name]; other != nil {
				return m, &FormatError{f.path, name, "is in " + filepath.Base(other.path) + " too, and not in the index", faultyGen}
			}
			m.of[name] = f
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shardOf)) {
		if m.of[name] == nil {
			return m, &FormatError{filepath.Join(dir, shardOf[name]), name, "is in the index but not in this shard",
				"index and shards are of different versions: fetch all of them again"}
		}
	}
	return m, nil
}

// Dir is the directory given to OpenModel.
func (m *Model) Dir() string { return m.dir }

// Files lists the opened files in order of name.
func (m *Model) Files() []*File { return slices.Clone(m.files) }

// Names lists the tensors of all files, sorted. A tensor that a shard holds beside the index is listed too.
func (m *Model) Names() []string { return slices.Sorted(maps.Keys(m.of)) }

// Tensor returns the named tensor; its Data lies in the mapping.
func (m *Model) Tensor(name string) (Tensor, bool) {
	f, ok := m.of[name]
	if !ok {
		return Tensor{}, false
	}
	return f.Tensor(name)
}

// Close unmaps all files. It may be called more than once.
func (m *Model) Close() error {
	if m == nil {
		return nil
	}
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// noWeights explains a directory without safetensors by what is there instead.
func noWeights(dir string) error {
	fail := func(problem, remedy string) error { return &FormatError{File: dir, Problem: problem, Remedy: remedy} }
	if old, _ := filepath.Glob(filepath.Join(escapeGlob(dir), "pytorch_model*.bin")); len(old) > 0 {
		return fail("has only "+few(baseNames(old))+", which is a pickle: reading it would run code from the file", "convert it once with\n"+convertCommand(dir))
	}
	if exists(filepath.Join(dir, "adapter_model.safetensors")) {
		return fail("holds an adapter, not a model", "give the directory of its base model, and the adapter as such")
	}
	if other, _ := filepath.Glob(filepath.Join(escapeGlob(dir), "*.safetensors")); len(other) > 0 {
		return fail("has "+few(baseNames(other))+" but neither "+singleName+" nor "+indexName, "rename the file to "+singleName+", or fetch the index")
	}
	return fail("has neither "+singleName+" nor "+indexName, "give the directory of a model in Hugging Face layout")
}

// convertCommand loads tensors only (weights_only) and clones them: safetensors refuses tensors that share memory.
func convertCommand(dir string) string {
	return fmt.Sprintf(`  cd %s && python3 -c "import glob, torch, safetensors.torch as s; d = {}; `+
		`[d.update(torch.load(f, map_location='cpu', weights_only=True)) for f in sorted(glob.glob('pytorch_model*.bin'))]; `+
		`s.save_file({k: v.clone().contiguous() for k, v in d.items()}, '%s', {'format': 'pt'})"`, shellQuote(dir), singleName)
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func escapeGlob(s string) string {
	return strings.NewReplacer(`[`, `[[]`, `*`, `[*]`, `?`, `[?]`).Replace(s)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil || !errors.Is(err, fs.ErrNotExist)
}

func baseNames(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = filepath.Base(p)
	}
	return out
}

// few joins at most three of names.
func few(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}
