package data

import (
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// fuzzSeeds adds the start of each tokenizer of testdata.
func fuzzSeeds(f *testing.F, pattern string) {
	files, _ := filepath.Glob(filepath.Join("testdata", pattern))
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, "The luthier <s> é 12\n 日本")
	}
}

// FuzzTokenizerJSON holds that no file makes the tokenizer panic, and that all
// ids lie inside the vocabulary.
func FuzzTokenizerJSON(f *testing.F) {
	fuzzSeeds(f, "*.tokenizer.json")
	f.Add([]byte(`{"added_tokens":[{"id":0,"content":"a","rstrip":true,"lstrip":true,"single_word":true}],"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]],"byte_fallback":true}}`), " a ab a")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		tok, err := parseTokenizer(raw)
		if err != nil || len(text) > 1000 {
			return
		}
		ids := tok.Encode(text, true)
		pair, types := tok.EncodePair(text, "b")
		if len(pair) != len(types) {
			t.Fatalf("%d ids, %d types", len(pair), len(types))
		}
		for _, id := range append(ids, pair...) {
			if id < 0 || int(id) >= tok.VocabSize() {
				t.Fatalf("id %d, vocabulary of %d", id, tok.VocabSize())
			}
		}
		tok.Decode(ids, true)
	})
}

// FuzzSentencePiece does the same for .model files.
func FuzzSentencePiece(f *testing.F) {
	f.Add([]byte("\x0a\x09\x0a\x05<unk>\x18\x02\x0a\x08\x0a\x01a\x15\x00\x00\x80\xbf\x12\x02\x18\x02"), "a b")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		m, err := parseSentencePiece(raw)
		if err != nil || len(text) > 1000 {
			return
		}
		tok, err := m.build()
		if err != nil {
			return
		}
		tok.Decode(tok.Encode(text, true), false)
	})
}

func checkExamples(t *testing.T, ex []Example) {
	last := 0
	for _, e := range ex {
		if e.Line < max(1, last) {
			t.Fatalf("line %d after %d", e.Line, last)
		}
		last = e.Line
		if !utf8.ValidString(e.Text + e.Text2 + e.Label) {
			t.Fatalf("invalid UTF-8 in %+v", e)
		}
	}
}

// FuzzTSV holds that tables load or fail, with lines in order and valid text.
func FuzzTSV(f *testing.F) {
	f.Add([]byte("text\tlabel\na\t1\nb\t0\n"), true)
	f.Add([]byte("a\tb\t1\r\n\r\nc\td\t0"), true)
	f.Add([]byte("text,label\n\"a\nb\",1\n"), false)
	f.Fuzz(func(t *testing.T, raw []byte, tsv bool) {
		name := "f.csv"
		if tsv {
			name = "f.tsv"
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		ex, _, err := LoadClassification(path, Columns{})
		if err == nil {
			checkExamples(t, ex)
		}
	})
}

// FuzzJSONL does the same for JSON, as examples and as text.
func FuzzJSONL(f *testing.F) {
	f.Add([]byte(`{"text":"a","label":1}` + "\n" + `{"text":"b","label":"x"}`))
	f.Add([]byte(`[{"premise":"a","hypothesis":"b","label":true}]`))
	f.Add([]byte(`{"prompt":"a","completion":"b"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "f.jsonl")
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		if ex, _, err := LoadClassification(path, Columns{Unlabeled: true}); err == nil {
			checkExamples(t, ex)
		}
		docs, _, err := LoadText(path, TextOptions{})
		for _, d := range docs {
			if err == nil && d.Prompt > len(d.Text) {
				t.Fatalf("prompt of %d in %q", d.Prompt, d.Text)
			}
		}
	})
}
