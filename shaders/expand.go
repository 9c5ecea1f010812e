package shaders

import (
	"fmt"
	"strings"
)

// Consts are the compile-time integers of one kernel instance, by the names that the file declares with //#const.
type Consts map[string]int

// maxExpanded bounds the lines that one expansion may produce, so that a wrong loop bound is an error and not a hang.
const maxExpanded = 20000

// expander turns a WGSL source with directives into the plain WGSL that naga 0.13 accepts, which has no constant expressions,
// no override and no generics. Directives stand on lines of their own:
//
//	//#const NAME 8        a constant with its default; Consts given to Load replace it
//	//#import part         the text of shared/part.wgsl, once
//	//#if EXPR  //#else  //#end
//	//#for i FROM TO       the lines up to //#end for i = FROM .. TO-1
//	${EXPR}                the value of an integer expression, in any other line
//
// EXPR has + - * / % == != < > <= >= && || ! ( ) over integers, constants and loop variables.
type expander struct {
	file     string
	vals     map[string]int
	given    Consts
	used     map[string]bool
	imported map[string]bool
	read     func(name string) (string, error)
	out      []string
}

type line struct {
	no   int
	text string
}

func expand(name, src string, c Consts, read func(string) (string, error)) (string, map[string]int, error) {
	e := &expander{file: name + ".wgsl", vals: map[string]int{}, given: c, used: map[string]bool{}, imported: map[string]bool{}, read: read}
	if err := e.run(split(src)); err != nil {
		return "", nil, err
	}
	for k := range c {
		if !e.used[k] {
			return "", nil, fmt.Errorf("shaders/%s: constant %s is not declared with //#const", e.file, k)
		}
	}
	return strings.Join(e.out, "\n") + "\n", e.vals, nil
}

func split(src string) []line {
	raw := strings.Split(strings.TrimRight(src, "\n"), "\n")
	ls := make([]line, len(raw))
	for i, s := range raw {
		ls[i] = line{i + 1, s}
	}
	return ls
}

func (e *expander) errf(l line, format string, a ...any) error {
	return fmt.Errorf("shaders/%s:%d: %s", e.file, l.no, fmt.Sprintf(format, a...))
}

// run expands a sequence of lines in order.
func (e *expander) run(ls []line) error {
	for i := 0; i < len(ls); i++ {
		l := ls[i]
		dir, ok := strings.CutPrefix(strings.TrimSpace(l.text), "//#")
		if !ok {
			if err := e.emit(l); err != nil {
				return err
			}
			continue
		}
		f := strings.Fields(dir)
		if len(f) == 0 {
			return e.errf(l, "empty directive")
		}
		switch f[0] {
		case "const":
			if err := e.declare(l, f); err != nil {
				return err
			}
		case "import":
			if len(f) != 2 {
				return e.errf(l, "want //#import NAME")
			}
			if err := e.include(l, f[1]); err != nil {
				return err
			}
		case "if", "for":
			then, els, end, err := e.block(ls, i)
			if err != nil {
				return err
			}
			if f[0] == "if" {
				err = e.branch(l, strings.TrimPrefix(dir, "if"), then, els)
			} else {
				err = e.loop(l, f, then)
			}
			if err != nil {
				return err
			}
			i = end
		case "variant", "instance":
			// read by Load, nothing to expand
		default:
			return e.errf(l, "unknown directive //#%s", f[0])
		}
	}
	return nil
}

func (e *expander) declare(l line, f []string) error {
	if len(f) < 3 {
		return e.errf(l, "want //#const NAME VALUE")
	}
	v, err := e.eval(f[2])
	if err != nil {
		return e.errf(l, "%v", err)
	}
	if g, ok := e.given[f[1]]; ok {
		v = g
	}
	e.used[f[1]] = true
	e.vals[f[1]] = v
	return nil
}

func (e *expander) include(l line, name string) error {
	if e.imported[name] {
		return nil
	}
	e.imported[name] = true
	src, err := e.read("shared/" + name + ".wgsl")
	if err != nil {
		return e.errf(l, "import %s: no shaders/shared/%s.wgsl", name, name)
	}
	outer := e.file
	e.file = "shared/" + name + ".wgsl"
	err = e.run(split(src))
	e.file = outer
	return err
}

// block finds the lines of the //#if or //#for at ls[i], split at its own //#else, and the index of its //#end.
func (e *expander) block(ls []line, i int) (then, els []line, end int, err error) {
	depth, at := 0, -1
	for j := i; j < len(ls); j++ {
		dir, ok := strings.CutPrefix(strings.TrimSpace(ls[j].text), "//#")
		if !ok {
			continue
		}
		switch f := strings.Fields(dir); {
		case len(f) == 0:
		case f[0] == "if" || f[0] == "for":
			depth++
		case f[0] == "else" && depth == 1:
			at = j
		case f[0] == "end":
			if depth--; depth == 0 {
				if at < 0 {
					return ls[i+1 : j], nil, j, nil
				}
				return ls[i+1 : at], ls[at+1 : j], j, nil
			}
		}
	}
	return nil, nil, 0, e.errf(ls[i], "no //#end")
}

func (e *expander) branch(l line, cond string, then, els []line) error {
	v, err := e.eval(cond)
	if err != nil {
		return e.errf(l, "%v", err)
	}
	if v != 0 {
		return e.run(then)
	}
	return e.run(els)
}

func (e *expander) loop(l line, f []string, body []line) error {
	if len(f) != 4 {
		return e.errf(l, "want //#for i FROM TO")
	}
	from, err := e.eval(f[2])
	if err != nil {
		return e.errf(l, "%v", err)
	}
	to, err := e.eval(f[3])
	if err != nil {
		return e.errf(l, "%v", err)
	}
	if _, shadow := e.vals[f[1]]; shadow {
		return e.errf(l, "loop variable %s hides a constant", f[1])
	}
	for i := from; i < to; i++ {
		e.vals[f[1]] = i
		if err := e.run(body); err != nil {
			return err
		}
	}
	delete(e.vals, f[1])
	return nil
}

// emit writes one line with each ${EXPR} replaced by its value.
func (e *expander) emit(l line) error {
	if len(e.out) >= maxExpanded {
		return e.errf(l, "expands to more than %d lines", maxExpanded)
	}
	s := l.text
	for {
		a := strings.Index(s, "${")
		if a < 0 {
			break
		}
		b := strings.Index(s[a:], "}")
		if b < 0 {
			return e.errf(l, "${ without }")
		}
		v, err := e.eval(s[a+2 : a+b])
		if err != nil {
			return e.errf(l, "%v", err)
		}
		s = fmt.Sprintf("%s%d%s", s[:a], v, s[a+b+1:])
	}
	e.out = append(e.out, s)
	return nil
}
