package peft

import (
	"fmt"

	"luthier/model"
	"luthier/model/safetensors"
)

// Merge folds trained tensors into the base weights and returns every tensor of the merged model, in the base's storage types unless
// dtype names another. sites are those of a build with the method; the sum is made in f32 on the base as stored. untied tells that the
// vocabulary head was tied to an embedding that now differs from it: the head is a tensor of its own in the merged model, and its config
// must say so.
func Merge(m Method, w *model.Weights, sites []model.Site, tensors []Tensor, dtype string) (out []safetensors.Out, untied bool, err error) {
	g, ok := m.(Merger)
	if !ok {
		return nil, false, fmt.Errorf("method %s does not merge into the base model", m.Name())
	}
	trained, changed, moved := map[string][]float32{}, map[string][]float32{}, map[string]bool{}
	for _, t := range tensors {
		if t.Base {
			changed[t.Name] = t.Values
		} else {
			trained[t.Name] = t.Values
		}
	}
	value := func(name string) ([]float32, bool) { x, ok := trained[name]; return x, ok }
	for _, s := range sites {
		if s.Weight == nil {
			continue
		}
		name := s.Path + ".weight"
		x, err := w.Values(name, s.Weight.Shape.Elems())
		if err != nil {
			return nil, false, err
		}
		x = append([]float32(nil), x...)
		hit, err := g.Merge(s, x, value)
		if err != nil {
			return nil, false, err
		}
		if hit {
			changed[name], moved[name] = x, true
		}
		if b, ok := trained[s.Path+".bias"]; ok && s.Bias != nil {
			changed[s.Path+".bias"] = b
		}
	}
	for name, x := range trained { // what no site holds: a head of its own, a tied head's bias, weights trained whole
		if Key(name) != name && changed[name] == nil {
			changed[name] = x
		}
	}
	if untied = unties(m, w, trained, moved); untied {
		if err := w.Untie(changed); err != nil {
			return nil, false, err
		}
	}
	out, err = w.Export(changed, dtype)
	return out, untied, err
}

// unties tells whether a vocabulary head that is tied to the word embedding differs from it after a merge.
func unties(m Method, w *model.Weights, trained map[string][]float32, moved map[string]bool) bool {
	table, head, tied := w.Twins()
	if !tied {
		return false
	}
	_, whole := trained[table]
	_, own := trained[head]
	p, ok := m.(model.Parter)
	return own || moved[table] && (!whole || ok && p.Parts(table, head))
}
