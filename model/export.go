package model

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"

	"luthier/internal/atomicfile"
	"luthier/model/safetensors"
)

// Export lists every tensor of the checkpoint with the changed weights (by the model's names) in place of the old ones, and heads that
// the checkpoint lacks. Types stay as stored; dtype F32, F16 or BF16 makes all one type. A bare base model's file whose model now has a
// head gets the prefix, so that transformers' class for the task loads it.
func (w *Weights) Export(changed map[string][]float32, dtype string) ([]safetensors.Out, error) {
	var out []safetensors.Out
	rename := w.renames()
	done := map[string]bool{}
	for _, name := range w.file.Names() {
		t, _ := w.file.Tensor(name)
		full := rename(name)
		d := dtype
		if d == "" || !floating(t.DType) {
			d = t.DType
		}
		x, ok := changed[full]
		switch {
		case ok:
			if len(x) != t.Elems() {
				return nil, fmt.Errorf("%s: %d values, the checkpoint has %d", full, len(x), t.Elems())
			}
			out = append(out, safetensors.FromFloat32(full, d, t.Shape, x))
			done[full] = true
		case d == t.DType:
			o := safetensors.Copy(t)
			o.Name = full
			out = append(out, o)
		default:
			x := make([]float32, t.Elems())
			if err := t.Float32(x); err != nil {
				return nil, err
			}
			out = append(out, safetensors.FromFloat32(full, d, t.Shape, x))
		}
	}
	names := make([]string, 0, len(changed))
	for n := range changed {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		if done[n] {
			continue
		}
		shape, ok := w.shapes[n]
		if !ok {
			return nil, fmt.Errorf("%s: no such tensor in the model", n)
		}
		d := dtype
		if d == "" {
			d = safetensors.F32
		}
		out = append(out, safetensors.FromFloat32(n, d, shape, changed[n]))
	}
	return out, nil
}

func floating(d string) bool {
	return d == safetensors.F32 || d == safetensors.F16 || d == safetensors.BF16 || d == safetensors.F64
}

// renames maps the file's names to the model's: the identity, but for a bare base model.
func (w *Weights) renames() func(string) string {
	back := map[string]string{}
	for full, short := range w.used {
		back[short] = full
	}
	bare := false
	for full, short := range w.used {
		bare = bare || full != short
	}
	return func(name string) string {
		if full, ok := back[name]; ok {
			return full
		}
		if bare {
			return w.spec.Prefix + name
		}
		return name
	}
}

// Untie keeps the values of a vocabulary head that is tied to the table of that name, which is about to change alone: they go into
// changed under the head's own name. It tells whether there is such a head.
func (w *Weights) Untie(table string, changed map[string][]float32) bool {
	if table != w.spec.Table || !w.config.TiedHead() {
		return false
	}
	x, err := w.Values(table, w.config.Vocab*w.config.HiddenSize)
	if err != nil {
		return false
	}
	w.shapes[w.spec.HeadWeight] = []int{w.config.Vocab, w.config.HiddenSize}
	changed[w.spec.HeadWeight] = x
	return true
}

// WriteConfig writes the base model's config.json to dir, with the class and the labels of a classification task; untied says that the
// vocabulary head has become a tensor of its own.
func WriteConfig(c *Config, dir string, task Task, labels []string, untied bool) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	spec := specs[c.ModelType]
	if class := spec.Classes[spec.Head(task)]; class != "" {
		m["architectures"] = []string{class}
	}
	if task == Classify || task == Regress {
		id2label, label2id := map[string]string{}, map[string]int{}
		for i, l := range labels {
			id2label[strconv.Itoa(i)], label2id[l] = l, i
		}
		m["id2label"], m["label2id"] = id2label, label2id
		m["problem_type"] = map[Task]string{Classify: "single_label_classification", Regress: "regression"}[task]
		if m["pad_token_id"] == nil && c.PadID != nil {
			m["pad_token_id"] = *c.PadID
		}
	}
	if untied {
		m["tie_word_embeddings"] = false
	}
	out, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, "config.json"), 0o644, func(w io.Writer) error {
		_, err := w.Write(append(out, '\n'))
		return err
	})
}
