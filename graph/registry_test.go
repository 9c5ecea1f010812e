package graph

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/shaders"
)

// noGrad says why an Op that has a VJP needs no case of its own.
var noGrad = map[string]string{
	"transpose": "its VJP is an error: passes insert it after Grad",
}

// source parses the package's files, tests left out.
func source(t *testing.T) map[string]*ast.File {
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	out := map[string]*ast.File{}
	for _, n := range names {
		if !strings.HasSuffix(n, "_test.go") {
			f, err := parser.ParseFile(token.NewFileSet(), n, nil, 0)
			require.NoError(t, err)
			out[n] = f
		}
	}
	return out
}

// methodsOf finds the methods of a name: receiver type -> declaration.
func methodsOf(files map[string]*ast.File, name string) map[string]*ast.FuncDecl {
	out := map[string]*ast.FuncDecl{}
	for _, f := range files {
		for _, d := range f.Decls {
			if m, ok := d.(*ast.FuncDecl); ok && m.Recv != nil && m.Name.Name == name {
				if recv, ok := m.Recv.List[0].Type.(*ast.Ident); ok {
					out[recv.Name] = m
				}
			}
		}
	}
	return out
}

// onlyNil tells whether a function does nothing but return nil.
func onlyNil(f *ast.FuncDecl) bool {
	if len(f.Body.List) != 1 {
		return false
	}
	r, ok := f.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(r.Results) != 1 {
		return false
	}
	id, ok := r.Results[0].(*ast.Ident)
	return ok && id.Name == "nil"
}

// Every Op with a vector-Jacobian product has a gradient case whose gradient runs that product.
func TestEveryOpHasGradCase(t *testing.T) {
	tried := map[string]bool{}
	for _, c := range gradCases {
		g := New()
		loss := c.build(g)
		var wrt []*Node
		for _, n := range g.Leaves() {
			if n.leaf.Kind == Trainable {
				wrt = append(wrt, n)
			}
		}
		need := g.reaches(wrt)
		forward := len(g.calls)
		g.Grad(loss, wrt)
		require.NoError(t, g.Err(), c.name)
		for _, call := range g.calls[:forward] {
			for _, in := range call.In {
				if need[in] {
					tried[opName(call.Op)] = true
				}
			}
		}
	}
	vjps := methodsOf(source(t), "VJP")
	require.Greater(t, len(vjps), 30, "the search for ops finds too few")
	for op, f := range vjps {
		if noGrad[op] == "" && !onlyNil(f) {
			require.True(t, tried[op], "op %s has a VJP and no gradient case: add one with gradOf", op)
		}
	}
	for op := range noGrad {
		require.Contains(t, vjps, op, "noGrad lists an op that is gone")
	}
}

// launchers are the functions that take a kernel's name, and which argument it is.
var launchers = map[string]int{"Dispatch": 0, "flat": 0, "rows": 0, "columns": 1, "vecLower": 2, "poolLower": 1}

// unused says why a kernel that no Lower names is kept.
var unused = map[string]string{}

// Every kernel that a Lower names is a file of package shaders, and every kernel file is named by one.
func TestEveryKernelIsUsed(t *testing.T) {
	have := map[string]bool{}
	for _, n := range shaders.Names() {
		have[n] = true
	}
	words := map[string]bool{"tick": true} // of the device itself
	for _, f := range source(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if w, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					words[w] = true
				}
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.SelectorExpr:
					name = f.Sel.Name
				case *ast.Ident:
					name = f.Name
				}
				if at, ok := launchers[name]; ok && len(n.Args) > at {
					if lit, ok := n.Args[at].(*ast.BasicLit); ok {
						kernel, _ := strconv.Unquote(lit.Value)
						require.True(t, have[kernel], "%s launches kernel %q, which has no file in shaders", name, kernel)
					}
				}
			}
			return true
		})
	}
	for n := range have {
		if base, ok := strings.CutSuffix(n, "_any"); ok && words[base] {
			continue // vecLower puts the name together
		}
		if !words[n] && unused[n] == "" {
			t.Errorf("shaders/%s.wgsl is named by no Lower", n)
		}
		if words[n] && unused[n] != "" {
			t.Errorf("shaders/%s.wgsl is used now: take it off the list", n)
		}
	}
}
