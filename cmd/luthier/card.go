package main

import (
	"fmt"
	"strings"

	"luthier/model"
)

// card is the README.md of a run's output, with the front matter that Hugging Face's hub reads.
func (r *result) card() string {
	j, s := r.job, r.settings
	var b strings.Builder
	adapter := j.method.Config() != nil
	library := "transformers"
	if adapter {
		library = "peft"
	}
	fmt.Fprintf(&b, "---\nbase_model: %q\nlibrary_name: %s\n", j.src.dir, library)
	if t := typeOf(j.head()); t != "" {
		fmt.Fprintf(&b, "pipeline_tag: %s\n", t)
	}
	fmt.Fprintf(&b, "tags:\n- luthier\n- %s\n---\n\n", j.method.Name())
	what := "A model"
	if adapter {
		what = "An adapter"
	}
	fmt.Fprintf(&b, "# %s\n\n%s of `%s`, fine-tuned by luthier %s.\n\n", baseName(s.out), what, j.src.dir, version)
	fmt.Fprintf(&b, "| setting | value |\n|---|---|\n")
	row := func(k string, v any) { fmt.Fprintf(&b, "| %s | %v |\n", k, v) }
	row("task", fmt.Sprintf("%s%s", j.task, labelText(j.labels)))
	row("method", j.method.Name())
	row("parameters", strings.ReplaceAll(countsOf(r.drafted).String(), "||", ";"))
	row("training data", "`"+j.train.path+"`: "+j.train.encoded.String())
	row("length", fmt.Sprintf("at most %d tokens", j.length))
	row("steps", fmt.Sprintf("%d of %d x %d sequences", s.total(j.loader), s.batchSize, s.accumulate))
	row("learning rate", fmt.Sprintf("%g, %s", s.lr, s.schedule))
	row("seed", s.seed)
	row("trained on", describe(j.dev.Info()))
	fmt.Fprintf(&b, "\nThe settings stand in `%s`, the course of the run in `metrics.jsonl` and `loss.svg`.\n\n", configFile)
	if j.prompt != nil {
		fmt.Fprintf(&b, "The classes are words at a place in a prompt: %s.\n\n", j.prompt)
	}
	if adapter && j.head() == model.MaskedLM { // PEFT has no class of that name
		fmt.Fprintf(&b, "```python\nfrom peft import PeftModel\nfrom transformers import AutoModelForMaskedLM\n"+
			"model = PeftModel.from_pretrained(AutoModelForMaskedLM.from_pretrained(%q), %q)\n```\n", j.src.dir, s.out)
		return b.String()
	}
	if adapter {
		fmt.Fprintf(&b, "```python\nfrom peft import %s\nmodel = %s.from_pretrained(%q)\n```\n", autoClass(j), autoClass(j), s.out)
		return b.String()
	}
	class := strings.Replace(autoClass(j), "AutoPeftModel", "AutoModel", 1)
	fmt.Fprintf(&b, "```python\nfrom transformers import %s\nmodel = %s.from_pretrained(%q)\n```\n", class, class, s.out)
	return b.String()
}

func autoClass(j *job) string {
	switch j.head() {
	case model.CausalLM:
		return "AutoPeftModelForCausalLM"
	case model.MaskedLM:
		return "AutoPeftModelForMaskedLM"
	}
	return "AutoPeftModelForSequenceClassification"
}

func baseName(path string) string {
	path = strings.TrimRight(path, "/\\")
	return path[strings.LastIndexAny(path, "/\\")+1:]
}
