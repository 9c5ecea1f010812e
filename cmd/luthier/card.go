package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"luthier/peft"
)

// card is the README.md of a run's output: what it is, how it was made, what was measured, and how to load it.
func (r *result) card() string {
	j, s := r.job, r.settings
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("---\n%s---\n", r.meta())
	what := "A model"
	if j.method.Config() != nil {
		what = "An adapter"
	}
	hub, _ := peft.HubName(j.src.dir)
	say("# %s\n\n%s of `%s`, fine-tuned by luthier %s with\n", baseName(s.out), what, cmp.Or(hub, j.src.dir), version)
	say("    %s\n", commandLine(s.flags))
	say("| setting | value |\n|---|---|")
	row := func(k string, v any) { say("| %s | %s |", k, strings.ReplaceAll(fmt.Sprint(v), "|", "\\|")) }
	row("task", fmt.Sprintf("%s%s", j.task, labelText(j.labels)))
	row("method", j.method.Name())
	row("parameters", strings.ReplaceAll(countsOf(r.drafted).String(), "||", ";"))
	row("training data", "`"+j.train.path+"`: "+j.train.encoded.String())
	if j.eval != nil {
		row("evaluation data", "`"+j.eval.path+"`: "+j.eval.encoded.String())
	}
	row("length", fmt.Sprintf("at most %d tokens", j.length))
	row("steps", fmt.Sprintf("%d of %d x %d sequences", s.total(j.loader), s.batchSize, s.accumulate))
	row("learning rate", fmt.Sprintf("%g, %s", s.lr, s.schedule))
	row("seed", s.seed)
	if text := s.apart(); text != "" {
		row("seeds apart", text)
	}
	if s.recipe != "" {
		row("recipe", s.recipeLine())
	}
	if text := j.storageLine(s, r.drafted.shapes); text != "" {
		row("weights", text)
	}
	row("trained on", describe(j.dev.Info()))
	say("\nAll settings stand in `%s`, the course of the run in `metrics.jsonl` and `loss.svg`.\n", configFile)
	if j.prompt != nil {
		say("The classes are words at a place in a prompt: %s.\n", j.prompt)
	}
	r.results(say)
	say("## Use\n\n```python\n%s```", r.usage())
	return b.String()
}

// results is the table of what was measured, of the weights that the card goes with where they were, else of the last time that some were.
func (r *result) results(say func(format string, args ...any)) {
	m, step, own := r.measured()
	if m == nil {
		return
	}
	say("## Results\n\nOn `%s`, %s:\n\n| metric | value |\n|---|---|", r.job.eval.path, map[bool]string{
		true: fmt.Sprintf("at step %d, whose weights these are", step), false: fmt.Sprintf("at step %d; training went on after it", step)}[own])
	for _, name := range metricNames(m) {
		say("| %s | %.4f |", metricTitle(r.job, name), m[name])
	}
	say("")
}

// measured is the evaluation at the step whose weights are written, or else the last one; nil where there was none.
func (r *result) measured() (metrics map[string]float64, step int, own bool) {
	for _, e := range slices.Backward(r.history) {
		m := map[string]float64{}
		for k, v := range e {
			name, ok := strings.CutPrefix(k, "eval_")
			if x, number := v.(float64); ok && number {
				m[name] = x
			}
		}
		at, _ := e["step"].(int)
		if len(m) > 0 && (at == r.step || metrics == nil) {
			metrics, step = m, at
		}
	}
	return metrics, step, metrics != nil && step == r.step
}

// metricNames are the names in order, the loss first.
func metricNames(m map[string]float64) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == "loss") != (b == "loss") {
			return map[bool]int{true: -1, false: 1}[a == "loss"]
		}
		return strings.Compare(a, b)
	})
	return names
}

// commandLine is the command with the settings that were given, in a config file or on the command line.
func commandLine(f *pflag.FlagSet) string {
	first := []string{"model", "data", "eval-data", "out", "task", "method", "optim"}
	var given []*pflag.Flag
	f.Visit(func(x *pflag.Flag) {
		if !notOfRun[x.Name] && noEffect[x.Name] == "" {
			given = append(given, x)
		}
	})
	place := func(x *pflag.Flag) int {
		if i := slices.Index(first, x.Name); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(given, func(a, b *pflag.Flag) int { return place(a) - place(b) })
	lines := []string{"luthier train"}
	for _, x := range given {
		part := "--" + x.Name + " " + shellWord(plainValue(x.Value))
		if x.Value.Type() == "bool" {
			part = strings.TrimSuffix("--"+x.Name+"="+x.Value.String(), "=true")
		}
		if last := &lines[len(lines)-1]; len(*last)+len(part) < 96 {
			*last += " " + part
		} else {
			lines = append(lines, "  "+part)
		}
	}
	return strings.Join(lines, " \\\n    ")
}

// plainValue is a flag's value as it would be given: pflag prints lists in brackets.
func plainValue(v pflag.Value) string {
	if s := v.String(); strings.HasSuffix(v.Type(), "Slice") {
		return strings.Trim(s, "[]")
	}
	return v.String()
}

// shellWord quotes what a shell would part or change.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,=+@%", r))
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func baseName(path string) string {
	path = strings.TrimRight(path, "/\\")
	return path[strings.LastIndexAny(path, "/\\")+1:]
}
