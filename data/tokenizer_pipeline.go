package data

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// tokenizer runs the stages of a tokenizer.json: added tokens are cut out, the
// rest is normalised, cut into words and given to the model; the post-processor
// adds special tokens.
type tokenizer struct {
	normalize   normalizer
	preTokenize preTokenizer
	model       tokenModel
	post        template
	decode      decoder

	byteLevel   bool      // the model spells bytes
	raw, normed *addedSet // added tokens matched before and after normalising
	byID        map[int32]string
	added       map[string]int32
	special     map[int32]bool
	roles       SpecialIDs
	size        int
	fault       faultBox
}

// tokenModel turns one pre-token into ids.
type tokenModel interface {
	tokenize(word string, out []int32) []int32
	vocab() map[string]int32
}

// piece is a stretch of text on its way to the model. start says that it begins
// where the input begins, which Metaspace asks; id is set for an added token.
type piece struct {
	text  string
	id    int32
	start bool
}

// faultBox keeps the first error of a stage that cannot return one.
type faultBox struct {
	mu  sync.Mutex
	err error
}

func (f *faultBox) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

// Err reports the first failure inside Encode: a regular expression of the
// tokenizer that ran past its time limit on some text. Encoders check it.
func (t *tokenizer) Err() error {
	t.fault.mu.Lock()
	defer t.fault.mu.Unlock()
	return t.fault.err
}

// Encode implements Tokenizer.
func (t *tokenizer) Encode(text string, special bool) []int32 {
	ids := t.encode(text)
	if special {
		ids, _ = t.Assemble(ids, nil, false)
	}
	return ids
}

// EncodePair implements Tokenizer.
func (t *tokenizer) EncodePair(a, b string) (ids, typeIDs []int32) {
	return t.Assemble(t.encode(a), t.encode(b), true)
}

func (t *tokenizer) encode(text string) []int32 { return t.encodeFrom(text, "") }

// encodeFrom puts a prefix before each stretch between added tokens, unless it stands there: see encodeWord.
func (t *tokenizer) encodeFrom(text, prefix string) []int32 {
	if !utf8.ValidString(text) {
		text = lossyUTF8([]byte(text))
	}
	ids := make([]int32, 0, len(text)/3+2)
	for _, p := range t.raw.split(piece{text: text, id: -1, start: true}) {
		if p.id >= 0 {
			ids = append(ids, p.id)
			continue
		}
		if t.normalize != nil {
			p.text = t.normalize(p.text)
		}
		for _, q := range t.normed.split(p) {
			if q.id >= 0 {
				ids = append(ids, q.id)
				continue
			}
			if !strings.HasPrefix(q.text, prefix) {
				q.text = prefix + q.text
			}
			ids = t.words(q, ids)
		}
	}
	return ids
}

func (t *tokenizer) words(p piece, ids []int32) []int32 {
	pieces := []piece{p}
	if t.preTokenize != nil {
		pieces = t.preTokenize(pieces)
	}
	for _, w := range pieces {
		if w.text != "" {
			ids = t.model.tokenize(w.text, ids)
		}
	}
	return ids
}

// Decode implements Tokenizer.
func (t *tokenizer) Decode(ids []int32, skipSpecial bool) string {
	toks := make([]string, 0, len(ids))
	for _, id := range ids {
		tok, ok := t.byID[id]
		if !ok || skipSpecial && t.special[id] {
			continue
		}
		toks = append(toks, tok)
	}
	if t.decode == nil {
		return strings.Join(toks, " ")
	}
	return strings.Join(t.decode(toks), "")
}

// VocabSize implements Tokenizer.
func (t *tokenizer) VocabSize() int { return t.size }

// Special implements Tokenizer.
func (t *tokenizer) Special() SpecialIDs { return t.roles }

// addVocabulary joins the model's vocabulary and the added tokens.
func (t *tokenizer) addVocabulary(added []addedToken) error {
	for tok, id := range t.model.vocab() {
		if err := t.addID(tok, id); err != nil {
			return err
		}
	}
	var raw, normed []addedToken
	for _, a := range added {
		if a.Content == "" {
			continue // an empty token would match everywhere
		}
		if err := t.addID(a.Content, a.ID); err != nil {
			return fmt.Errorf("added_tokens: %w", err)
		}
		t.added[a.Content] = a.ID
		if a.Special {
			t.special[a.ID] = true
		}
		if !a.isNormalized() {
			raw = append(raw, a)
			continue
		}
		if t.normalize != nil && !a.escaped {
			a.Content = t.normalize(a.Content)
		}
		normed = append(normed, a)
	}
	t.raw, t.normed = newAddedSet(raw), newAddedSet(normed)
	if t.size == 0 {
		return fmt.Errorf("the vocabulary is empty")
	}
	return nil
}

func (t *tokenizer) addID(tok string, id int32) error {
	if id < 0 || id == 1<<31-1 {
		return fmt.Errorf("token %q has id %d", tok, id)
	}
	t.byID[id] = tok
	t.size = max(t.size, int(id)+1)
	return nil
}

// id finds a token in the added tokens or the model's vocabulary; -1 if absent.
func (t *tokenizer) id(tok string) int32 {
	if tok == "" {
		return -1
	}
	if id, ok := t.added[tok]; ok {
		return id
	}
	if id, ok := t.model.vocab()[tok]; ok {
		return id
	}
	return -1
}
