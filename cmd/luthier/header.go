package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"luthier/model"
)

// counts is PEFT's line of parameters.
type counts struct {
	Trainable int64   `json:"trainable_params"`
	All       int64   `json:"all_params"`
	Percent   float64 `json:"trainable_percent"`
}

func countsOf(d *drafted) counts {
	return counts{d.trainable, d.all(), 100 * float64(d.trainable) / float64(max(1, d.all()))}
}

func (c counts) String() string {
	return fmt.Sprintf("trainable params: %s || all params: %s || trainable%%: %.4f", thousands(c.Trainable), thousands(c.All), c.Percent)
}

// modelLine names a model and where it comes from.
func (j *job) modelLine() string {
	c := j.src.config
	return fmt.Sprintf("%s (%s, %d layers of %d, %d tokens in the vocabulary)", j.src.dir, c.ModelType, c.Layers, c.HiddenSize, c.Vocab)
}

// header prints what a run of training is.
func (a *app) header(j *job, s *trainSettings, d *drafted) {
	for _, name := range j.unmatched(s) {
		a.warn("%s matches no module of %s", name, j.src.dir)
	}
	if text := j.tagAdvice(); text != "" {
		a.warn("%s", text)
	}
	if text := j.classAdvice(); text != "" {
		a.warn("%s", text)
	}
	n := countsOf(d)
	if a.json {
		a.emit(map[string]any{"event": "header", "adapter": adapterJSON(j.dev.Info()), "model": j.src.dir, "model_type": j.src.config.ModelType,
			"task": j.task, "labels": j.labels, "method": j.method.Name(), "matched_modules": len(j.method.Matched()), "parameters": n,
			"max_length": j.length, "train": setJSON(j.train), "eval": setJSON(j.eval), "batch_size": s.batchSize,
			"effective_batch": s.batchSize * s.accumulate, "memory_bytes": d.plan.Total(), "memory": memoryTable(d.plan), "recipe": s.recipe,
			"seeds": map[string]uint64{"init": s.seeds.init.or(s.seed), "data": s.seeds.data.or(s.seed), "dropout": s.seeds.dropout.or(s.seed)}})
		return
	}
	a.say("adapter:  %s", describe(j.dev.Info()))
	a.say("model:    %s", j.modelLine())
	a.say("task:     %s%s, at most %d tokens", j.task, labelText(j.labels), j.length)
	if j.prompt != nil {
		a.say("prompt:   %s", j.prompt)
		if j.prompt.glued() {
			a.warn("the words follow the template without a blank: write --verbalizer ' WORD, WORD', or {mask} behind a blank")
		}
	}
	a.say("method:   %s, %d modules matched: %s", j.method.Name(), len(j.method.Matched()), kinds(j.method.Matched()))
	a.say("%s", n)
	if text := j.storageLine(s, d.shapes); text != "" {
		a.say("weights:  %s", text)
	}
	a.say("optim:    %s, lr %g, %s", a.choice.about(), s.lr, s.schedule)
	if s.recipe != "" {
		a.say("recipe:   %s", s.recipeLine())
	}
	if text := s.apart(); text != "" {
		a.say("seeds:    %s", text)
	}
	if fresh := j.src.weights.Started(); len(fresh) > 0 {
		a.say("fresh:    %s (not in the checkpoint)", strings.Join(fresh, ", "))
	}
	if j.train != nil {
		a.say("data:     %s", j.train.summary())
	}
	if j.eval != nil {
		a.say("eval:     %s", j.eval.summary())
	}
	a.say("batch:    %d x %d = %d sequences a step", s.batchSize, s.accumulate, s.batchSize*s.accumulate)
	title := "memory:"
	for line := range strings.Lines(d.plan.String()) {
		a.say("%-8s  %s", title, strings.TrimSpace(line))
		title = ""
	}
	if j.budget.bytes > 0 {
		a.say("          of %s (%s)", bytesText(j.budget.bytes), j.budget.from)
	}
	if j.train != nil && j.train.truncatedShare() > 0.2 {
		a.warn("%.0f %% of the sequences are cut at --max-length %d", 100*j.train.truncatedShare(), j.length)
	}
}

// classAdvice tells of labels that look like no classes: nearly as many as there are rows. They are numbers, or answers that a language
// model should write, or another column's.
func (j *job) classAdvice() string {
	if j.task != model.Classify || j.train == nil || len(j.labels) < 20 || 2*len(j.labels) < j.train.encoded.Rows {
		return ""
	}
	about := `if the labels are texts to write, a language model learns them from .jsonl with {"prompt", "completion"}`
	if _, err := strconv.ParseFloat(j.labels[0], 64); err == nil {
		about = "if the labels are numbers to learn, give --task regress; if they only describe texts to learn, --task clm"
	}
	return fmt.Sprintf("%d classes in %d rows: %s; if the labels stand in another column, --label-column", len(j.labels), j.train.encoded.Rows, about)
}

// unmatched lists the module names that the user gave and no module bears: the others are trained all the same.
func (j *job) unmatched(s *trainSettings) (out []string) {
	for _, flag := range []string{"target-modules", "modules-to-save"} {
		f := s.flags.Lookup(flag)
		if f == nil || strings.HasPrefix(f.Value.String(), "re:") {
			continue
		}
		for name := range strings.SplitSeq(f.Value.String(), ",") {
			bears := func(path string) bool { return path == name || strings.HasSuffix(path, "."+name) }
			if name != "" && !strings.HasPrefix(name, "all") && !slices.ContainsFunc(j.method.Matched(), bears) {
				out = append(out, fmt.Sprintf("--%s: %s", flag, name))
			}
		}
	}
	return out
}

func labelText(labels []string) string {
	switch {
	case len(labels) == 0:
		return ""
	case len(labels) > 6:
		return fmt.Sprintf(" (%d classes: %s, ...)", len(labels), strings.Join(labels[:6], ", "))
	}
	return fmt.Sprintf(" (%d classes: %s)", len(labels), strings.Join(labels, ", "))
}

// kinds counts module names by their last part, in order of appearance.
func kinds(paths []string) string {
	var order []string
	n := map[string]int{}
	for _, p := range paths {
		last := p[strings.LastIndex(p, ".")+1:]
		if last == "weight" || last == "bias" { // weights trained whole
			rest := strings.TrimSuffix(p, "."+last)
			last = rest[strings.LastIndex(rest, ".")+1:] + "." + last
		}
		if n[last]++; n[last] == 1 {
			order = append(order, last)
		}
	}
	for i, k := range order {
		order[i] = fmt.Sprintf("%d %s", n[k], k)
	}
	if len(order) > 12 {
		order = append(order[:12], "...")
	}
	return strings.Join(order, ", ")
}

func setJSON(d *dataset) any {
	if d == nil {
		return nil
	}
	return struct {
		Path     string `json:"path"`
		Rows     int    `json:"rows"`
		Tokens   int    `json:"tokens"`
		Cut      int    `json:"truncated"`
		Longest  int    `json:"longest"`
		Replaced int    `json:"invalid_utf8_replaced"`
	}{d.path, d.encoded.Rows, d.encoded.Tokens, d.encoded.Truncated, d.encoded.Longest, d.read.InvalidUTF8}
}

// typeOf is the PEFT name of a task for a model card's tags.
func typeOf(t model.Task) string {
	return map[model.Task]string{model.MaskedLM: "fill-mask", model.CausalLM: "text-generation", model.Classify: "text-classification", model.Regress: "text-classification",
		model.TokenClassify: "token-classification"}[t]
}
