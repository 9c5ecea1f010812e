package peft

import (
	"slices"
	"strings"
)

// minimal is the number of modules from which PEFT writes their shortest endings instead of their paths.
const minimal = 20

// inFile is the adapter_config.json to write: with the base model's name, and all-linear as the list of what it means, as in PEFT's own
// files. Other readers take nothing but lists.
func (l *LoRA) inFile(base string, revision *string) any {
	c := l.LoRAConfig
	c.Base, c.Revision, c.Order = base, revision, nil
	if c.Targets.Expr == allLinear && len(l.linear) > 0 {
		c.Targets = Targets{List: endings(l.linear.sorted(), l.others)}
	}
	return &c
}

// see notes a module of the model; all-linear means the linear ones outside heads. Whole and excluded modules are among them, as in PEFT's
// files: other settings of the same file say that they get no addition.
func (l *LoRA) see(path string, linear bool) {
	switch {
	case path == "":
	case linear && !endsIn(path, l.heads):
		l.linear[path] = true
	default:
		l.others[path] = true
	}
}

// endings are the paths, where there are few of them; else the fewest endings that tell them from all other modules, found as PEFT finds
// them: the modules by their endings, each with its shortest ending that no other module has and none that was chosen covers.
func endings(paths []string, others names) []string {
	if len(paths) < minimal {
		return paths
	}
	taken, targets := map[string]bool{}, map[string]bool{}
	for _, p := range paths {
		targets[p] = true
	}
	for _, p := range slices.Concat(paths, others.sorted()) {
		for q := p; q != ""; q = q[:max(0, strings.LastIndex(q, "."))] { // the module, where it is another, and those around it
			if targets[q] {
				continue
			}
			for _, s := range suffixes(q) {
				taken[s] = true
			}
		}
	}
	all := make([][]string, len(paths))
	for i, p := range paths {
		all[i] = suffixes(p)
	}
	slices.SortFunc(all, slices.Compare)
	chosen := names{}
	for _, s := range all {
		path := s[len(s)-1]
		covered := slices.ContainsFunc(s[:len(s)-1], func(x string) bool { return chosen[x] })
		if i := slices.IndexFunc(s, func(x string) bool { return !taken[x] }); !covered && i >= 0 {
			chosen[s[i]] = true
		} else if !covered {
			chosen[path] = true
		}
	}
	if len(chosen) >= len(paths) {
		return paths
	}
	return chosen.sorted()
}

// suffixes are the endings of a path at its dots, the shortest first.
func suffixes(path string) (out []string) {
	for i := len(path); i > 0; {
		i = strings.LastIndex(path[:i], ".")
		out = append(out, path[i+1:])
	}
	return out
}
