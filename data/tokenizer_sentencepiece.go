package data

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Piece types of a SentencePiece model.
const (
	spNormal      = 1
	spUnknown     = 2
	spControl     = 3
	spUserDefined = 4
	spUnused      = 5
	spByte        = 6
)

// spModel is what decides ids in a SentencePiece model file.
type spModel struct {
	pieces          []spPiece
	modelType       int64 // 2 is BPE
	byteFallback    bool
	bos, eos, pad   int64
	charsmap        bool // holds a normalisation table
	dummyPrefix     bool
	removeExtra     bool
	escapeSpaces    bool
	suffixWhiteness bool // treat_whitespace_as_suffix
}

type spPiece struct {
	text  string
	score float32
	kind  int64
}

// loadSentencePiece reads a SentencePiece BPE model. As Llama's tokenizer does,
// it puts the BOS before each text, unless the tokenizer_config.json beside it
// says otherwise, and finds control tokens written out in text.
func loadSentencePiece(path string) (Tokenizer, error) {
	raw, err := readCapped(path, maxTokenizerFile)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	m, err := parseSentencePiece(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t, err := m.build()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, t.readRoles(filepath.Dir(path))
}

func (m *spModel) build() (*tokenizer, error) {
	switch {
	case m.modelType != 2:
		return nil, fmt.Errorf("SentencePiece model of type %d: BPE (2) is supported; convert it to a tokenizer.json", m.modelType)
	case m.charsmap || m.suffixWhiteness || !m.escapeSpaces:
		return nil, fmt.Errorf("SentencePiece model with its own normalisation: convert it to a tokenizer.json")
	}
	t := &tokenizer{byID: map[int32]string{}, added: map[string]int32{}, special: map[int32]bool{}, roles: noRoles}
	bpe, added, err := m.bpe()
	if err != nil {
		return nil, err
	}
	t.model = bpe
	t.normalize = m.normalizer()
	t.decode = m.decoder()
	if err := t.addVocabulary(added); err != nil {
		return nil, err
	}
	role := func(id int64, kind int64) int32 {
		if id >= 0 && id < int64(len(m.pieces)) && m.pieces[id].kind == kind {
			return int32(id)
		}
		return -1
	}
	t.roles.BOS, t.roles.EOS, t.roles.Pad = role(m.bos, spControl), role(m.eos, spControl), role(m.pad, spControl)
	t.roles.UNK = bpe.unk
	if t.roles.BOS >= 0 {
		b := []int32{t.roles.BOS}
		t.post = template{single: []slot{{ids: b}, {seq: 'A'}}, pair: []slot{{ids: b}, {seq: 'A'}, {ids: b, kind: 1}, {seq: 'B', kind: 1}}}
	}
	return t, nil
}

// bpe turns scores into merges: the piece of the highest score is made first,
// from any two pieces that spell it.
func (m *spModel) bpe() (*bpe, []addedToken, error) {
	tokens := map[string]int32{}
	var added []addedToken
	var order []int // normal pieces
	unk := int32(-1)
	yes, no := true, false
	for id, p := range m.pieces {
		if _, twice := tokens[p.text]; twice {
			return nil, nil, fmt.Errorf("piece %d: %q is there twice", id, p.text)
		}
		tokens[p.text] = int32(id)
		switch p.kind {
		case spNormal:
			order = append(order, id)
		case spUnknown:
			unk = int32(id)
			added = append(added, addedToken{ID: int32(id), Content: p.text, Special: true, Normalized: &no})
		case spControl:
			added = append(added, addedToken{ID: int32(id), Content: p.text, Special: true, Normalized: &no})
		case spUserDefined:
			added = append(added, addedToken{ID: int32(id), Content: p.text, Normalized: &yes})
		case spByte:
		default:
			return nil, nil, fmt.Errorf("piece %d: type %d is not supported", id, p.kind)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch sa, sb := m.pieces[a].score, m.pieces[b].score; {
		case sa > sb:
			return -1
		case sa < sb:
			return 1
		}
		return 0
	})
	out := newBPE(tokens)
	out.unk, out.fuseUnk = unk, true
	if m.byteFallback {
		out.useByteTokens()
	}
	for rank, id := range order {
		text := m.pieces[id].text
		for i := range text {
			if i > 0 {
				out.joinPieces(m, text[:i], text[i:], int32(id), int32(rank))
			}
		}
	}
	return out, added, nil
}

// joinPieces adds the merge of a and b into id where both are normal pieces.
func (b *bpe) joinPieces(m *spModel, left, right string, id, rank int32) {
	l, okl := b.tokens[left]
	r, okr := b.tokens[right]
	if okl && okr && m.pieces[l].kind == spNormal && m.pieces[r].kind == spNormal {
		b.merges[[2]int32{l, r}] = merge{rank, id}
	}
}

// spSpace is the sign that stands for a space in SentencePiece's vocabularies.
const spSpace = "▁"

func (m *spModel) normalizer() normalizer {
	return func(s string) string {
		if m.removeExtra {
			s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
		}
		if s == "" {
			return s
		}
		if m.dummyPrefix {
			s = " " + s
		}
		return strings.ReplaceAll(s, " ", spSpace)
	}
}

func (m *spModel) decoder() decoder {
	return func(toks []string) []string {
		for i := range toks {
			toks[i] = strings.ReplaceAll(toks[i], spSpace, " ")
		}
		s := strings.Join(decodeByteFallback(toks), "")
		if m.dummyPrefix {
			s = strings.TrimPrefix(s, " ")
		}
		return []string{s}
	}
}
