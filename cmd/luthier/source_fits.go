package main

import (
	"fmt"
	"slices"
	"strings"

	"luthier/data"
	"luthier/model"
)

// readTokenizer opens the model's tokenizer, whose ids and token types must be rows of the model's tables.
func (s *source) readTokenizer() (data.Tokenizer, error) {
	tok, err := data.LoadTokenizer(s.dir)
	if err != nil {
		return nil, err
	}
	if n := tok.VocabSize(); n > s.config.Vocab {
		return nil, fmt.Errorf("%s: the tokenizer has ids up to %d, the model's vocab_size is %d: they do not belong together: fetch the model again", s.dir, n-1, s.config.Vocab)
	}
	_, types := tok.Assemble([]int32{0}, nil, false)
	if most := slices.Max(append(types, 0)); !s.hasType(most) {
		return nil, fmt.Errorf("%s: the tokenizer gives tokens the type %d, the model's type_vocab_size is %d: they do not belong together: fetch the model again",
			s.dir, most, s.config.TypeVocab)
	}
	return tok, nil
}

// hasType tells whether the model knows a token type. Decoders read none.
func (s *source) hasType(t int32) bool {
	spec, _ := model.SpecOf(s.config.ModelType)
	return !spec.TokenTypes || int(t) < s.config.TypeVocab
}

// typed refuses pairs of texts for a model that has no token type for the second.
func (s *source) typed(d *dataset) error {
	for i := range d.seqs {
		if types := d.seqs[i].TypeIDs; len(types) > 0 && !s.hasType(slices.Max(types)) {
			return badData(fmt.Errorf("%s:%d: its second text has the token type %d, and the type_vocab_size of %s is %d: it reads single texts; join the two in one",
				d.path, d.seqs[i].Line, slices.Max(types), s.dir, s.config.TypeVocab))
		}
	}
	return nil
}

// strangers warns of weights that the model does not use although they look like its own: the config may describe another.
func (a *app) strangers(s *source) {
	names := s.weights.Strangers()
	if len(names) == 0 {
		return
	}
	some := strings.Join(names[:min(3, len(names))], ", ")
	if len(names) > 3 {
		some += ", ..."
	}
	have := "have"
	if len(names) == 1 {
		have = "has"
	}
	a.warn("%s: %s of the checkpoint %s no place: %s", s.dir, plural(float64(len(names)), "tensor"), have, some)
}

// wantsPad tells whether config.json must be given a pad_token_id: without one transformers' decoders classify one text at a time.
func (j *job) wantsPad() bool {
	spec, _ := model.SpecOf(j.src.config.ModelType)
	return spec.Decoder && (j.task == model.Classify || j.task == model.Regress) && j.src.config.PadID == nil
}

// pad is that id, the one that batches were padded with; nil where there is no need.
func (j *job) pad() *int {
	if !j.wantsPad() || j.src.tok == nil {
		return nil
	}
	id := int(data.PadID(j.src.tok))
	return &id
}
