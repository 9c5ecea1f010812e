package data

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A first row of a language model's names is a header however few rows there are, and its columns are no classes unless they are named.
func TestLanguageColumns(t *testing.T) {
	for _, header := range []string{"prompt,completion", "instruction,output", "Instruction,Input,Output", "question,answer", "prompt,chosen,rejected", "input,response",
		",prompt,completion", "id,prompt,response", "messages,id", "query,answer"} {
		row := strings.Repeat("x,", strings.Count(header, ",")) + "y\n"
		for name, sep := range map[string]string{"a.csv": ",", "a.tsv": "\t"} {
			for _, o := range []Columns{{}, {Unlabeled: strings.HasPrefix(header, "prompt")}} {
				_, _, err := LoadClassification(write(t, name, strings.ReplaceAll(header+"\n"+row+row, ",", sep)), o)
				require.ErrorContains(t, err, name+":1: ", header)
				assert.ErrorContains(t, err, `.jsonl, {"prompt": ..., "completion": ...}`, header)
				assert.ErrorContains(t, err, "--text-column and --label-column")
			}
		}
	}
}

// The same columns classify where they are named, by name or by number, and the header is no row; other tables read as ever.
func TestLanguageColumnsNamed(t *testing.T) {
	for _, c := range []struct {
		raw  string
		cols Columns
		want Example
		rows int
	}{
		{"prompt,completion\na,x\nb,y\n", Columns{Text: "prompt", Label: "completion"}, Example{Text: "a", Label: "x", HasLabel: true, Line: 2}, 2},
		{"input,output\na,x\nb,y\n", Columns{Text: "1", Label: "2"}, Example{Text: "a", Label: "x", HasLabel: true, Line: 2}, 2},
		{"input,output\na,x\n", Columns{Text: "Input", Unlabeled: true}, Example{Text: "a", Line: 2}, 1},
		{"instruction,input,output\na,b,x\n", Columns{Text: "instruction", Text2: "input", Label: "output"}, Example{Text: "a", Text2: "b", HasPair: true, Label: "x", HasLabel: true, Line: 2}, 1},
		{"question,label\na,x\n", Columns{}, Example{Text: "a", Label: "x", HasLabel: true, Line: 2}, 1},
		{"question,answer\na,x\n", Columns{Label: "answer"}, Example{Text: "a", Label: "x", HasLabel: true, Line: 2}, 1},
		{"text,label\na,x\n", Columns{}, Example{Text: "a", Label: "x", HasLabel: true, Line: 2}, 1},
		// rows whose cells are such words and others too
		{"answer,good\nquiet,bad\n", Columns{}, Example{Text: "answer", Label: "good", HasLabel: true, Line: 1}, 2},
		{"prompt,prompt reply\nlate,slow reply\n", Columns{}, Example{Text: "prompt", Label: "prompt reply", HasLabel: true, Line: 1}, 2},
	} {
		got, _, err := LoadClassification(write(t, "a.csv", c.raw), c.cols)
		require.NoError(t, err, c.raw)
		require.Len(t, got, c.rows, c.raw)
		assert.Equal(t, c.want, got[0], c.raw)
	}
	got, _, err := LoadClassification(write(t, "a.csv", "answer\nquestion\n"), Columns{Unlabeled: true})
	require.NoError(t, err)
	require.Len(t, got, 2, "one column of words has no header")
	_, _, err = LoadClassification(write(t, "a.csv", "prompt,completion\na,x\n"), Columns{Text: "prompt"})
	require.ErrorContains(t, err, "name it with --label-column")
}

// A row of JSON that is no document says which keys it has and which to rename.
func TestTextAdvice(t *testing.T) {
	for _, c := range []struct {
		row, column string
		want        []string
	}{
		{`{"prompt":"a","response":"b"}`, "", []string{`no "completion" among the keys prompt, response: rename "response" to "completion"`}},
		{`{"prompt":"a","chosen":"b","rejected":"c"}`, "", []string{"chosen, prompt, rejected", `rename "chosen" to "completion"`, `leave "rejected" out`}},
		{`{"prompt":"a"}`, "", []string{`no "completion" among the keys prompt: `, "--text-column prompt"}},
		{`{"question":"a","answer":"b"}`, "", []string{`no "text"`, `rename "question" to "prompt", rename "answer" to "completion"`, "--text-column answer"}},
		{`{"instruction":"a","input":"","output":"b"}`, "", []string{`rename "instruction" to "prompt", rename "output" to "completion", join "input" to the prompt`}},
		{`{"content":"a","id":"b"}`, "", []string{`no "text" among the keys content, id: `, "--text-column content"}},
		{`{"id":7,"body":"b"}`, "", []string{"--text-column body"}},
		{`{"id":7}`, "", []string{"none of these keys holds text"}},
		{`{}`, "", []string{"empty object"}},
		{`{"messages":[{"role":"user"}]}`, "", []string{"messages", "chats are not read", `"prompt"`, `"completion"`}},
		{`{"conversations":[],"id":"x"}`, "", []string{`"conversations"`, "chats are not read"}},
		{`{"prompt":"a","completion":"b"}`, "body", []string{`no "body" among the keys completion, prompt: these are read`, "where no --text-column is given"}},
		{`{"content":"a"}`, "body", []string{`no "body" among the keys content`, "--text-column content"}},
	} {
		_, _, err := LoadText(write(t, "a.jsonl", c.row), TextOptions{Column: c.column})
		require.ErrorContains(t, err, "a.jsonl:1: ", c.row)
		for _, w := range c.want {
			assert.ErrorContains(t, err, w)
		}
	}
	docs, _, err := LoadText(write(t, "a.jsonl", `{"question":"a","answer":"b"}`), TextOptions{Column: "answer"})
	require.NoError(t, err)
	assert.Equal(t, "b", docs[0].Text)
}
