package lint

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers says which packages of ours each may import; a name ending in /... means what lies below. Tests may import what they need.
var layers = map[string][]string{
	"shaders":           {},
	"backend":           {"shaders"},
	"backend/ref":       {"backend", "shaders"},
	"backend/webgpu":    {"backend", "shaders"},
	"graph":             {"backend", "shaders"},
	"model":             {"backend", "graph", "model/safetensors", "internal/atomicfile"}, // backend for storage types alone
	"model/safetensors": {"internal/atomicfile"},
	"model/torchzip":    {"model/safetensors"},
	"peft":              {"backend", "graph", "model", "model/safetensors", "model/torchzip", "internal/atomicfile"},
	"optim":             {"graph"},
	"data":              {"internal/philox"},
	"train":             {"backend", "graph", "model", "model/safetensors", "optim", "data", "internal/atomicfile"},
	"zeroth":            {"backend", "data", "graph", "model", "train", "internal/philox"},
	"cmd/luthier":       {"..."},
	"internal/nano":     {"internal/atomicfile"},
	"internal/nano/cmd": {"internal/nano", "internal/atomicfile", "data", "model/safetensors"},
	"internal/golden":   {"graph", "model/safetensors"},
	"internal/logits":   {"..."}, // a command of scripts/check_interop.py
	"internal/testdev":  {"backend", "backend/webgpu"},
	"internal/parity":   {"backend", "backend/ref", "shaders"},
	"internal/gpucheck": {"shaders", "backend"},
	"internal/docs":     {"..."}, // writes the tables of the documents, which show all
	"internal/...":      {},
}

// cgo is where C may be imported.
var cgo = []string{"backend/webgpu", "internal/gpucheck"}

// allowed is the row of a package: its own, its command's, or that of what lies above.
func allowed(pkg string) ([]string, bool) {
	if row, ok := layers[pkg]; ok {
		return row, true
	}
	if parent, ok := strings.CutSuffix(pkg, "/cmd"); ok {
		row, ok := layers[parent]
		return append(slices.Clone(row), parent), ok
	}
	if strings.HasPrefix(pkg, "internal/") {
		return layers["internal/..."], true
	}
	return nil, false
}

func TestLintLayers(t *testing.T) {
	for _, f := range goFiles(t) {
		row, ok := allowed(f.pkg)
		if !ok {
			t.Errorf("%s: package %s has no row in the table of layers", f.path, f.pkg)
			continue
		}
		for _, i := range f.ast.Imports {
			name, _ := strconv.Unquote(i.Path.Value)
			if name == "C" && !slices.Contains(cgo, f.pkg) {
				t.Errorf("%s:%d: cgo is for %s", f.path, f.line(i.Pos()), strings.Join(cgo, " and "))
			}
			if i.Name != nil && i.Name.Name == "." {
				t.Errorf("%s:%d: dot import of %s: name the package", f.path, f.line(i.Pos()), name)
			}
			ours, ok := strings.CutPrefix(name, "luthier/")
			if ok && !f.test() && !slices.Contains(row, ours) && !slices.Contains(row, "...") {
				t.Errorf("%s:%d: %s imports %s, and may import only %v", f.path, f.line(i.Pos()), f.pkg, ours, row)
			}
		}
	}
}
