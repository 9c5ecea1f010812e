package peft

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Targets says which modules a method adapts, as PEFT does: a list of names, each the whole path or its end after a dot; or one regular
// expression over whole paths; or the word all-linear.
type Targets struct {
	List []string
	Expr string // a regular expression, or all-linear
	re   *expression
}

// allLinear is PEFT's word for every linear layer but the head.
const allLinear = "all-linear"

// ParseTargets reads the value of the setting of that name: names with commas between, all-linear, or a regular expression after "re:".
func ParseTargets(setting, s string) (Targets, error) {
	switch {
	case s == "":
		return Targets{}, nil
	case s == allLinear || s == "all":
		return Targets{Expr: allLinear}, nil
	case strings.HasPrefix(s, "re:"):
		t := Targets{Expr: s[3:]}
		return t, t.compile(setting)
	}
	var t Targets
	for _, n := range strings.Split(s, ",") {
		if n = strings.TrimSpace(n); n != "" {
			t.List = append(t.List, n)
		}
	}
	return t, nil
}

func (t *Targets) compile(setting string) (err error) {
	if strings.EqualFold(t.Expr, allLinear) {
		t.Expr = allLinear
	}
	if t.Expr == "" || t.Expr == allLinear {
		return nil
	}
	t.re, err = compile(setting, "", t.Expr)
	return err
}

// fault is why the expression was given up, nil where it was not.
func (t Targets) fault() error {
	if t.re == nil {
		return nil
	}
	return t.re.fault
}

// Empty tells whether nothing was chosen.
func (t Targets) Empty() bool { return len(t.List) == 0 && t.Expr == "" }

// IsZero is Empty, for encoding/json.
func (t Targets) IsZero() bool { return t.Empty() }

// Match tells whether the module at path is a target. head says that it belongs to an output head, which all-linear leaves out.
func (t Targets) Match(path string, head bool) bool {
	switch {
	case t.Expr == allLinear:
		return !head
	case t.re != nil:
		return t.re.match(path)
	}
	return endsIn(path, t.List)
}

// endsIn tells whether path is one of names, or ends in one after a dot.
func endsIn(path string, names []string) bool {
	for _, n := range names {
		if path == n || strings.HasSuffix(path, "."+n) {
			return true
		}
	}
	return false
}

// MarshalJSON writes a list or a string.
func (t Targets) MarshalJSON() ([]byte, error) {
	if t.Expr != "" {
		return json.Marshal(t.Expr)
	}
	return json.Marshal(t.List)
}

// UnmarshalJSON reads a list, a string or null.
func (t *Targets) UnmarshalJSON(raw []byte) error {
	*t = Targets{}
	if string(raw) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, &t.List); err == nil {
		return nil
	}
	if err := json.Unmarshal(raw, &t.Expr); err != nil {
		return fmt.Errorf("target_modules or exclude_modules: want a list of names or a string")
	}
	return t.compile("target_modules or exclude_modules")
}

func (t Targets) String() string {
	if t.Expr != "" {
		return t.Expr
	}
	return strings.Join(t.List, ",")
}

func sortedKeys[T any](m map[string]T) []string {
	n := names{}
	for k := range m {
		n[k] = true
	}
	return n.sorted()
}
