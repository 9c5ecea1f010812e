package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTokenize(t *testing.T) {
	model := filepath.Join("..", "..", "data", "testdata", "wordpiece.tokenizer.json")
	code, out, errs := luthier(t, "tokenize", "--model", model, "the plate", "")
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `^2( \d+)+ 3\n2 3\n$`, out)

	texts := filepath.Join(t.TempDir(), "t.jsonl")
	require.NoError(t, os.WriteFile(texts, []byte("\"a\\nb\"\n\"\"\n"), 0o666))
	code, out, errs = luthier(t, "tokenize", "--model", model, "--data", texts, "--json", "--no-special")
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `^\{"ids":\[\d+,\d+\]\}\n\{"ids":\[\]\}\n$`, out)
	require.Contains(t, errs, "2 texts, 3 bytes, 2 ids")

	require.NoError(t, os.WriteFile(texts, []byte("\"a\"\n{}\n"), 0o666))
	code, _, errs = luthier(t, "tokenize", "--model", model, "--data", texts)
	require.Equal(t, exitData, code)
	require.Contains(t, errs, texts+":2: ")
	code, _, errs = luthier(t, "tokenize", "a")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "--model")
	code, _, errs = luthier(t, "tokenize", "--model", model, "--data", texts, "a")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "one or the other")
}
