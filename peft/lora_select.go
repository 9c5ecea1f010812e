package peft

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// saved tells whether the module at path is trained whole: it, or a module around it, ends in one of modules_to_save. PEFT asks for no dot
// before the name, so that norm means every input_layernorm too.
func (l *LoRA) saved(path string) bool {
	for p := path; p != ""; p = p[:max(0, strings.LastIndex(p, "."))] {
		for _, n := range l.Save {
			if n != "" && strings.HasSuffix(p, n) {
				return true
			}
		}
	}
	return false
}

// hits tells whether the module at path gets an addition.
func (l *LoRA) hits(path string) bool {
	switch {
	case l.saved(path), !l.Exclude.Empty() && l.Exclude.Match(path, false), !l.Targets.Match(path, endsIn(path, l.heads)):
		return false
	case len(l.layers) == 0 || slices.Contains(l.Targets.List, path): // a whole path is a choice of its own
		return true
	}
	layer, ok := l.layerOf(path)
	return ok && slices.Contains(l.layers, layer)
}

// hasBias tells whether the bias at path belongs to a module with an addition. Where every linear module has one, other modules with a bias
// are told by their names.
func (l *LoRA) hasBias(path string) bool {
	if l.Targets.Expr == allLinear && (strings.HasSuffix(strings.ToLower(path), "norm") || path == "cls.predictions") {
		return false
	}
	return l.hits(path)
}

// numbered finds the first number among the parts of a path, behind two parts at least.
var numbered = regexp.MustCompile(`^.*?\.[^.]*\.(\d+)\.`)

// layerOf is the number of the layer that a module belongs to: the first number of its path, or that behind a name of layers_pattern.
func (l *LoRA) layerOf(path string) (int, bool) {
	found := numbered.FindStringSubmatch(path)
	if names := l.layerNames(); len(names) > 0 {
		found = nil
		for _, n := range names {
			re, err := regexp.Compile(`^(?:|.*?\.)` + n + `\.(\d+)\.`)
			if err != nil {
				continue // checkLayers has refused it
			}
			if found = re.FindStringSubmatch(path); found != nil {
				break
			}
		}
	}
	if found == nil {
		return 0, false
	}
	i, err := strconv.Atoi(found[len(found)-1])
	return i, err == nil
}

// layerNames are those of layers_pattern.
func (l *LoRA) layerNames() []string {
	switch v := l.LayersPattern.(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case []any:
		var out []string
		for _, x := range v {
			out = append(out, fmt.Sprint(x))
		}
		return out
	}
	return nil
}

// checkLayers reads layers_to_transform and refuses what PEFT does.
func (l *LoRA) checkLayers() (err error) {
	if l.layers, err = layerList(l.Layers); err != nil {
		return err
	}
	for _, n := range l.layerNames() {
		if _, err := regexp.Compile(n); err != nil {
			return fmt.Errorf("layers_pattern %q: %w", n, err)
		}
	}
	switch {
	case l.Targets.Expr != "" && (len(l.layers) > 0 || len(l.layerNames()) > 0):
		return fmt.Errorf("layers_to_transform and layers_pattern go with a list of target_modules, not with %q: choose the layers in the expression", l.Targets.Expr)
	case len(l.layerNames()) > 0 && len(l.layers) == 0:
		return fmt.Errorf("layers_pattern wants layers_to_transform beside it")
	}
	return nil
}

// layerList reads layers_to_transform: a number, a list, or nothing.
func layerList(v any) ([]int, error) {
	bad := fmt.Errorf("layers_to_transform: want a number or a list of numbers")
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []int:
		return v, nil
	case float64:
		return layerList([]any{v})
	case []any:
		var out []int
		for _, x := range v {
			f, ok := x.(float64)
			if !ok || f != float64(int(f)) {
				return nil, bad
			}
			out = append(out, int(f))
		}
		return out, nil
	}
	return nil, bad
}
