package shaders

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
)

// eval computes an integer expression of a directive. Its grammar is Go's own, so the standard parser does the work.
func (e *expander) eval(src string) (int, error) {
	x, err := parser.ParseExpr(src)
	if err != nil {
		return 0, fmt.Errorf("expression %q: %v", src, err)
	}
	v, err := e.value(x)
	if err != nil {
		return 0, fmt.Errorf("expression %q: %w", src, err)
	}
	return v, nil
}

func (e *expander) value(x ast.Expr) (int, error) {
	switch x := x.(type) {
	case *ast.BasicLit:
		return strconv.Atoi(x.Value)
	case *ast.ParenExpr:
		return e.value(x.X)
	case *ast.Ident:
		v, ok := e.vals[x.Name]
		if !ok {
			return 0, fmt.Errorf("%s is no constant or loop variable here", x.Name)
		}
		return v, nil
	case *ast.UnaryExpr:
		v, err := e.value(x.X)
		switch {
		case err != nil:
			return 0, err
		case x.Op == token.SUB:
			return -v, nil
		case x.Op == token.NOT:
			return truth(v == 0), nil
		}
	case *ast.BinaryExpr:
		a, err := e.value(x.X)
		if err != nil {
			return 0, err
		}
		b, err := e.value(x.Y)
		if err != nil {
			return 0, err
		}
		return binary(x.Op, a, b)
	}
	return 0, fmt.Errorf("only integer arithmetic is allowed")
}

func binary(op token.Token, a, b int) (int, error) {
	switch op {
	case token.ADD:
		return a + b, nil
	case token.SUB:
		return a - b, nil
	case token.MUL:
		return a * b, nil
	case token.QUO, token.REM:
		if b == 0 {
			return 0, fmt.Errorf("division by zero")
		}
		if op == token.QUO {
			return a / b, nil
		}
		return a % b, nil
	case token.EQL:
		return truth(a == b), nil
	case token.NEQ:
		return truth(a != b), nil
	case token.LSS:
		return truth(a < b), nil
	case token.GTR:
		return truth(a > b), nil
	case token.LEQ:
		return truth(a <= b), nil
	case token.GEQ:
		return truth(a >= b), nil
	case token.LAND:
		return truth(a != 0 && b != 0), nil
	case token.LOR:
		return truth(a != 0 || b != 0), nil
	}
	return 0, fmt.Errorf("operator %s is not known", op)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
