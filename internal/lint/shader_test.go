package lint

import (
	"regexp"
	"strings"
	"testing"
)

// maxWGSL is the length of a shader in lines.
const maxWGSL = 250

var (
	formula = regexp.MustCompile(`=|^// Variant of `)
	written = regexp.MustCompile(`(is|are) (=|\+=|updated)|, \+=|stays?\b`)
)

// header is the comment that a shader begins with, directives left out.
func header(src string) (lines []string) {
	for _, l := range strings.Split(src, "\n") {
		if !strings.HasPrefix(l, "//") {
			break
		}
		if !strings.HasPrefix(l, "//#") {
			lines = append(lines, l)
		}
	}
	return lines
}

// A kernel begins with a comment: formula (or what it is a variant of), shapes, grid, and whether its outputs are = or +=.
func TestLintShaderHeaders(t *testing.T) {
	names := paths(t, ".wgsl")
	if len(names) < 30 {
		t.Fatalf("the walk finds %d shaders", len(names))
	}
	for _, p := range names {
		src := string(read(t, p))
		if n := strings.Count(src, "\n"); n > maxWGSL {
			t.Errorf("%s: %d lines, want at most %d", p, n, maxWGSL)
		}
		h := header(src)
		text := strings.Join(h, "\n")
		if len(h) == 0 {
			t.Errorf("%s: begins without a comment", p)
			continue
		}
		if strings.HasPrefix(p, "shaders/shared/") {
			continue
		}
		if strings.Contains(src, "//#variant ") != strings.HasPrefix(text, "// Variant of ") {
			t.Errorf("%s: a file with //#variant begins with \"Variant of\", and no other does", p)
		}
		if !formula.MatchString(text) {
			t.Errorf("%s: the header has no formula", p)
		}
		if !strings.Contains(text, "Grid: ") {
			t.Errorf("%s: the header says nothing of the grid (Grid: ...)", p)
		}
		if !written.MatchString(text) {
			t.Errorf("%s: the header does not say whether outputs are = or +=", p)
		}
	}
}
