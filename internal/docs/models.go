package docs

import (
	"strings"

	"luthier/model"
)

// tasks in the order of the tables.
var tasks = []struct {
	task model.Task
	what string
}{
	{model.CausalLM, "causal language model: the next token"},
	{model.MaskedLM, "masked language model: hidden tokens, drawn anew each epoch"},
	{model.Classify, "classification of a text or of a pair of texts"},
	{model.Regress, "a number for a text or for a pair of texts"},
	{model.TokenClassify, "a class for each word of a text: named entities and the like"},
}

// modelTable is the short table of architectures.
func modelTable() string {
	var rows [][]string
	for _, name := range model.Types() {
		s, _ := model.SpecOf(name)
		rows = append(rows, []string{code(name), list(tasksOf(s)), list(s.Targets), yes(s.Decoder)})
	}
	return table([]string{"`model_type`", "`--task`", "LoRA's default targets", "generates"}, rows)
}

// tasksOf lists the tasks that the command line takes.
func tasksOf(s model.Spec) []string {
	var out []string
	for _, t := range tasks {
		if _, ok := s.Classes[t.task]; ok {
			out = append(out, string(t.task))
		}
	}
	return out
}

// models is docs/models.md.
func models() string {
	var b strings.Builder
	b.WriteString(notice + "# Models\n\nA model is a directory as Hugging Face has it: config.json, model.safetensors (or shards with an index) in F32, F16 or\n" +
		"BF16, and tokenizer.json (or a SentencePiece tokenizer.model). The `model_type` of config.json decides; another type is\nrefused with the list of those that there are.\n\n## Tasks\n\n")
	var rows [][]string
	for _, t := range tasks {
		kind := "-"
		if p := t.task.PEFTType(); p != "" {
			kind = code(p)
		}
		rows = append(rows, []string{code(string(t.task)), t.what, kind})
	}
	b.WriteString(table([]string{"`--task`", "what is learnt", "PEFT's `task_type`"}, rows))
	for _, name := range model.Types() {
		s, _ := model.SpecOf(name)
		b.WriteString("\n## " + name + "\n\n")
		rows = nil
		for _, t := range tasks {
			if class, ok := s.Classes[t.task]; ok {
				rows = append(rows, []string{code(string(t.task)), code(class)})
			}
		}
		b.WriteString(table([]string{"`--task`", "transformers' class"}, rows) + "\n")
		b.WriteString("- LoRA's default targets, PEFT's own: " + list(s.Targets) + "\n")
		b.WriteString("- modules that a checkpoint may lack, which then start fresh: " + list(s.Heads) + "\n")
		b.WriteString("- word embedding " + code(s.Table) + ", vocabulary head " + code(s.HeadWeight) + " (or tied to the embedding)\n")
		b.WriteString("- generates text: " + yes(s.Decoder) + "\n")
	}
	return b.String()
}
