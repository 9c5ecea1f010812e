package model

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"luthier/graph"
	"luthier/internal/atomicfile"
	"luthier/model/safetensors"
)

// Export lists every tensor of the checkpoint with the changed weights (by the model's names) in place of the old ones, and heads that
// the checkpoint lacks, whose biases are zero where nothing trained them; where something changed, without heads of other tasks. Types stay
// as stored; dtype F32, F16 or BF16 makes all one type. A bare base model's file whose model now has a head gets the prefix, so that
// transformers' class for the task loads it.
func (w *Weights) Export(changed map[string][]float32, dtype string) ([]safetensors.Out, error) {
	if x := changed[w.spec.HeadBias]; x != nil && !w.config.TiedHead() {
		changed[w.decoderBias()], w.shapes[w.decoderBias()] = x, []int{w.config.Vocab}
	}
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
		if !ok && len(changed) > 0 && w.otherHead(full) {
			continue
		}
		if !ok && full == w.spec.HeadWeight && w.config.TiedHead() && changed[w.spec.Table] != nil {
			continue // a copy of the embedding that has changed
		}
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
	rest, err := w.added(changed, done, dtype)
	return append(out, rest...), err
}

// added are the tensors that the checkpoint has not: changed weights that are not done, and biases that nothing trained.
func (w *Weights) added(changed map[string][]float32, done map[string]bool, dtype string) (out []safetensors.Out, err error) {
	names := make([]string, 0, len(changed))
	for n := range changed {
		names = append(names, n)
	}
	for _, n := range w.Started() {
		if changed[n] == nil && strings.HasSuffix(n, ".bias") {
			names = append(names, n)
		}
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
		x := changed[n]
		if x == nil {
			x = make([]float32, graph.Shape(shape).Elems())
		}
		out = append(out, safetensors.FromFloat32(n, d, shape, x))
	}
	return out, nil
}

// otherHead tells whether a weight belongs to a head that the built model does not have: of a masked language model that became a classifier,
// say, for whose class transformers would call it unexpected.
func (w *Weights) otherHead(name string) bool {
	_, used := w.shapes[name]
	_, hasTable := w.findOwn(w.spec.Table)
	used = used || name == w.spec.HeadWeight && !hasTable || name == w.decoderBias() && w.headed && !w.config.TiedHead()
	return !used && (w.isHead(name) || name == w.spec.HeadWeight && !w.headed)
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
		bare = bare || full == w.spec.Prefix+modern(short)
	}
	return func(name string) string {
		if full, ok := back[name]; ok {
			return full
		}
		name = modern(name)
		if bare && !w.isHead(name) && name != w.spec.HeadWeight {
			return w.spec.Prefix + name
		}
		return name
	}
}

// Twins are the word embedding and the vocabulary head by name; tied tells that the model was built with a head and that the checkpoint's is
// the embedding.
func (w *Weights) Twins() (table, head string, tied bool) {
	return w.spec.Table, w.spec.HeadWeight, w.headed && w.config.TiedHead()
}

// Untie keeps the vocabulary head as the checkpoint has it, where the embedding that it is tied to changes: its values go into changed under
// its own name, unless they are there.
func (w *Weights) Untie(changed map[string][]float32) error {
	head := w.spec.HeadWeight
	w.shapes[head] = []int{w.config.Vocab, w.config.HiddenSize}
	if changed[head] == nil {
		x, err := w.Values(head, w.config.Vocab*w.config.HiddenSize)
		if err != nil {
			return err
		}
		changed[head] = x
	}
	if w.spec.HeadBias == "" {
		return nil
	}
	x := changed[w.spec.HeadBias]
	if x == nil {
		var err error
		if x, err = w.Values(w.spec.HeadBias, w.config.Vocab); err != nil {
			return err
		}
	}
	changed[w.decoderBias()], w.shapes[w.decoderBias()] = x, []int{w.config.Vocab}
	return nil
}

// WriteConfig writes the base model's config.json to dir, with the class and the labels of a classification task; untied says that the
// vocabulary head has become a tensor of its own, dtype what type most of the weights beside it have.
func WriteConfig(c *Config, dir string, task Task, labels []string, untied bool, dtype string) error {
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
	if task == Regress && len(labels) == 0 { // transformers counts the outputs of a head by their names
		labels = []string{"LABEL_0"}
	}
	if task == Classify || task == Regress || task == TokenClassify {
		id2label, label2id := map[string]string{}, map[string]int{}
		for i, l := range labels {
			id2label[strconv.Itoa(i)], label2id[l] = l, i
		}
		m["id2label"], m["label2id"] = id2label, label2id
		delete(m, "num_labels") // older files have it beside id2label
		delete(m, "problem_type")
		if p := map[Task]string{Classify: "single_label_classification", Regress: "regression"}[task]; p != "" {
			m["problem_type"] = p
		}
		if m["pad_token_id"] == nil && c.PadID != nil {
			m["pad_token_id"] = *c.PadID
		}
	}
	if untied || !c.TiedHead() { // the config may have said otherwise, or nothing
		m["tie_word_embeddings"] = false
	}
	setType(m, dtype)
	out, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, "config.json"), 0o644, func(w io.Writer) error {
		_, err := w.Write(append(out, '\n'))
		return err
	})
}
