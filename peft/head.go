package peft

import "luthier/model"

// KeepHead has a method of few parameters train the parts of a head that the checkpoint lacks, beside the last layer, which is always
// trained: they start random, and would be random again, and not the same, when the adapter is loaded. It goes between Setup and the build.
func KeepHead(m Method, c *model.Config, w *model.Weights, task model.Task) {
	s, ok := m.(interface{ SaveHead(paths []string) })
	spec, known := model.SpecOf(c.ModelType)
	if !ok || !known {
		return
	}
	paths := map[model.Task][]string{model.MaskedLM: spec.MaskedHead, model.Classify: spec.Pooler, model.Regress: spec.Pooler}[task]
	for _, path := range paths {
		if !w.FromFile(path + ".weight") {
			s.SaveHead([]string{path})
		}
	}
}

// SaveHead has the modules at these paths trained whole and kept in the adapter, as modules_to_save are.
func (l *LoRA) SaveHead(paths []string) {
	for _, p := range paths {
		if !endsIn(p, l.Save) {
			l.Save = append(l.Save, p)
		}
	}
}
