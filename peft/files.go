package peft

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"luthier/internal/atomicfile"
	"luthier/model/safetensors"
)

// File names of an adapter directory. PickleFile is what PEFT wrote before safetensors; it is read where WeightsFile is not there.
const (
	ConfigFile  = "adapter_config.json"
	WeightsFile = "adapter_model.safetensors"
	PickleFile  = "adapter_model.bin"
)

// Tensor is a trained tensor by its leaf's name.
type Tensor struct {
	Name   string
	Shape  []int
	Values []float32
	// Base says that it is a weight of the base model which is not trained: PEFT writes an embedding that has an addition along with it.
	Base bool
}

// transposedInFile tells whether PEFT's file has the tensor the other way round than the leaf: embedding A, held with one row an id.
func transposedInFile(name string) bool { return strings.HasSuffix(name, ".lora_embedding_A") }

// Save writes m's adapter_config.json and the trained tensors to dir, in PEFT's layout: F32, keys without the adapter's name. base is the
// directory of the base model: base_model_name_or_path says its name on the hub where that is known, with the revision. A tensor with NaN or infinity is an error, and nothing is written.
func Save(dir string, m Method, base string, tensors []Tensor) error {
	cfg := m.Config()
	if cfg == nil {
		return fmt.Errorf("method %s has no adapter file", m.Name())
	}
	if l, ok := m.(*LoRA); ok {
		tensors = l.withTwin(tensors)
	}
	adapted := map[string]bool{}
	for _, t := range tensors {
		for _, end := range []string{".lora_A.weight", ".lora_embedding_A"} {
			if path, ok := strings.CutSuffix(t.Name, end); ok {
				adapted[path] = true
			}
		}
	}
	var out []safetensors.Out
	for _, t := range tensors {
		shape, values := t.Shape, t.Values
		if transposedInFile(t.Name) {
			shape, values = []int{shape[1], shape[0]}, transpose(values, shape[0], shape[1])
		}
		out = append(out, safetensors.FromFloat32(fileKey(t.Name, adapted), safetensors.F32, shape, values))
	}
	err := atomicfile.WriteFile(filepath.Join(dir, WeightsFile), 0o644, func(w io.Writer) error { return safetensors.Write(w, out, nil) })
	if err != nil {
		return err
	}
	if f, ok := m.(interface{ inFile(string, *string) any }); ok {
		if id, revision := HubName(base); id != "" {
			cfg = f.inFile(id, &revision)
		} else {
			cfg = f.inFile(base, nil)
		}
	}
	raw, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, ConfigFile), 0o644, func(w io.Writer) error {
		_, err := w.Write(append(raw, '\n'))
		return err
	})
}

// fileKey is the key of a leaf in a file. PEFT has a module with an addition hold the module it was: the bias is that one's.
func fileKey(leaf string, adapted map[string]bool) string {
	key := Key(leaf)
	if path, ok := strings.CutSuffix(key, ".bias"); ok && adapted[path] {
		return path + ".base_layer.bias"
	}
	return key
}

// Load reads an adapter directory: the method with its settings, and the tensors by leaf name.
func Load(dir string) (Method, []Tensor, error) {
	path := filepath.Join(dir, ConfigFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("%w (an adapter directory holds %s and %s)", err, ConfigFile, WeightsFile)
	}
	m, err := ParseConfig(raw, path)
	if err != nil {
		return nil, nil, err
	}
	ts, path, err := readTensors(dir)
	if err != nil {
		return nil, nil, err
	}
	if l, ok := m.(*LoRA); ok && l.EnsureTying {
		ts = withoutTwin(ts)
	}
	return m, ts, checkTwice(path, ts)
}

// ParseConfig reads an adapter_config.json. Keys of newer PEFT versions that are at their neutral value are passed over; one that would
// change the result is an error that names it.
func ParseConfig(raw []byte, path string) (Method, error) {
	var head struct {
		Type string `json:"peft_type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, name := range Names() {
		s := specs[name]
		if s.Type == "" || s.Type != head.Type {
			continue
		}
		m := s.New()
		if err := json.Unmarshal(raw, m.Config()); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if c, ok := m.(interface{ loaded(raw []byte) error }); ok {
			if err := c.loaded(raw); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
		return m, nil
	}
	return nil, fmt.Errorf("%s: peft_type %s is not supported: luthier reads adapters of type %s; of others PEFT's merge_and_unload, where the "+
		"method has it, makes a whole model", path, orNone(head.Type), strings.Join(types(), ", "))
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// types lists the peft_type of each method that has one.
func types() (out []string) {
	for _, n := range Names() {
		if t := specs[n].Type; t != "" {
			out = append(out, t)
		}
	}
	return out
}
