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

// File names of an adapter directory.
const (
	ConfigFile  = "adapter_config.json"
	WeightsFile = "adapter_model.safetensors"
)

// Tensor is a trained tensor by its leaf's name.
type Tensor struct {
	Name   string
	Shape  []int
	Values []float32
}

// transposedInFile tells whether PEFT's file has the tensor the other way round than the leaf: embedding A, held with one row an id.
func transposedInFile(name string) bool { return strings.HasSuffix(name, ".lora_embedding_A") }

// Save writes m's adapter_config.json and the trained tensors to dir, in PEFT's layout: F32, keys without the adapter's name. base is
// what base_model_name_or_path says. A tensor with NaN or infinity is an error, and nothing is written.
func Save(dir string, m Method, base string, tensors []Tensor) error {
	cfg := m.Config()
	if cfg == nil {
		return fmt.Errorf("method %s has no adapter file", m.Name())
	}
	if b, ok := m.(interface{ SetBase(string) }); ok {
		b.SetBase(base)
	}
	var out []safetensors.Out
	for _, t := range tensors {
		shape, values := t.Shape, t.Values
		if transposedInFile(t.Name) {
			shape, values = []int{shape[1], shape[0]}, transpose(values, shape[0], shape[1])
		}
		out = append(out, safetensors.FromFloat32(Key(t.Name), safetensors.F32, shape, values))
	}
	err := atomicfile.WriteFile(filepath.Join(dir, WeightsFile), 0o644, func(w io.Writer) error { return safetensors.Write(w, out, nil) })
	if err != nil {
		return err
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

// SetBase records the base model's name.
func (l *LoRA) SetBase(name string) { l.Base = name }

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
	f, err := safetensors.Open(filepath.Join(dir, WeightsFile))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var out []Tensor
	for _, name := range f.Names() {
		t, _ := f.Tensor(name)
		x := make([]float32, t.Elems())
		if err := t.Float32(x); err != nil {
			return nil, nil, err
		}
		if i, bad := safetensors.FirstNonFiniteFloat32(x); bad {
			return nil, nil, fmt.Errorf("%s: tensor %s: element %d is not finite", f.Path(), name, i)
		}
		leaf, ok := leafOf(name)
		if !ok {
			return nil, nil, fmt.Errorf("%s: tensor %s: a PEFT adapter's names start with %s", f.Path(), name, prefix)
		}
		shape := t.Shape
		if transposedInFile(leaf) && len(shape) == 2 {
			x, shape = transpose(x, shape[0], shape[1]), []int{shape[1], shape[0]}
		}
		out = append(out, Tensor{leaf, shape, x})
	}
	return m, out, nil
}

// leafOf is the leaf's name of a key in a file: additions keep PEFT's prefix, base weights lose it.
func leafOf(key string) (string, bool) {
	rest, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return "", false
	}
	for _, part := range []string{".lora_A.", ".lora_B.", ".lora_embedding_A", ".lora_embedding_B"} {
		if strings.Contains(rest, part) {
			return key, true
		}
	}
	return rest, true
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
	return nil, fmt.Errorf("%s: peft_type %q is not supported (have %s)", path, head.Type, strings.Join(Names(), ", "))
}

// neutral are the keys of PEFT's LoraConfig that luthier does not have, with the values that mean nothing.
var neutral = map[string]bool{"null": true, "false": true, "{}": true, "[]": true}

// foreign are keys that change what an adapter computes, and that luthier does not have.
var foreign = []string{"use_dora", "use_qalora", "use_bdlora", "lora_bias", "trainable_token_indices", "target_parameters", "layer_replication",
	"alora_invocation_tokens", "exclude_modules", "arrow_config", "monteclora_config", "kasa_config", "velora_config"}

// loaded checks a config that PEFT wrote.
func (l *LoRA) loaded(raw []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	for _, k := range foreign {
		if v, ok := all[k]; ok && !neutral[string(v)] {
			return fmt.Errorf("%s is %s: adapters with it are not supported", k, v)
		}
	}
	l.InferenceMode = true
	return l.check()
}
