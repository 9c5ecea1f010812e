package data

import (
	"cmp"
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

// Types of SentencePiece models.
const (
	spUnigram = 1
	spBPE     = 2
)

// spModel is what decides ids in a SentencePiece model file.
type spModel struct {
	pieces          []spPiece
	modelType       int64 // 1 is unigram, 2 is BPE
	byteFallback    bool
	bos, eos, pad   int64
	charsmap        []byte // normalisation table
	dummyPrefix     bool
	removeExtra     bool
	escapeSpaces    bool
	suffixWhiteness bool         // treat_whitespace_as_suffix
	added           []addedToken // of other files
}

type spPiece struct {
	text  string
	score float32
	kind  int64
}

// loadSentencePiece reads a SentencePiece model, BPE or unigram. Ids are those
// of the SentencePiece library, but where control tokens are written out in
// text: they are found, and each stretch between them is encoded by itself, a
// leading blank of its own included. So does the slow LlamaTokenizer of
// transformers in its first ("legacy") way. As it does, a BOS stands before each
// text where the model has one, unless the tokenizer_config.json beside it says
// otherwise; that file and added_tokens.json may bring tokens of their own.
func loadSentencePiece(path string) (Tokenizer, error) {
	raw, err := readCapped(path, maxTokenizerFile)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	m, err := parseSentencePiece(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m.added, err = readAddedTokens(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	t, err := m.build()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, t.readRoles(filepath.Dir(path))
}

func (m *spModel) build() (*tokenizer, error) {
	switch {
	case m.modelType != spUnigram && m.modelType != spBPE:
		return nil, fmt.Errorf("SentencePiece model of type %d: unigram (1) and BPE (2) are supported; convert it to a tokenizer.json", m.modelType)
	case m.suffixWhiteness || !m.escapeSpaces:
		return nil, fmt.Errorf("SentencePiece model that spells blanks in a way of its own: convert it to a tokenizer.json")
	}
	table, err := parseCharsmap(m.charsmap)
	if err != nil {
		return nil, err
	}
	t := &tokenizer{byID: map[int32]string{}, added: map[string]int32{}, special: map[int32]bool{}, roles: noRoles}
	tokens, unk, err := m.tokens()
	if err != nil {
		return nil, err
	}
	t.model = m.model(tokens, unk)
	z := &spNormalizer{table: table, literal: newAddedSet(m.userDefined()), dummyPrefix: m.dummyPrefix, removeExtra: m.removeExtra}
	t.normalize = z.normalize
	t.decode = m.decoder()
	if err := t.addVocabulary(m.addedTokens()); err != nil {
		return nil, err
	}
	role := func(id int64, kind int64) int32 {
		if id >= 0 && id < int64(len(m.pieces)) && m.pieces[id].kind == kind {
			return int32(id)
		}
		return -1
	}
	t.roles.BOS, t.roles.EOS, t.roles.Pad = role(m.bos, spControl), role(m.eos, spControl), role(m.pad, spControl)
	t.roles.UNK = unk
	if t.roles.BOS >= 0 {
		b := []int32{t.roles.BOS}
		t.post = template{single: []slot{{ids: b}, {seq: 'A'}}, pair: []slot{{ids: b}, {seq: 'A'}, {ids: b, kind: 1}, {seq: 'B', kind: 1}}}
	}
	return t, nil
}

// tokens are the ids of all pieces, and that of the unknown one.
func (m *spModel) tokens() (tokens map[string]int32, unk int32, err error) {
	tokens, unk = map[string]int32{}, -1
	for id, p := range m.pieces {
		if _, twice := tokens[p.text]; twice {
			return nil, 0, fmt.Errorf("piece %d: %q is there twice", id, p.text)
		}
		tokens[p.text] = int32(id)
		switch {
		case p.kind == spUnknown:
			unk = int32(id)
		case p.kind < spNormal || p.kind > spByte, p.kind == spUnused && m.modelType == spBPE:
			return nil, 0, fmt.Errorf("piece %d: type %d is not supported", id, p.kind)
		}
	}
	if unk < 0 {
		return nil, 0, fmt.Errorf("%w: no unknown piece", errProto)
	}
	return tokens, unk, nil
}

// userDefined are the pieces that stand for themselves wherever they are written.
func (m *spModel) userDefined() (out []addedToken) {
	no := false
	for id, p := range m.pieces {
		if p.kind == spUserDefined && p.text != "" {
			out = append(out, addedToken{ID: int32(id), Content: p.text, Normalized: &no})
		}
	}
	return out
}

// addedTokens are those cut out of the text before the model sees it: control
// tokens, those of files beside the model, and the user defined pieces of BPE.
func (m *spModel) addedTokens() (out []addedToken) {
	own := map[int32]bool{}
	for _, a := range m.added {
		own[a.ID] = true
	}
	yes, no := true, false
	for id, p := range m.pieces {
		switch {
		case own[int32(id)]:
		case p.kind == spUnknown || p.kind == spControl:
			out = append(out, addedToken{ID: int32(id), Content: p.text, Special: true, Normalized: &no})
		case p.kind == spUserDefined && m.modelType == spBPE:
			out = append(out, addedToken{ID: int32(id), Content: p.text, Normalized: &yes, escaped: true})
		}
	}
	return append(out, m.added...)
}

func (m *spModel) model(tokens map[string]int32, unk int32) tokenModel {
	if m.modelType == spUnigram {
		return newUnigram(m, tokens, unk)
	}
	return m.bpe(tokens, unk)
}

// bpe turns scores into merges: the piece of the highest score is made first,
// from any two pieces that spell it, and of equal ones the leftmost.
func (m *spModel) bpe(tokens map[string]int32, unk int32) *bpe {
	var order []int // normal pieces
	for id, p := range m.pieces {
		if p.kind == spNormal {
			order = append(order, id)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.pieces[b].score, m.pieces[a].score) })
	out := newBPE(tokens)
	out.unk, out.fuseUnk = unk, true
	if m.byteFallback {
		out.bytes = byteTokens(tokens)
	}
	rank := int32(0)
	for i, id := range order {
		if i > 0 && m.pieces[id].score != m.pieces[order[i-1]].score {
			rank = int32(i)
		}
		text := m.pieces[id].text
		for at := range text {
			if at > 0 {
				out.joinPieces(m, text[:at], text[at:], int32(id), rank)
			}
		}
	}
	return out
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
