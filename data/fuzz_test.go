package data

import (
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"luthier/internal/fuzzcheck"
)

// fuzzText is the longest text that a target tokenises: what a tokenizer makes of it is bounded by file and text together.
const fuzzText = 200

// smallTokenizers have each kind of part that a tokenizer.json can have, over vocabularies of a few tokens.
var smallTokenizers = []string{
	`{"added_tokens":[{"id":0,"content":"a","rstrip":true,"lstrip":true,"single_word":true}],"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]],"byte_fallback":true}}`,
	`{"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"},{"type":"NFKC"}]},"decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"Regex":"▁+"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},"model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"vocab":{"<unk>":0,"▁":1,"a":2,"▁a":3},"merges":["▁ a"]}}`,
	`{"normalizer":{"type":"BertNormalizer","strip_accents":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"BertProcessing","sep":["s",1],"cls":["c",2]},"decoder":{"type":"WordPiece"},"model":{"type":"WordPiece","unk_token":"u","vocab":{"u":0,"s":1,"c":2,"a":3,"##b":4}}}`,
	`{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{L}+|\\s+(?!\\S)"},"behavior":"MergedWithNext","invert":true},{"type":"ByteLevel","add_prefix_space":true},{"type":"Digits","individual_digits":true}]},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"a","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"a":{"ids":[0]}}},"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"Ġ":1,"Ġa":2},"merges":["Ġ a"],"ignore_merges":true,"continuing_subword_prefix":"#","end_of_word_suffix":"$"}}`,
	`{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Metaspace","prepend_scheme":"first"},{"type":"Punctuation","behavior":"Contiguous"},{"type":"Whitespace"}]},"normalizer":{"type":"Sequence","normalizers":[{"type":"Strip","strip_left":true},{"type":"StripAccents"},{"type":"Lowercase"},{"type":"ByteLevel"}]},"decoder":{"type":"Metaspace"},"model":{"vocab":{"[UNK]":0,"a":1}}}`,
}

// FuzzTokenizerJSON holds that no file makes the tokenizer panic, and that all
// ids lie inside the vocabulary.
func FuzzTokenizerJSON(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "*.tokenizer.json"))
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, "The luthier <s> é 12\n 日本")
	}
	for _, s := range smallTokenizers {
		f.Add([]byte(s), " a ab a\u0301 12, <s>")
	}
	regexLimit = 100 * time.Millisecond
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		if len(text) > fuzzText {
			return
		}
		fuzzcheck.Bounded(t, len(raw)+len(text)*len(text), func() {
			if tok, err := parseTokenizer(raw); err == nil {
				checkIDs(t, tok, text)
			}
		})
	})
}

// checkIDs uses a tokenizer in every way.
func checkIDs(t *testing.T, tok *tokenizer, text string) {
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
	tok.Decode(pair, false)
}

// FuzzTokenizerConfig does the same for the two files that name roles.
func FuzzTokenizerConfig(f *testing.F) {
	f.Add([]byte(`{"tokenizer_class":"LlamaTokenizer","add_bos_token":true,"add_eos_token":true,"bos_token":"a","eos_token":{"content":"b"}}`), true)
	f.Add([]byte(`{"pad_token":null,"unk_token":{"content":1},"tokenizer_class":[]}`), false)
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte, config bool) {
		name, other := "special_tokens_map.json", "tokenizer_config.json"
		if config {
			name, other = other, name
		}
		dir := filepath.Dir(file(t, name, raw))
		_ = os.Remove(filepath.Join(dir, other))
		tok, err := parseTokenizer([]byte(smallTokenizers[0]))
		if err != nil {
			t.Fatal(err)
		}
		fuzzcheck.Bounded(t, len(raw), func() {
			if tok.readRoles(dir) == nil {
				checkIDs(t, tok, "ab a")
			}
		})
	})
}

// FuzzSentencePiece does the same for .model files.
func FuzzSentencePiece(f *testing.F) {
	f.Add([]byte("\x0a\x09\x0a\x05<unk>\x18\x02\x0a\x08\x0a\x01a\x15\x00\x00\x80\xbf\x12\x02\x18\x02"), "a b")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		if len(text) > fuzzText {
			return
		}
		fuzzcheck.Bounded(t, len(raw)+len(text), func() {
			m, err := parseSentencePiece(raw)
			if err != nil {
				return
			}
			if tok, err := m.build(); err == nil {
				checkIDs(t, tok, text)
			}
		})
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

// fuzzRows holds that a file of rows loads or fails, with lines in order and
// valid text, whether it has labels or not, and labels have ids.
func fuzzRows(t *testing.T, path string, raw []byte) {
	fuzzcheck.Bounded(t, len(raw), func() {
		for _, o := range []Columns{{}, {Unlabeled: true}, {Text: "1", Label: "2"}} {
			ex, _, err := LoadClassification(path, o)
			if err != nil {
				continue
			}
			checkExamples(t, ex)
			if names, err := LabelSet(ex); err == nil {
				if _, err := ClassIDs(path, ex, names); err != nil {
					t.Fatal(err)
				}
			}
			_, _ = Targets(path, ex)
		}
	})
}

func FuzzTSV(f *testing.F) {
	f.Add([]byte("text\tlabel\na\t1\nb\t0\n"))
	f.Add([]byte("a\tb\t1\r\n\r\nc\td\t0"))
	f.Add([]byte("\xef\xbb\xbfsentence1\tsentence2\tscore\n\"a\tb\t0.5\n\xff\tc\t-1e9\n"))
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) { fuzzRows(t, file(t, "f.tsv", raw), raw) })
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("text,label\n\"a\nb\",1\n"))
	f.Add([]byte("text,category\n\"a \"\"b\"\"\",x\r\nc,y\n"))
	f.Add([]byte("a,1\n\"b,2\n"))
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) { fuzzRows(t, file(t, "f.csv", raw), raw) })
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`[{"premise":"a","hypothesis":"b","label":true}]`))
	f.Add([]byte(`[{"text":"a","label":1},` + "\n" + `{"text":"b","label":"x"}]`))
	f.Add([]byte(`[{"text":"a","label":1}`))
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) { fuzzRows(t, file(t, "f.json", raw), raw) })
}

// FuzzJSONL reads rows, and documents too.
func FuzzJSONL(f *testing.F) {
	f.Add([]byte(`{"text":"a","label":1}` + "\n" + `{"text":"b","label":"x"}`))
	f.Add([]byte(`{"prompt":"a","completion":"b"}`))
	f.Add([]byte("{\"text\":\"\\ud800\",\"label\":0.5}\n\n{}"))
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := file(t, "f.jsonl", raw)
		fuzzRows(t, path, raw)
		fuzzcheck.Bounded(t, len(raw), func() {
			docs, _, err := LoadText(path, TextOptions{})
			for _, d := range docs {
				if err == nil && d.Prompt > len(d.Text) {
					t.Fatalf("prompt of %d in %q", d.Prompt, d.Text)
				}
			}
		})
	})
}

// FuzzText reads plain text in its two layouts.
func FuzzText(f *testing.F) {
	f.Add([]byte("a\n\nb\r\n\r\n \n\xffc"))
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := file(t, "f.txt", raw)
		fuzzcheck.Bounded(t, len(raw), func() {
			for _, blank := range []bool{false, true} {
				docs, _, err := LoadText(path, TextOptions{BlankLines: blank})
				for _, d := range docs {
					if err == nil && (d.Line < 1 || !utf8.ValidString(d.Text)) {
						t.Fatalf("line %d: %q", d.Line, d.Text)
					}
				}
			}
		})
	})
}

// FuzzTemplate holds that a template that is read can be filled, and says of
// itself what it does.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{text} It was {mask}.", "{premise}? {label}, {hypothesis}", "{{}} {text}", "{text", "}", `a\n{sentence2} {mask}{mask}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fuzzcheck.Bounded(t, len(s), func() {
			p, err := ParseTemplate(s)
			if err != nil {
				return
			}
			before, after := p.fill("x", "y")
			if p.Ends() && after != "" {
				t.Fatalf("%q ends with its word, but then comes %q (after %q)", s, after, before)
			}
		})
	})
}

// FuzzVerbalizer holds that a verbalizer that is read gives a word for each
// of the names it has.
func FuzzVerbalizer(f *testing.F) {
	for _, s := range []string{"great,terrible", "positive=great,negative=terrible", "a=b,c", "a=,b=c", " x , y ", "a=b=c,d=e", "1=a,0=b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fuzzcheck.Bounded(t, len(s), func() {
			v, err := ParseVerbalizer(s)
			if err != nil {
				return
			}
			names := v.Names()
			if words, err := v.Order(names); err == nil && len(words) != len(names) {
				t.Fatalf("%d words for %q", len(words), names)
			}
		})
	})
}
