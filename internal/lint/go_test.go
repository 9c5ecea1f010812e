package lint

import (
	"bytes"
	"go/ast"
	"go/format"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Lines of one Go file.
const (
	maxLines     = 500
	maxTestLines = 600
)

// longer are files above the limit, and why.
var longer = map[string]string{}

// panics are files, and packages, that may panic, on faults of our own code alone, and why.
var panics = map[string]string{
	"backend/ref/device.go": "a reference that asks for a binding its WGSL lacks is a fault of ours, found by its first test",
	"internal/fuzzcheck":    "a fuzz target that hangs has to be killed",
	"internal/nano":         "its only input is its own grammar and tables, read when it is loaded",
}

func TestLintPackageComments(t *testing.T) {
	comments, first := map[string]int{}, map[string]string{}
	for _, f := range goFiles(t) {
		if f.test() {
			continue
		}
		first[f.pkg] = f.path
		if f.ast.Doc == nil {
			continue
		}
		comments[f.pkg]++
		want := "Package " + f.ast.Name.Name + " "
		if f.ast.Name.Name == "main" {
			want = "Command "
		}
		if !strings.HasPrefix(f.ast.Doc.Text(), want) {
			t.Errorf("%s: the package comment begins with %q", f.path, want)
		}
	}
	for pkg, p := range first {
		if comments[pkg] != 1 {
			t.Errorf("%s: package %s has %d package comments, want one", p, pkg, comments[pkg])
		}
	}
}

func TestLintSizes(t *testing.T) {
	for _, f := range goFiles(t) {
		limit := maxLines
		if f.test() {
			limit = maxTestLines
		}
		if n := f.lines(); n > limit && longer[f.path] == "" {
			t.Errorf("%s: %d lines, want at most %d: one idea a file", f.path, n, limit)
		}
	}
}

func TestLintFormat(t *testing.T) {
	for _, f := range goFiles(t) {
		out, err := format.Source(f.src)
		if err != nil || !bytes.Equal(out, f.src) {
			t.Errorf("%s: not as gofmt writes it", f.path)
		}
	}
}

// Bad input is an error; only faults of our own code panic, and where is listed.
func TestLintPanics(t *testing.T) {
	found := map[string]bool{}
	for _, f := range goFiles(t) {
		if f.test() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if id, ok := c.Fun.(*ast.Ident); ok && id.Name == "panic" {
				found[f.path], found[f.pkg] = true, true
				if panics[f.path] == "" && panics[f.pkg] == "" && !again(c) {
					t.Errorf("%s:%d: panic: return an error", f.path, f.line(c.Pos()))
				}
			}
			return true
		})
	}
	for p := range panics {
		if !found[p] {
			t.Errorf("%s no longer panics: take it off the list", p)
		}
	}
}

// again tells whether a panic passes on a value that was recovered: its argument is a variable.
func again(c *ast.CallExpr) bool {
	_, ok := c.Args[0].(*ast.Ident)
	return ok
}

// machine finds paths that exist on one machine only.
var machine = regexp.MustCompile(`(^|[\s"'` + "`" + `=(:])/(work|root|home|Users)/[A-Za-z.]|(^|[\s"'=(:])/tmp/[A-Za-z]`)

func TestLintMachinePaths(t *testing.T) {
	for _, l := range []string{`dir = "/root/x"`, "see /home/me/x", "cd /tmp/build"} {
		require.True(t, machine.MatchString(l), l)
	}
	for _, l := range []string{"../shared/work/x", `"testdata/tmp/x"`, "https://a.b/home/x", "a/root of 2"} {
		require.False(t, machine.MatchString(l), l)
	}
	for _, p := range paths(t, ".go", ".wgsl", ".sh", ".py", ".md", ".yml", ".yaml", ".toml", "Makefile") {
		if strings.HasPrefix(p, "internal/lint/") {
			continue
		}
		for i, l := range strings.Split(string(read(t, p)), "\n") {
			if m := machine.FindString(l); m != "" {
				t.Errorf("%s:%d: a path of one machine: %s", p, i+1, strings.TrimSpace(l))
			}
		}
	}
}
