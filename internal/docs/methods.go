package docs

import (
	"strings"

	"luthier/optim"
	"luthier/peft"
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
	b.WriteString("\n## Schedules\n\n`--schedule` is one of " + list(optim.Schedules) +
		". Each begins with the warm-up, where there is one:\nfrom 0 to the peak in equal steps. Then constant stays at the peak, and linear and cosine go to 0 at the last step.\n")
	return b.String()
}
