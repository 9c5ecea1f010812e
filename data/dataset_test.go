package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func TestClassificationShapes(t *testing.T) {
	one := Example{Text: "good wood", Label: "1", HasLabel: true, Line: 1}
	pair := Example{Text: "a", Text2: "b", HasPair: true, Label: "x", HasLabel: true, Line: 1}
	at := func(e Example, line int) Example { e.Line = line; return e }
	for _, c := range []struct {
		name, text string
		cols       Columns
		want       []Example
	}{
		{"sst.tsv", "good wood\t1\nbad\t0\nworse\t0\n", Columns{}, []Example{one, {Text: "bad", Label: "0", HasLabel: true, Line: 2}, {Text: "worse", Label: "0", HasLabel: true, Line: 3}}},
		{"first.tsv", "1\tgood wood\n0\tbad\n0\tworse", Columns{}, []Example{one, {Text: "bad", Label: "0", HasLabel: true, Line: 2}, {Text: "worse", Label: "0", HasLabel: true, Line: 3}}},
		{"head.tsv", "label\tSentence\r\n\r\n1\tgood wood\r\n", Columns{}, []Example{at(one, 3)}},
		{"quote.tsv", "sentence\tlabel\n\"good\" wood \"\t1\n", Columns{}, []Example{{Text: `"good" wood "`, Label: "1", HasLabel: true, Line: 2}}},
		{"cola.tsv", "gj04\t1\t\tgood wood\n", Columns{Text: "4", Label: "2"}, []Example{one}},
		{"pair.tsv", "a\tb\tx\n", Columns{}, []Example{pair}},
		{"named.tsv", "idx\tphrase\tmood\n7\tgood wood\t1\n", Columns{Text: "phrase", Label: "mood"}, []Example{at(one, 2)}},
		{"plain.csv", "\xef\xbb\xbftext,category\ngood wood,1\n", Columns{}, []Example{at(one, 2)}},
		{"quoted.csv", "text,label\n\"good, \"\"wood\"\"\nline\",1\nx,2\n", Columns{}, []Example{{Text: "good, \"wood\"\nline", Label: "1", HasLabel: true, Line: 2}, {Text: "x", Label: "2", HasLabel: true, Line: 4}}},
		{"rte.jsonl", `{"premise":"a","hypothesis":"b","label":"x","idx":0}` + "\n", Columns{}, []Example{pair}},
		{"rows.jsonl", "\n" + `{"text":"good wood","label":1}` + "\n\n" + `{"text":"t","label":true}`, Columns{}, []Example{at(one, 2), {Text: "t", Label: "true", HasLabel: true, Line: 4}}},
		{"array.json", "[\n" + `{"sentence":"good wood","label":1},` + "\n" + `{"sentence":"q","label":2.5}]`, Columns{}, []Example{at(one, 2), {Text: "q", Label: "2.5", HasLabel: true, Line: 3}}},
		{"flags.jsonl", `{"text":"no","a":"good wood","y":"1"}`, Columns{Text: "a", Label: "y"}, []Example{one}},
		{"bare.jsonl", `{"text":"x"}`, Columns{Unlabeled: true}, []Example{{Text: "x", Line: 1}}},
		{"bare.tsv", "one\ntwo\n", Columns{Unlabeled: true}, []Example{{Text: "one", Line: 1}, {Text: "two", Line: 2}}},
	} {
		got, rep, err := LoadClassification(write(t, c.name, c.text), c.cols)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, got, c.name)
		assert.Equal(t, len(c.want), rep.Rows, c.name)
	}
}

func TestClassificationErrors(t *testing.T) {
	header := "phrase\tmood\n" + strings.Repeat("x\tgood\ny\tbad\n", 8)
	for _, c := range []struct {
		name, text string
		cols       Columns
		want       string
	}{
		{"a.tsv", "a\t1\nb\t0\nc\n", Columns{}, "a.tsv:3: 1 column where the first row has 2"},
		{"a.tsv", "text\tlabel\nb\t \n", Columns{}, "a.tsv:2: the label is empty"},
		{"a.tsv", "a\tb\tc\td\n", Columns{}, "a.tsv:1: 4 columns and no header"},
		{"a.tsv", "a\tb\n", Columns{Text: "3", Label: "1"}, "there are 2 columns"},
		{"a.tsv", "a\tb\n", Columns{Text: "x", Label: "y"}, `no column "x"`},
		{"a.tsv", header, Columns{}, `label "mood" stands in the first row only`},
		{"a.csv", "text,label\n\"a,1\n", Columns{}, "a.csv:2"},
		{"a.csv", "text,label\na\"b,1\n", Columns{}, "a.csv:2"},
		{"a.jsonl", "{\"text\":\"a\",\"label\":1}\n{\"text\":\"a\",\n", Columns{}, "a.jsonl:2: not a JSON object"},
		{"a.jsonl", "{\"text\":\"a\",\"label\":1}\n{\"text\":3,\"label\":1}", Columns{}, `a.jsonl:2: "text" is not text`},
		{"a.jsonl", "{\"text\":\"a\",\"label\":1}\n{\"text\":\"\"}", Columns{}, `a.jsonl:2: no "label"`},
		{"a.jsonl", `{"text":"a","label":{"x":1}}`, Columns{}, "neither text, number"},
		{"a.jsonl", `{"text":"a","label":1}`, Columns{Text: "b"}, `no column "b"; the columns are label, text`},
		{"a.jsonl", `{"words":"a","label":1}`, Columns{}, "no text column among label, words"},
		{"a.json", `[{"text":"a","label":1}`, Columns{}, "the array is not closed"},
		{"a.jsonl", "null\n", Columns{}, "a.jsonl:1: null"},
		{"a.yaml", "x", Columns{}, "end in .tsv, .csv, .jsonl or .json, not \".yaml\""},
		{"a.tsv", "\xff\xfea\x00", Columns{}, "UTF-16"},
	} {
		path := write(t, c.name, c.text)
		_, _, err := LoadClassification(path, c.cols)
		require.Error(t, err, "%q", c.text)
		assert.Contains(t, err.Error(), c.want)
		assert.Contains(t, err.Error(), path)
	}
	for _, name := range []string{"e.tsv", "e.csv", "e.jsonl", "e.json"} {
		_, _, err := LoadClassification(write(t, name, "\n"), Columns{})
		assert.ErrorIs(t, err, ErrNoData, name)
	}
	_, _, err := LoadClassification(t.TempDir(), Columns{})
	assert.ErrorContains(t, err, "is a directory")
}

func TestInvalidUTF8IsCounted(t *testing.T) {
	ex, rep, err := LoadClassification(write(t, "a.tsv", "caf\xe9 \uFFFD\t1\nb\xff\xff\t0\n"), Columns{})
	require.NoError(t, err)
	assert.Equal(t, "caf\uFFFD \uFFFD", ex[0].Text)
	assert.Equal(t, 3, rep.InvalidUTF8, "the U+FFFD that was there does not count")
	assert.Equal(t, "2 rows, 3 invalid UTF-8 replaced", rep.String())
}

func TestLabels(t *testing.T) {
	rows := func(labels ...string) (ex []Example) {
		for i, l := range labels {
			ex = append(ex, Example{Label: l, HasLabel: l != "", Line: i + 1})
		}
		return ex
	}
	names, err := LabelSet(rows("10", "2", "-1", "2"))
	require.NoError(t, err)
	assert.Equal(t, []string{"-1", "2", "10"}, names, "integers sort as numbers")
	names, err = LabelSet(rows("10", "2", "x"))
	require.NoError(t, err)
	assert.Equal(t, []string{"10", "2", "x"}, names)
	names, err = LabelSet(rows("a", "a", ""))
	assert.ErrorIs(t, err, ErrOneClass)
	assert.Equal(t, []string{"a"}, names)
	_, err = LabelSet(rows(""))
	assert.ErrorIs(t, err, ErrNoData)

	got, err := ClassIDs("dev.tsv", rows("b", "", "a"), []string{"a", "b"})
	require.NoError(t, err)
	assert.Equal(t, []int32{1, Ignore, 0}, got)
	_, err = ClassIDs("dev.tsv", rows("b", "c"), []string{"a", "b"})
	assert.EqualError(t, err, `dev.tsv:2: label "c" is not one of the 2 the model knows: a, b`)

	f, err := Targets("s.tsv", rows("1.5", "-2"))
	require.NoError(t, err)
	assert.Equal(t, []float32{1.5, -2}, f)
	_, err = Targets("s.tsv", rows("1", "NaN"))
	assert.ErrorContains(t, err, "s.tsv:2")
}

func TestLoadText(t *testing.T) {
	docs, _, err := LoadText(write(t, "a.txt", "\xef\xbb\xbfone\n\ntwo\nmore\n \nthree"), TextOptions{})
	require.NoError(t, err)
	assert.Equal(t, []Doc{{Text: "one\n\ntwo\nmore\n \nthree", Line: 1}}, docs)
	docs, _, err = LoadText(write(t, "a.txt", "one\r\n\r\ntwo\nmore\n \nthree"), TextOptions{BlankLines: true})
	require.NoError(t, err)
	assert.Equal(t, []Doc{{Text: "one", Line: 1}, {Text: "two\nmore", Line: 3}, {Text: "three", Line: 6}}, docs)

	raw := `{"text":"t"}` + "\n" + `{"prompt":"Who? ","completion":"Me."}`
	docs, rep, err := LoadText(write(t, "a.jsonl", raw), TextOptions{})
	require.NoError(t, err)
	assert.Equal(t, []Doc{{Text: "t", Line: 1}, {Text: "Who? Me.", Prompt: 5, Line: 2}}, docs)
	assert.Equal(t, 2, rep.Rows)
	docs, _, err = LoadText(write(t, "a.jsonl", raw), TextOptions{TrainAll: true})
	require.NoError(t, err)
	assert.Zero(t, docs[1].Prompt)

	_, _, err = LoadText(write(t, "a.jsonl", `{"txt":"t"}`), TextOptions{})
	assert.ErrorContains(t, err, `a.jsonl:1: no "text"`)
	_, _, err = LoadText(write(t, "a.txt", ""), TextOptions{})
	assert.ErrorIs(t, err, ErrNoData)
	_, _, err = LoadText(write(t, "a.csv", "x"), TextOptions{})
	assert.ErrorContains(t, err, `from .txt, .jsonl or .json, not .csv: write its rows as {"text"} or {"prompt", "completion"}`)
}

func TestFindSplits(t *testing.T) {
	dir := t.TempDir()
	put := func(name string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o644))
		return path
	}
	_, err := FindSplits(dir)
	assert.ErrorContains(t, err, "no train, valid")
	train, dev := put("train.tsv"), put("dev.tsv")
	put("README.md")
	put("train.md")
	got, err := FindSplits(dir)
	require.NoError(t, err)
	assert.Equal(t, Splits{Train: train, Valid: dev}, got)
	got, err = FindSplits(train)
	require.NoError(t, err)
	assert.Equal(t, Splits{Train: train}, got)
	put("train.csv")
	_, err = FindSplits(dir)
	assert.ErrorContains(t, err, "both train.csv and train.tsv")
	_, err = FindSplits(filepath.Join(dir, "absent"))
	assert.Error(t, err)
}

// The real files' row counts are those their makers state.
func TestRealDataSets(t *testing.T) {
	for _, c := range []struct {
		file          string
		cols          Columns
		rows, classes int
	}{
		{"data/sst2_sentences/train.tsv", Columns{}, 6920, 2},
		{"data/sst2_sentences/dev.tsv", Columns{}, 872, 2},
		{"data/cola/in_domain_train.tsv", Columns{Text: "4", Label: "2"}, 8551, 2},
		{"data/banking77/train.csv", Columns{}, 10003, 77},
		{"data/banking77/test.csv", Columns{}, 3080, 77},
		{"data/superglue_fewglue/RTE/val.jsonl", Columns{}, 277, 2},
		{"data/superglue_fewglue/WiC/val.jsonl", Columns{}, 638, 2},
		{"data/superglue_fewglue/BoolQ/val.jsonl", Columns{}, 3270, 2},
	} {
		ex, rep, err := LoadClassification(asset(t, c.file), c.cols)
		require.NoError(t, err, c.file)
		assert.Len(t, ex, c.rows, c.file)
		assert.Zero(t, rep.InvalidUTF8, c.file)
		names, err := LabelSet(ex)
		require.NoError(t, err)
		assert.Len(t, names, c.classes, c.file)
	}
}
