package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"luthier/data"
	"luthier/model"
)

// parseTask takes luthier's and PEFT's names; empty stays empty.
func parseTask(s string) (model.Task, error) {
	switch strings.ToLower(strings.ReplaceAll(s, "-", "_")) {
	case "":
		return "", nil
	case "clm", "causal_lm", "lm", "text_generation":
		return model.CausalLM, nil
	case "mlm", "masked_lm":
		return model.MaskedLM, nil
	case "classify", "seq_cls", "classification", "sequence_classification", "text_classification":
		return model.Classify, nil
	case "regress", "regression":
		return model.Regress, nil
	case "token_classify", "token_cls", "token_classification", "ner":
		return model.TokenClassify, nil
	}
	return "", usage("--task %q: want clm, mlm, classify, regress or token-classify", s)
}

// resolveTask is the task that the user names, or that the adapter or model was made for, or that the data looks like.
func (s *source) resolveTask(in *inputs, dataPath string) (model.Task, error) {
	t, err := parseTask(in.task)
	if err != nil {
		return "", err
	}
	if t == "" {
		t = s.record.Task
	}
	if t == "" {
		t = s.guessTask(dataPath, in.labelColumn)
	}
	if t == model.Score { // --template none
		t = model.Classify
	}
	spec, _ := model.SpecOf(s.config.ModelType)
	if _, ok := spec.Classes[t]; !ok {
		return "", usage("--task %s: a %s model has no such task", t, s.config.ModelType)
	}
	if s.config.ProblemType == "multi_label_classification" && headClass(s.config) && (t == model.Classify || t == model.Regress) {
		return "", badData(fmt.Errorf("%s: several labels a text (problem_type multi_label_classification) are not supported; if each text "+
			"has one, take problem_type out", s.config.File))
	}
	return t, in.columnsFit(t)
}

// guessTask is resolveTask's last resort. Who names a label column has labels, whatever they are called.
func (s *source) guessTask(dataPath, labelColumn string) model.Task {
	spec, _ := model.SpecOf(s.config.ModelType)
	switch {
	case s.adapterType() == model.Classify.PEFTType() && !headClass(s.config):
		return model.Classify
	case s.adapterType() == model.TokenClassify.PEFTType() || s.adapterType() == "" && tokenHead(s.config):
		return model.TokenClassify
	case headClass(s.config) && (s.config.ProblemType == "regression" || len(s.config.ID2Label) == 1):
		return model.Regress
	case headClass(s.config):
		return model.Classify
	case dataPath != "" && hasWords(dataPath):
		return model.TokenClassify
	case labelColumn != "" || dataPath != "" && hasLabels(dataPath):
		return model.Classify
	case spec.Decoder:
		return model.CausalLM
	case dataPath != "" || slices.Contains(s.config.Architectures, spec.Classes[model.MaskedLM]):
		return model.MaskedLM
	}
	return model.Classify
}

// hasLabels looks at a data file: tables have labels, text has none, and the first object of a JSON file says what it has.
func hasLabels(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".tsv", ".csv":
		return true
	case ".jsonl", ".json", ".ndjson":
	default:
		return false
	}
	row, err := firstObject(path)
	if err != nil {
		return false // reading the file in earnest will say what is wrong
	}
	return data.LabelKey(func(k string) bool { _, ok := row[k]; return ok }) != ""
}

// firstObject reads the first object of a JSON array or of a file with one object a line.
func firstObject(path string) (row map[string]json.RawMessage, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for {
		b, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		if b == '{' {
			break
		}
	}
	if err := r.UnreadByte(); err != nil {
		return nil, err
	}
	err = json.NewDecoder(r).Decode(&row)
	return row, err
}

// length is --max-length, or what the adapter was trained with, or the default; never more than the model has positions.
func (s *source) length(flag int, task model.Task) (int, error) {
	most := s.config.MaxPositions
	if flag > most {
		return 0, usage("--max-length %d: the model knows %d positions (max_position_embeddings)", flag, most)
	}
	switch {
	case flag > 0:
		return flag, nil
	case s.record.MaxLength > 0:
		return min(most, s.record.MaxLength), nil
	case task == model.CausalLM:
		return min(most, 512), nil
	}
	return min(most, 256), nil
}

// plainLabels are LABEL_0, LABEL_1, ..., transformers' names for classes without one.
func plainLabels(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("LABEL_%d", i)
	}
	return out
}
