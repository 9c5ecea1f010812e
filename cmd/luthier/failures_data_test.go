package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/data"
	"luthier/model"
)

// onData is a run on other data than refusedRun's, which would succeed otherwise.
func onData(file string) string { return "train --model bert --out out --data " + file }

// onText is one of a language model, on what would do for it otherwise.
func onText(file string) string { return "train --model llama --out out --data " + file }

var dataFailures = []failure{
	{"no data file", onData("nowhere.tsv"), 3, []string{"nowhere.tsv", "check the path"}},
	{"a dataset's name on Hugging Face", onData("stanfordnlp/imdb"), 3, []string{"stanfordnlp/imdb", "downloads nothing", "hf download --repo-type dataset stanfordnlp/imdb --local-dir DIR"}},
	{"a data file of an unknown kind", "+ --task classify --data rows.yaml", 3, []string{"rows.yaml", ".tsv, .csv, .jsonl or .json"}},
	{"a spreadsheet", "+ --task classify --data rows.xlsx", 3, []string{"rows.xlsx", "save it as .csv"}},
	{"compressed data", onText("rows.jsonl.gz"), 3, []string{"rows.jsonl.gz", "gunzip"}},
	{"compressed data under another ending", onText("packed.txt"), 3, []string{"packed.txt", "gunzip"}},
	{"a Parquet table", onText("rows.parquet"), 3, []string{"rows.parquet", `to_json("train.jsonl")`}},
	{"an Arrow table", onText("rows.arrow"), 3, []string{"rows.arrow", `to_json("train.jsonl")`}},
	{"a PDF", onText("book.pdf"), 3, []string{"book.pdf", ".txt"}},
	{"a binary for text", onText("binary.dat"), 3, []string{"binary.dat", "NUL in byte 3", "UTF-8"}},
	{"a table for text", onText("rows.tsv --task clm"), 3, []string{"rows.tsv", ".txt, .jsonl or .json", `{"prompt", "completion"}`}},
	{"a data file in UTF-16", onData("wide.tsv"), 3, []string{"wide.tsv", "save it as UTF-8"}},
	{"a broken line of JSONL", onData("broken.jsonl"), 3, []string{"broken.jsonl:2"}},
	{"a line of JSONL that is no object", onData("list.jsonl"), 3, []string{"list.jsonl:3"}},
	{"a line of JSONL without its label", onData("keyless.jsonl"), 3, []string{"keyless.jsonl:2", "label"}},
	{"a line of JSONL whose text is a number", onData("number.jsonl"), 3, []string{"number.jsonl:2", "text"}},
	{"a document of JSONL without its text", onText("keyless.jsonl --task clm --text-column body"), 3, []string{"keyless.jsonl:1", `"body"`, "label, text"}},
	{"a prompt with a response", onText("response.jsonl"), 3, []string{"response.jsonl:1", "prompt, response", `rename "response" to "completion"`}},
	{"a prompt with preferences", onText("preferred.jsonl"), 3, []string{"preferred.jsonl:1", `rename "chosen" to "completion"`, `"rejected"`}},
	{"a question with its answer", onText("answered.jsonl"), 3, []string{"answered.jsonl:1", `rename "question" to "prompt"`, "--text-column answer"}},
	{"a text under another key", onText("content.jsonl"), 3, []string{"content.jsonl:1", "--text-column content"}},
	{"a chat", onText("chat.jsonl"), 3, []string{"chat.jsonl:1", `"messages"`, `"completion"`}},
	{"prompts and completions for a classifier", onData("prompts.csv"), 3, []string{"prompts.csv:1", "prompt, completion", ".jsonl", "--text-column and --label-column"}},
	{"a row of TSV without its label", onData("short.tsv"), 3, []string{"short.tsv:3"}},
	{"a row of TSV with a tab too many", onData("wider.tsv"), 3, []string{"wider.tsv:2", "3 columns"}},
	{"a row of TSV with an empty label", onData("blank.tsv"), 3, []string{"blank.tsv:3", "label is empty"}},
	{"a row of CSV without its label", onData("short.csv"), 3, []string{"short.csv:4", "1 column where"}},
	{"a stray quote in CSV", onData("quote.csv"), 3, []string{"quote.csv:3", "doubled"}},
	{"a quote in CSV that is never closed", onData("open.csv"), 3, []string{"open.csv:3", "quote"}},
	{"empty data", onData("empty.tsv"), 3, []string{"empty.tsv", "no examples"}},
	{"a header and no rows", onData("header.csv"), 3, []string{"header.csv", "no examples"}},
	{"text without text", "train --model llama --task clm --out out --data empty.txt", 3, []string{"empty.txt", "no examples"}},
	{"one class only", onData("one.tsv"), 3, []string{"one.tsv", "positive", "--label-column"}},
	{"no label column", onData("text.tsv"), 3, []string{"text.tsv", "--label-column"}},
	{"a label column that is not there", "+ --label-column mood", 3, []string{"rows.tsv", `mood`}},
	{"a label column for a language model", onText("moods.jsonl --task clm --label-column mood"), 2, []string{"--label-column mood", "clm", "--task classify"}},
	{"a second text for a language model", onText("moods.jsonl --text2-column mood"), 2, []string{"--text2-column mood", "clm", "--task classify"}},
	{"a label column for a masked language model", "train --model masked --out out --data moods.jsonl --task mlm --label-column mood", 2,
		[]string{"--label-column mood", "mlm", "--task classify"}},
	{"a target that is no number", "+ --task regress", 3, []string{"rows.tsv:2", `"positive"`, "number"}},
	{"an unknown label in the evaluation data", "+ --eval-data unknown.tsv", 3, []string{"unknown.tsv:3", "neutral", "positive"}},
	{"an unknown label in eval", "eval --adapter adapter --data unknown.tsv", 3, []string{"unknown.tsv:3", "neutral", "positive"}},
	{"no log to replay", "replay --model bert --log nowhere.log --out out", 3, []string{"nowhere.log"}},
	{"a log that is none", "replay --model bert --log rows.tsv --out out", 3, []string{"rows.tsv is no log of a run"}},
}

// dataFiles fills the current directory with the data of the failures.
func dataFiles(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Rename(tinyLabels(t, 24), "rows.tsv"))
	const good = `{"text": "a", "label": "x"}` + "\n"
	for name, text := range map[string]string{
		"rows.xlsx": "PK\x03\x04", "rows.yaml": "x", "rows.jsonl.gz": "\x1f\x8b\x08", "packed.txt": "\x1f\x8b\x08", "rows.parquet": "PAR1\x15", "rows.arrow": "\xff\xff\xff\xff",
		"book.pdf": "%PDF-1.7\n", "binary.dat": "\x7fEL\x00", "response.jsonl": `{"prompt": "a", "response": "b"}`, "preferred.jsonl": `{"prompt": "a", "chosen": "b", "rejected": "c"}`,
		"answered.jsonl": `{"question": "a", "answer": "b"}`, "content.jsonl": `{"content": "a"}`, "chat.jsonl": `{"messages": [{"role": "user", "content": "a"}]}`,
		"prompts.csv": "prompt,completion\na,x\nb,y\n", "wide.tsv": "\xff\xfet\x00", "empty.tsv": "", "empty.txt": "", "header.csv": "text,label\n",
		"broken.jsonl": good + `{"text": "b", "label"` + "\n", "list.jsonl": good + good + `["b", "x"]` + "\n",
		"keyless.jsonl": good + `{"text": "b"}` + "\n", "number.jsonl": good + `{"text": 7, "label": "x"}` + "\n",
		"short.tsv": "text\tlabel\na\tx\nb\n", "wider.tsv": "text\tlabel\na\tb\tx\n", "blank.tsv": "text\tlabel\na\tx\nb\t\n",
		"short.csv": "text,label\n\"a\nb\",x\nb\n", "quote.csv": "text,label\na,x\nsay \"b\",y\n", "open.csv": "text,label\na,x\n\"b,y\nc,x\n",
		"moods.jsonl": `{"text": "a", "mood": "x"}` + "\n" + `{"text": "b", "mood": "y"}` + "\n", "one.tsv": "text\tlabel\na\tpositive\nb\tpositive\n", "text.tsv": "text\tweight\na\t1\nb\t2\n",
		"unknown.tsv": "text\tlabel\na\tpositive\nb\tneutral\n",
		// What is cut or replaced, and no failure.
		"long.tsv":   "text\tlabel\n" + strings.Repeat("good wood ", 100_000) + "\tpositive\nbad wood\tnegative\n",
		"long.jsonl": `{"text": "` + strings.Repeat("good wood ", 100_000) + `"}` + "\n",
		"binary.tsv": "text\tlabel\ngood \xff\xfe wood\tpositive\nbad \xe2\x82 wood\tnegative\n",
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
}

// mended are no failures: what is cut or replaced is counted in the header of the run, with the file, and the run trains.
var mended = []failure{
	{"a text of a million characters", onData("long.tsv"), 0, []string{"long.tsv", "1 truncated"}},
	{"a document of a million characters", "train --model llama --task clm --out out --data long.jsonl --pack=false", 0, []string{"long.jsonl", "1 truncated"}},
	{"invalid UTF-8", onData("binary.tsv"), 0, []string{"binary.tsv", "bad stretches of bytes replaced"}},
}

// trains runs a mended case and gives the line of the header that tells of it.
func (f failure) trains(t *testing.T) string {
	t.Helper()
	code, out, errs := luthier(t, append(f.line(), "--max-steps", "1")...)
	require.Zero(t, code, errs)
	require.FileExists(t, "out/adapter_model.safetensors")
	require.NoError(t, os.RemoveAll("out"))
	for line := range strings.Lines(out) {
		if strings.Contains(line, f.wants[1]) {
			require.Contains(t, line, f.wants[0])
			return strings.TrimSpace(line)
		}
	}
	require.Fail(t, "not told", "%s: %s", f.wants[1], out)
	return ""
}

// Answers that a classifier took for classes are no failure; the header of the run points at what learns them.
func TestAdviceOfAnswers(t *testing.T) {
	j := &job{task: model.Classify, train: &dataset{encoded: data.Report{Rows: 24}}}
	for i := range 24 {
		j.labels = append(j.labels, strings.Repeat("la ", i+1))
	}
	require.Contains(t, j.classAdvice(), `24 classes in 24 rows: if the labels are texts to write, a language model learns them from .jsonl with {"prompt", "completion"}`)
	require.NotContains(t, j.classAdvice(), "regress")
	j.train.encoded.Rows = 240
	require.Empty(t, j.classAdvice())
}
