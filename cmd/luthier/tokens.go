package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"luthier/data"
	"luthier/model"
	"luthier/train"
)

// readSentences reads words with tags and encodes them. labels are the tags' names; nil takes those of the file, and returns them.
func (in *inputs) readSentences(d *dataset, tok data.Tokenizer, length int, labels []string) ([]string, error) {
	columns := data.Columns{Text: in.textColumn, Label: in.labelColumn, Unlabeled: in.unlabeled}
	var err error
	if d.sentences, d.read, err = data.LoadSentences(d.path, columns); err != nil {
		return nil, err
	}
	if labels == nil {
		if labels, err = data.TagSet(d.sentences); err != nil {
			return nil, fmt.Errorf("%s: %w", d.path, err)
		}
	}
	return labels, in.encodeSentences(d, tok, labels, length)
}

// encodeSentences turns sentences into sequences, with classes where the rows must have them.
func (in *inputs) encodeSentences(d *dataset, tok data.Tokenizer, labels []string, length int) error {
	var tags [][]int32
	var err error
	if !in.unlabeled {
		numberedTags(d.sentences, labels)
		if tags, err = data.TagIDs(d.path, d.sentences, labels); err != nil {
			return err
		}
	}
	d.seqs, d.encoded, err = data.EncodeSentences(tok, d.sentences, tags, length)
	return err
}

// numberedTags is numbered for tags: data sets of the hub give them as numbers.
func numberedTags(sentences []data.Sentence, labels []string) {
	for i := range sentences {
		row := make([]data.Example, len(sentences[i].Tags))
		for w, t := range sentences[i].Tags {
			row[w].Label = t
		}
		numbered(row, labels)
		for w := range row {
			sentences[i].Tags[w] = row[w].Label
		}
	}
}

// tagAdvice tells why a run on words will measure no entities; empty where it will.
func (j *job) tagAdvice() string {
	if j.task != model.TokenClassify || len(j.labels) == 0 || data.MarksEntities(j.labels) {
		return ""
	}
	if _, err := strconv.Atoi(j.labels[0]); err == nil {
		return "the tags are numbers without names, which tell no entities: only the accuracy is measured; write tags such as B-PER and O, or start from a model whose config.json names them"
	}
	return "the tags are not B-TYPE, I-TYPE and O: no entities are counted, only the accuracy is measured"
}

// answerWords prints the tags of one sentence: a word and its tag a line, as CoNLL's files have them, or an object.
func (a *app) answerWords(j *job, s data.Sentence, p train.Prediction, first bool) {
	tags, probabilities := make([]any, len(p.Words)), make([]any, len(p.Words)) // null where there is no answer
	names := make([]string, len(p.Words))
	for i, w := range p.Words {
		if names[i] = "O"; w.Class >= 0 {
			names[i] = j.labels[w.Class]
			tags[i], probabilities[i] = names[i], w.Probability
		}
	}
	if a.json {
		out := map[string]any{"line": p.Line, "tokens": s.Words, "tags": tags, "probabilities": probabilities}
		if data.MarksEntities(j.labels) {
			out["entities"] = entitiesJSON(s.Words, names)
		}
		a.emit(out)
		return
	}
	if !first {
		a.say("")
	}
	for i, word := range s.Words {
		if tags[i] == nil {
			a.warn("line %d: %q has no tag: it was cut away at --max-length %d, or has no tokens", p.Line, word, j.length)
			names[i] = "_"
		}
		a.say("%s\t%s", word, names[i])
	}
}

func entitiesJSON(words, tags []string) []map[string]any {
	out := []map[string]any{}
	for _, e := range data.Entities(tags) {
		out = append(out, map[string]any{"type": e.Type, "from": e.From, "to": e.To, "text": strings.Join(words[e.From:e.To+1], " ")})
	}
	return out
}

// hasWords looks at a data file for words with tags: by its ending, or by the first object of a JSON file.
func hasWords(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".conll", ".iob", ".iob2", ".bio":
		return true
	case ".jsonl", ".json", ".ndjson":
	default:
		return false
	}
	row, err := firstObject(path)
	if err != nil {
		return false // reading the file in earnest will say what is wrong
	}
	for _, k := range []string{"tokens", "words"} {
		if v, ok := row[k]; ok && strings.HasPrefix(string(v), "[") {
			return true
		}
	}
	return false
}
