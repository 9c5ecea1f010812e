package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/model"
	"luthier/peft"
)

// What is committed is what the generator writes.
func TestLintDocsAreFresh(t *testing.T) {
	root, err := Root(".")
	require.NoError(t, err)
	files, err := Files(root)
	require.NoError(t, err)
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(root, f.Path))
		require.NoError(t, err)
		require.Equal(t, f.Text, string(raw), "%s is stale: make docs", f.Path)
	}
}

// Every method and every architecture has its row, in the long tables and in the short ones.
func TestLintDocsNameEverything(t *testing.T) {
	for _, n := range peft.Names() {
		require.Contains(t, methodTable(), code(n))
		require.Contains(t, methods(), "### "+n+"\n")
	}
	for _, n := range model.Types() {
		require.Contains(t, modelTable(), code(n))
		require.Contains(t, models(), "## "+n+"\n")
	}
}

// Files and directories that the documents link to, or name in code style with a slash, are there.
func TestLintDocsNameWhatIsThere(t *testing.T) {
	root, err := Root(".")
	require.NoError(t, err)
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} {
		pages = append(pages, filepath.Join(root, name))
	}
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	path := regexp.MustCompile("`((?:shaders|backend|graph|model|peft|optim|data|train|cmd|internal|scripts|docs)/[a-zA-Z0-9_./-]+)`")
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(raw), -1) {
			require.FileExists(t, filepath.Join(filepath.Dir(page), m[1]), page)
		}
		for _, m := range path.FindAllStringSubmatch(string(raw), -1) {
			if name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(m[1]), "_test.go"), "."); name == "x" { // a recipe tells to write it
				continue
			}
			_, err := os.Stat(filepath.Join(root, strings.TrimSuffix(m[1], "/")))
			require.NoError(t, err, page)
		}
	}
}

func TestBetween(t *testing.T) {
	doc := "a\n<!-- generated: x -->\nold\n<!-- end: x -->\nb\n"
	got, err := between(doc, "x", "new\n")
	require.NoError(t, err)
	require.Equal(t, "a\n<!-- generated: x -->\nnew\n<!-- end: x -->\nb\n", got)
	_, err = between(doc, "y", "")
	require.ErrorContains(t, err, "generated: y")
}
