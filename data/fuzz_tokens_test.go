package data

import (
	"testing"

	"luthier/internal/fuzzcheck"
)

// fuzzSentences holds that words with tags load or fail, each word with a tag
// or none with one, and that the tags have ids.
func fuzzSentences(t *testing.T, path string, raw []byte) {
	fuzzcheck.Bounded(t, len(raw), func() {
		sentences, _, err := LoadSentences(path, Columns{})
		if err != nil {
			return
		}
		for _, s := range sentences {
			if len(s.Words) == 0 || len(s.Tags) != 0 && len(s.Tags) != len(s.Words) {
				t.Fatalf("line %d: %d words, %d tags", s.Line, len(s.Words), len(s.Tags))
			}
			for i := range s.Words {
				if s.lineOf(i) < 1 {
					t.Fatalf("word %d of line %d is in line %d", i, s.Line, s.lineOf(i))
				}
			}
		}
		if names, err := TagSet(sentences); err == nil {
			if _, err := TagIDs(path, sentences, names); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzCoNLL(f *testing.F) {
	f.Add([]byte("-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter\tB-PER\n"))
	f.Add([]byte("a O\r\nb\tI-X\n\n\n\xff B-\n"))
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) { fuzzSentences(t, file(t, "f.conll", raw), raw) })
}

func FuzzTokensJSONL(f *testing.F) {
	f.Add([]byte(`{"tokens":["a","b"],"ner_tags":["O","B-X"]}` + "\n" + `{"tokens":["c"],"ner_tags":["O"]}`))
	f.Add([]byte(`{"words":["a"],"tags":[1]}` + "\n" + `{"words":[],"tags":[]}`))
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) { fuzzSentences(t, file(t, "f.jsonl", raw), raw) })
}
