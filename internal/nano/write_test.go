package nano

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The committed files are what the generator makes now. After a change of the
// grammar, write them again with NANO_WRITE=1 go test -run Committed.
func TestCommittedData(t *testing.T) {
	if os.Getenv("NANO_WRITE") != "" {
		require.NoError(t, WriteTask("data"))
	}
	dir := t.TempDir()
	require.NoError(t, WriteTask(dir))
	size := 0
	for _, name := range []string{"train.tsv", "test.tsv", "letters.txt"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join("data", name))
		require.NoError(t, err)
		assert.True(t, string(want) == string(got), "data/%s differs from what WriteTask writes", name)
		if strings.HasSuffix(name, ".tsv") {
			size += len(got)
			assert.True(t, strings.HasPrefix(string(got), "text\tlabel\n"))
		}
	}
	assert.Less(t, size, 120_000)
}

func TestWriteCorpus(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	require.NoError(t, WriteCorpus(dir))
	b, err := os.ReadFile(filepath.Join(dir, "corpus.txt"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	assert.Equal(t, corpus(DefaultSeed, 10_000), lines[:len(corpus(DefaultSeed, 10_000))])
	count := 0
	for _, l := range lines {
		count += tokens(l)
	}
	assert.InDelta(t, CorpusTokens, count, 500)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file stays")
}

func TestWriteNamesThePath(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	require.ErrorContains(t, WriteTask(file), file)
	require.ErrorContains(t, WriteCorpus(filepath.Join(file, "sub")), file)
}
