package data

import (
	"testing"

	"luthier/internal/fuzzcheck"
)

// fuzzSentences holds that words with tags load or fail, whatever columns are asked for: every word has a line and, where rows have tags,
// a tag, and the tags have ids.
func fuzzSentences(t *testing.T, path string, raw []byte) {
	for _, o := range []Columns{{}, {Unlabeled: true}, {Text: "2", Label: "1"}} {
		fuzzcheck.Bounded(t, len(raw), func() {
			sentences, report, err := LoadSentences(path, o)
			if err != nil {
				return
			}
			if report.Rows != len(sentences) {
				t.Fatalf("%d rows of %d are told", report.Rows, len(sentences))
			}
			for _, s := range sentences {
				soundSentence(t, s, o.Unlabeled)
			}
			if names, err := TagSet(sentences); err == nil {
				if _, err := TagIDs(path, sentences, names); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func soundSentence(t *testing.T, s Sentence, unlabeled bool) {
	if len(s.Words) == 0 || s.Line < 1 || s.Tags != nil && len(s.Tags) != len(s.Words) || s.Tags == nil && !unlabeled {
		t.Fatalf("line %d: %d words, tags %q", s.Line, len(s.Words), s.Tags)
	}
	for i := range s.Words {
		if s.lineOf(i) < 1 {
			t.Fatalf("word %d of line %d is in line %d", i, s.Line, s.lineOf(i))
		}
	}
}

func FuzzCoNLL(f *testing.F) {
	for _, s := range []string{conll2003, "-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter\tB-PER\n",
		"a O\r\nb\tI-X\n\n\n\xff B-\n", "a\tO\n\tO\n", "New York\tB-LOC\n"} {
		f.Add([]byte(s))
	}
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) { fuzzSentences(t, file(t, "f.conll", raw), raw) })
}

func FuzzTokensJSONL(f *testing.F) {
	for _, s := range []string{`{"tokens":["a","b"],"ner_tags":["O","B-X"]}` + "\n" + `{"tokens":["c"],"ner_tags":["O"]}`,
		`{"words":["a"],"tags":[1]}` + "\n" + `{"words":[],"tags":[]}`, `[{"words": ["a", "b"], "tags": [0, 12]}]`, `{"tokens": [null]}`} {
		f.Add([]byte(s))
	}
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) { fuzzSentences(t, file(t, "f.jsonl", raw), raw) })
}
