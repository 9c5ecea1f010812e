package main

import (
	"fmt"
	"strings"

	"luthier/model"
	"luthier/peft"
)

// usage is Python code that loads what was written and asks it something.
func (r *result) usage() string {
	j, out := r.job, r.settings.out
	class, labels := autoClass(j), ""
	if n := j.classes(); j.head() != model.CausalLM && j.head() != model.MaskedLM {
		labels = fmt.Sprintf(", num_labels=%d", n) // the base model's config does not know them
	}
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	switch {
	case j.method.Config() == nil:
		say("from transformers import %s, AutoTokenizer\n", class)
		say("model = %s.from_pretrained(%q)", class, out)
	case j.head() == model.MaskedLM: // PEFT has no class of that name
		say("from peft import PeftModel\nfrom transformers import %s, AutoTokenizer\n", class)
		base := fmt.Sprintf("%q", j.src.dir)
		if hub, revision := peft.HubName(j.src.dir); hub != "" {
			base = fmt.Sprintf("%q, revision=%q", hub, revision)
		}
		say("model = PeftModel.from_pretrained(%s.from_pretrained(%s), %q)", class, base, out)
	default:
		auto := strings.Replace(class, "Auto", "AutoPeft", 1)
		say("from peft import %s\nfrom transformers import AutoTokenizer\n", auto)
		say("model = %s.from_pretrained(%q%s)", auto, out, labels)
		if id := j.pad(); id != nil {
			say("model.config.pad_token_id = %d  # the base model names none, and its head reads the last token that is not this one", *id)
		}
	}
	say("tokenizer = AutoTokenizer.from_pretrained(%q)", out)
	switch {
	case j.task == model.CausalLM:
		say("inputs = tokenizer(\"Once upon a time\", return_tensors=\"pt\")")
		say("print(tokenizer.decode(model.generate(**inputs, max_new_tokens=40)[0]))")
	case j.task == model.Regress:
		say("print(model(**tokenizer(\"a text\", return_tensors=\"pt\")).logits.item())")
	case j.task == model.Classify:
		say("labels = %s", pythonList(j.labels))
		say("print(labels[model(**tokenizer(\"a text\", return_tensors=\"pt\")).logits.argmax(-1).item()])")
	case j.task == model.TokenClassify:
		say("labels = %s", pythonList(j.labels))
		say("print([labels[i] for i in model(**tokenizer(\"a text\", return_tensors=\"pt\")).logits.argmax(-1)[0]])")
	}
	return b.String()
}

// autoClass is transformers' class for the head.
func autoClass(j *job) string {
	switch j.head() {
	case model.CausalLM:
		return "AutoModelForCausalLM"
	case model.MaskedLM:
		return "AutoModelForMaskedLM"
	case model.TokenClassify:
		return "AutoModelForTokenClassification"
	}
	return "AutoModelForSequenceClassification"
}

func pythonList(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
