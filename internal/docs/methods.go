package docs

import (
	"strings"

	"luthier/optim"
	"luthier/peft"
	"luthier/zeroth"
)

// methodTable is the short table of methods.
func methodTable() string {
	var rows [][]string
	for _, name := range peft.Names() {
		s, _ := peft.SpecOf(name)
		rows = append(rows, []string{code(name), s.About, s.Paper})
	}
	return table([]string{"`--method`", "what is trained", "paper"}, rows)
}

// methods is docs/methods.md.
func methods() string {
	var b strings.Builder
	b.WriteString(notice + "# Methods, optimizers, schedules\n\n" +
		"What `luthier methods` prints, with every setting. A name in kebab case answers in snake case too (`--lora_r`).\n\n" +
		"## Methods\n\n")
	var rows [][]string
	for _, name := range peft.Names() {
		s, _ := peft.SpecOf(name)
		_, merges := s.New().(peft.Merger)
		kind := "-"
		if s.Type != "" {
			kind = code(s.Type)
		}
		rows = append(rows, []string{code(name), s.About, kind, yes(merges), s.Paper})
	}
	b.WriteString(table([]string{"`--method`", "what is trained", "PEFT's `peft_type`", "merges", "paper"}, rows))
	for _, name := range peft.Names() {
		s, _ := peft.SpecOf(name)
		b.WriteString("\n### " + name + "\n\n" + flags(s.New().Flags))
	}
	b.WriteString("\n## Optimizers\n")
	for _, name := range optim.Names() {
		o, _ := optim.New(name)
		b.WriteString("\n### " + name + "\n\n" + flags(o.Flags))
	}
	b.WriteString(variants())
	b.WriteString("\n## Schedules\n\n`--schedule` is one of " + list(optim.Schedules) +
		". Each begins with the warm-up, where there is one:\nfrom 0 to the peak in equal steps. Then constant stays at the peak, and linear and cosine go to 0 at the last step." +
		" `constant_with_warmup`\nis `constant`: transformers' own `constant` leaves a warm-up out, and a note tells so.\n")
	b.WriteString(recipes())
	return b.String()
}

// recipes is the part of docs/methods.md on --recipe.
func recipes() string {
	var rows [][]string
	for _, name := range optim.Recipes() {
		r, _ := optim.RecipeOf(name)
		var all []string
		for _, s := range r.Settings {
			all = append(all, s.Name+" "+s.Value)
		}
		rows = append(rows, []string{code(name), r.About, list(all), r.Paper})
	}
	return "\n## Recipes\n\n`--recipe` sets defaults; what is given on the command line or in `--config` wins. The run's header says which are in force.\n\n" +
		table([]string{"`--recipe`", "for", "settings", "paper"}, rows)
}

// variantTable is the short table of optimizers without gradients.
func variantTable() string {
	var rows [][]string
	for _, name := range zeroth.Variants() {
		v, _ := zeroth.VariantOf(name)
		rows = append(rows, []string{code(name), v.About, v.Paper})
	}
	return table([]string{"`--optim`", "what it does", "paper"}, rows)
}

// variants is the part of docs/methods.md on training without gradients.
func variants() string {
	var b strings.Builder
	b.WriteString("\n## Optimizers without gradients\n\nForward passes only: see [replay-log.md](replay-log.md) for what a run writes down, [prompts.md](prompts.md) for prompts.\n\n" +
		variantTable())
	for _, name := range zeroth.Variants() {
		o, err := zeroth.Defaults(name)
		if err != nil {
			continue // a name of the registry has defaults
		}
		b.WriteString("\n### " + name + "\n\n" + flags(o.Flags))
	}
	return b.String()
}
