package peft

import (
	"slices"

	"luthier/model"
)

// Of an embedding and the head tied to it, trained as one weight, PEFT's file has both (ensure_weight_tying).

// withTwin adds the head.
func (l *LoRA) withTwin(ts []Tensor) []Tensor {
	if !l.EnsureTying || l.table == "" || !l.headed() {
		return ts
	}
	for _, t := range ts {
		if t.Name == l.table {
			t.Name = l.head
			return append(slices.Clip(ts), t)
		}
	}
	return ts
}

// withoutTwin leaves the head out where it is the embedding.
func withoutTwin(ts []Tensor) []Tensor {
	of := map[string]Tensor{}
	for _, t := range ts {
		of[t.Name] = t
	}
	for _, name := range model.Types() {
		spec, _ := model.SpecOf(name)
		table, ok := of[spec.Table]
		if head, both := of[spec.HeadWeight]; ok && both && slices.Equal(table.Values, head.Values) {
			return slices.DeleteFunc(ts, func(t Tensor) bool { return t.Name == spec.HeadWeight })
		}
	}
	return ts
}
