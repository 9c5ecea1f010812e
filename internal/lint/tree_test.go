package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module from here.
const root = "../.."

// file is a Go file of the module.
type file struct {
	path string // from the root, with slashes
	pkg  string // directory
	src  []byte
	ast  *ast.File
	set  *token.FileSet
}

func (f file) test() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f file) line(p token.Pos) int { return f.set.Position(p).Line }

func (f file) lines() int { return strings.Count(string(f.src), "\n") }

// paths lists the files with one of the endings, from the root. Hidden directories, build outputs (bin, out) and testdata are left out.
func paths(t *testing.T, endings ...string) []string {
	var out []string
	require.NoError(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		name := d.Name()
		if d.IsDir() && rel != "." && (name[0] == '.' || rel == "bin" || rel == "out" || name == "testdata" || name == "__pycache__") {
			return fs.SkipDir
		}
		for _, e := range endings {
			if !d.IsDir() && (strings.HasSuffix(name, e)) {
				out = append(out, rel)
			}
		}
		return nil
	}))
	return out
}

func read(t *testing.T, rel string) []byte {
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(rel)))
	require.NoError(t, err)
	return b
}

// goFiles parses every Go file of the module.
func goFiles(t *testing.T) []file {
	var out []file
	for _, p := range paths(t, ".go") {
		f := file{path: p, pkg: path.Dir(p), src: read(t, p), set: token.NewFileSet()}
		var err error
		f.ast, err = parser.ParseFile(f.set, p, f.src, parser.ParseComments)
		require.NoError(t, err)
		out = append(out, f)
	}
	require.Greater(t, len(out), 100, "the walk finds too few files")
	return out
}
