package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"luthier/data"
	"luthier/internal/atomicfile"
	"luthier/model"
	"luthier/model/safetensors"
	"luthier/peft"
)

// hubName is what may be a model's name on Hugging Face.
var hubName = regexp.MustCompile(`^[\w-][\w.-]*/[\w.-]+$`)

// source is a model directory and what of it and of an adapter is loaded.
type source struct {
	dir     string
	config  *model.Config
	tok     data.Tokenizer // nil where nothing is read with it
	weights *model.Weights
	adapter *loaded // nil without
	record  runRecord
}

// loaded is an adapter directory.
type loaded struct {
	dir     string
	method  peft.Method
	tensors []peft.Tensor
	rebased string // a weight of the base model that the adapter brings with other values
}

// openSource opens the model, and the adapter where there is one. Without a model the adapter's config names it.
func openSource(dir, adapter string, tokenizer bool) (*source, error) {
	s := &source{dir: dir}
	if adapter != "" {
		if err := s.openAdapter(adapter); err != nil {
			return nil, badData(err)
		}
	}
	if s.dir == "" {
		return nil, usage("--model: give a model directory")
	}
	if err := s.open(tokenizer); err != nil {
		return nil, badData(err)
	}
	if err := s.rebase(); err != nil {
		return nil, badData(err)
	}
	return s, nil
}

func (s *source) open(tokenizer bool) (err error) {
	if _, err := os.Stat(s.dir); err != nil && hubName.MatchString(s.dir) {
		return fmt.Errorf("%s: no such directory (if it is a model's name on Hugging Face: luthier downloads nothing, `hf download %s --local-dir DIR` does)", s.dir, s.dir)
	}
	if !exists(s.dir, "config.json") && exists(s.dir, peft.ConfigFile) {
		return fmt.Errorf("%s holds an adapter and no model: give it as --adapter (in training as --init-adapter), and as --model the model it was trained on", s.dir)
	}
	if s.config, err = model.ReadConfig(s.dir); err != nil {
		return err
	}
	if tokenizer {
		if s.tok, err = s.readTokenizer(); err != nil {
			return err
		}
	}
	if s.record.Task == "" {
		s.record = readRecord(s.dir)
	}
	s.weights, err = model.OpenWeights(s.dir, s.config)
	return err
}

func (s *source) openAdapter(dir string) error {
	if !exists(dir, peft.ConfigFile) && exists(dir, "config.json") {
		return fmt.Errorf("%s holds a model and no adapter: give it as --model", dir)
	}
	m, tensors, err := peft.Load(dir)
	if err != nil {
		return err
	}
	s.adapter, s.record = &loaded{dir: dir, method: m, tensors: tensors}, readRecord(dir)
	if s.dir == "" {
		if s.dir, err = baseOf(dir); err != nil {
			return err
		}
	}
	return nil
}

// baseOf finds the base model of an adapter: where its config says, seen from here or from the adapter; where that is a name of the hub, the
// directory that luthier trained it from.
func baseOf(dir string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(dir, peft.ConfigFile))
	if err != nil {
		return "", err
	}
	var c struct {
		Base string `json:"base_model_name_or_path"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return "", err
	}
	own := readRecord(dir).Base
	if hub, _ := peft.HubName(own); hub != c.Base {
		own = ""
	}
	for _, p := range []string{own, c.Base, filepath.Join(dir, c.Base)} {
		if _, err := os.Stat(filepath.Join(p, "config.json")); p != "" && c.Base != "" && err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s: its base model %q is not a directory here: give --model", dir, c.Base)
}

// give hands the adapter's tensors to the weights.
func (s *source) give() {
	for _, t := range s.adapter.tensors {
		if t.Base {
			s.weights.Rebase(t.Name, t.Values)
		} else {
			s.weights.Give(t.Name, t.Values, t.Shape...)
		}
	}
}

// rebase looks at the embeddings that PEFT wrote along with an adapter: those that the model has as they are say nothing, others stand for
// the model's.
func (s *source) rebase() error {
	if s.adapter == nil {
		return nil
	}
	var kept []peft.Tensor
	for _, t := range s.adapter.tensors {
		if !t.Base {
			kept = append(kept, t)
			continue
		}
		have, shape, err := s.weights.Checkpoint(t.Name)
		if err != nil {
			return err
		}
		if !slices.Equal(shape, t.Shape) {
			return fmt.Errorf("%s: its %s has shape %v, that of %s %v: the vocabulary was resized before the training; give --model the resized model",
				s.adapter.dir, t.Name, t.Shape, s.dir, shape)
		}
		if !slices.Equal(have, t.Values) {
			kept, s.adapter.rebased = append(kept, t), t.Name
		}
	}
	s.adapter.tensors = kept
	return nil
}

// close unmaps the weights.
func (s *source) close() {
	if s != nil && s.weights != nil {
		_ = s.weights.Close() // read-only: nothing is lost
	}
}

// fingerprint of the base weights.
func (s *source) fingerprint() (string, error) {
	m, err := safetensors.OpenModel(s.dir)
	if err != nil {
		return "", badData(err)
	}
	defer m.Close()
	return m.Fingerprint()
}

// recordFile is what luthier keeps beside an adapter or a model it made: what PEFT's files have no place for.
const recordFile = "luthier.json"

// runRecord says how to use what a run made.
type runRecord struct {
	Version   string     `json:"luthier_version"`
	Base      string     `json:"base_model"`
	Method    string     `json:"method"`
	Task      model.Task `json:"task"`
	Labels    []string   `json:"labels,omitempty"`
	MaxLength int        `json:"max_length"`
	// Template and Verbalizer are those of a run that classified by a prompt.
	Template   string `json:"template,omitempty"`
	Verbalizer string `json:"verbalizer,omitempty"`
	// Masks is how a masked language model's tokens were hidden.
	Masks *hiding `json:"masks,omitempty"`
}

// readRecord gives an empty record where there is none: the directory is another tool's.
func readRecord(dir string) (r runRecord) {
	raw, err := os.ReadFile(filepath.Join(dir, recordFile))
	if err != nil || json.Unmarshal(raw, &r) != nil {
		return runRecord{}
	}
	return r
}

func (r runRecord) write(dir string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return writeText(filepath.Join(dir, recordFile), string(raw)+"\n")
}

func writeText(path, text string) error {
	return atomicfile.WriteFile(path, 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// exists tells whether dir has a file of that name.
func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// headClass tells whether the model was saved with a classification head.
func headClass(c *model.Config) bool {
	return len(c.Architectures) > 0 && strings.HasSuffix(c.Architectures[0], "ForSequenceClassification")
}

// tokenHead tells whether the model was saved with a head for words.
func tokenHead(c *model.Config) bool {
	return len(c.Architectures) > 0 && strings.HasSuffix(c.Architectures[0], "ForTokenClassification")
}

// adapterType is the task_type of the adapter, in PEFT's names; empty where there is none or it does not say.
func (s *source) adapterType() string {
	all := map[string]any{}
	if s.adapter == nil || flatten(all, s.adapter.method.Config()) != nil {
		return ""
	}
	t, _ := all["task_type"].(string)
	return t
}
