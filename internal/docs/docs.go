// Package docs writes the tables of the documents from the registries: docs/methods.md, docs/models.md, and the parts of README.md between
// markers. A test fails where what is committed is not what would be written.
package docs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"luthier/internal/atomicfile"
)

//go:generate go run ./cmd

// File is a document as it should be.
type File struct {
	Path string // from the root of the repository
	Text string
}

func (f File) write(w io.Writer) error {
	_, err := io.WriteString(w, f.Text)
	return err
}

// Files makes every document with generated parts. root is the directory of go.mod, from which README.md is read.
func Files(root string) ([]File, error) {
	raw, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return nil, err
	}
	readme := string(raw)
	for _, part := range []struct{ name, text string }{{"methods", methodTable()}, {"models", modelTable()}} {
		if readme, err = between(readme, part.name, part.text); err != nil {
			return nil, fmt.Errorf("README.md: %w", err)
		}
	}
	return []File{{"docs/methods.md", methods()}, {"docs/models.md", models()}, {"README.md", readme}}, nil
}

// between replaces what stands between the markers of that name.
func between(doc, name, text string) (string, error) {
	begin, end := fmt.Sprintf("<!-- generated: %s -->\n", name), fmt.Sprintf("<!-- end: %s -->", name)
	head, rest, ok := strings.Cut(doc, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("has no lines %s and %s", strings.TrimSpace(begin), end)
	}
	return head + begin + text + end + tail, nil
}

// Write brings the files under root up to date and lists the ones that were not.
func Write(root string) ([]string, error) {
	files, err := Files(root)
	if err != nil {
		return nil, err
	}
	var changed []string
	for _, f := range files {
		path := filepath.Join(root, f.Path)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, []byte(f.Text)) {
			continue
		}
		if err := atomicfile.WriteFile(path, 0o644, f.write); err != nil {
			return changed, err
		}
		changed = append(changed, f.Path)
	}
	return changed, nil
}

// Root is the directory of go.mod at or above dir.
func Root(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s: no go.mod here or above", dir)
		}
	}
}
