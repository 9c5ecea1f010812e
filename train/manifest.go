package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// manifestName is written last and removed first: a checkpoint without it is none.
const manifestName = "manifest.json"

// manifest says where a checkpoint comes from, what it holds and how its run goes on.
type manifest struct {
	Version  string                     `json:"luthier_version"`
	Adapter  string                     `json:"adapter"`
	Driver   string                     `json:"driver"`
	Backend  string                     `json:"backend"`
	Kernels  string                     `json:"kernel_table"`
	Model    string                     `json:"model_fingerprint"`
	Data     string                     `json:"data_fingerprint"`
	Settings map[string]json.RawMessage `json:"settings"`
	Progress progress                   `json:"progress"`
	Files    map[string]fileSum         `json:"files"`
}

type fileSum struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// manifest of the run as it stands, without files.
func (l *Loop) manifest() (manifest, error) {
	info := l.Engine.Dev.Info()
	m := manifest{Version: l.Identity.Version, Adapter: info.Name, Driver: info.Driver, Backend: info.Backend, Kernels: l.Identity.Kernels,
		Model: l.Identity.Model, Data: l.Identity.Data, Progress: l.p, Settings: map[string]json.RawMessage{}, Files: map[string]fileSum{}}
	m.Progress.Seconds += l.session.watch.now().Seconds()
	for _, of := range []map[string]any{l.settings(), l.Stepper.Settings(), l.Identity.Settings} {
		for k, v := range of {
			raw, err := json.Marshal(v)
			if err != nil {
				return m, fmt.Errorf("setting %s: %w", k, err)
			}
			m.Settings[k] = raw
		}
	}
	return m, nil
}

// settings are those of the loop that change the maths. The length of a run matters to a schedule that knows its end only.
func (l *Loop) settings() map[string]any {
	o, kind := l.Train.Options(), l.Schedule.Kind
	if l.Schedule.Constant() {
		kind = "constant" // two names of one schedule
	}
	m := map[string]any{"task": l.Engine.Task, "labels": l.Engine.Labels, "label_smoothing": l.Engine.Smoothing,
		"batch_size": o.BatchSize, "gradient_accumulation_steps": l.Accumulate, "lr": l.Schedule.Peak, "lr_scheduler_type": kind,
		"warmup_steps": l.Schedule.Warmup, "data_seed": o.Seed, "shuffle": !o.NoShuffle, "group_by_length": o.GroupByLength,
		"length_window": o.Window, "drop_last": o.DropLast, "pad_left": o.LeftPad, "pad_id": o.PadID}
	if o.Mask != nil {
		m["mlm_probability"], m["whole_word_mask"] = o.Mask.Probability, o.Mask.WholeWord
	}
	if !l.Schedule.Constant() {
		m["schedule_steps"] = l.Schedule.Total
	}
	return m
}

// differences lists what has to be equal and is not; was is the checkpoint's.
func (was manifest) differences(is manifest) []Difference {
	var out []Difference
	compare := func(field, a, b string) {
		if a != b {
			out = append(out, Difference{field, a, b})
		}
	}
	compare("model_fingerprint", was.Model, is.Model)
	compare("data_fingerprint", was.Data, is.Data)
	all := maps.Clone(was.Settings)
	maps.Copy(all, is.Settings)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		compare(k, value(was.Settings, k), value(is.Settings, k))
	}
	return out
}

// value of a setting as compact JSON: the manifest's is indented.
func value(m map[string]json.RawMessage, k string) string {
	raw, ok := m[k]
	if !ok {
		return "not set"
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

// notes says what may be different, but rounds differently.
func (was manifest) notes(is manifest) []string {
	var out []string
	for _, f := range []struct{ what, was, is string }{{"adapter", was.Adapter, is.Adapter}, {"driver", was.Driver, is.Driver},
		{"backend", was.Backend, is.Backend}, {"kernel table", was.Kernels, is.Kernels}, {"luthier version", was.Version, is.Version}} {
		if f.was != f.is {
			out = append(out, fmt.Sprintf("the checkpoint was made with %s %q, this is %q: the run goes on, rounding may differ", f.what, f.was, f.is))
		}
	}
	return out
}

func readManifest(dir string) (manifest, error) {
	path := filepath.Join(dir, manifestName)
	var m manifest
	raw, err := os.ReadFile(path)
	if err != nil {
		return m, &CheckpointError{path, err}
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, &CheckpointError{path, fmt.Errorf("is no manifest of a checkpoint: %w", err)}
	}
	if p := m.Progress; p.Step < 1 || p.Cursor.Epoch < 0 || p.Cursor.Next < 0 || m.Files == nil {
		return m, &CheckpointError{path, fmt.Errorf("is no manifest of a checkpoint: step %d", p.Step)}
	}
	return m, nil
}

// verify reads the files that a resumed run needs and compares them with what was written.
func (m manifest) verify(dir string) error {
	for _, name := range []string{trainableName, optimizerName, stateName} {
		path := filepath.Join(dir, name)
		want, ok := m.Files[name]
		if !ok {
			return &CheckpointError{filepath.Join(dir, manifestName), fmt.Errorf("does not list %s", name)}
		}
		have, err := sumFile(path)
		if err != nil {
			return &CheckpointError{path, err}
		}
		if have.Bytes != want.Bytes {
			return &CheckpointError{path, fmt.Errorf("is damaged: it has %d bytes and was written with %d", have.Bytes, want.Bytes)}
		}
		if have != want {
			return &CheckpointError{path, fmt.Errorf("is damaged: its content is not what was written")}
		}
	}
	return nil
}

func sumFile(path string) (fileSum, error) {
	f, err := os.Open(path)
	if err != nil {
		return fileSum{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return fileSum{n, hex.EncodeToString(h.Sum(nil))}, err
}
