package train

import (
	"luthier/data"
	"luthier/model"
)

// addWords is add for words: logits are [B*T, labels], and a word's class stands at its first token.
func (s *scored) addWords(e *Engine, b *data.Batch, logits []float32) {
	marks := e.marksEntities()
	for r := range b.Rows {
		p := Prediction{Line: b.Lines[r], order: orderOf(b, r)}
		var tags, truth []string
		for _, at := range wordsOf(b, r) {
			if at < 0 {
				p.Words = append(p.Words, Word{Class: -1})
				continue
			}
			row := r*b.T + int(at)
			x := softmax(logits[row*e.Labels : (row+1)*e.Labels])
			class := argmax(x)
			p.Words = append(p.Words, Word{class, x[class]})
			gold := b.Labels[row]
			if s.pred, s.gold = append(s.pred, int32(class)), append(s.gold, gold); gold != data.Ignore && marks {
				tags, truth = append(tags, e.Names[class]), append(truth, e.Names[gold])
			}
		}
		s.predictions = append(s.predictions, p)
		if len(tags) > 0 {
			s.tags, s.truth = append(s.tags, tags), append(s.truth, truth)
		}
	}
}

// wordsOf are the places of a row's words; of a batch without, the labelled tokens.
func wordsOf(b *data.Batch, r int) (at []int32) {
	if b.Words != nil {
		return b.Words[r]
	}
	for t, l := range b.Labels[r*b.T : (r+1)*b.T] {
		if l != data.Ignore {
			at = append(at, int32(t))
		}
	}
	return at
}

// wordMetrics are those of transformers' run_ner: seqeval's for entities, over words that have a tag and a place in their sequence.
func (s *scored) wordMetrics(m map[string]float64) {
	m["accuracy"] = data.Accuracy(s.pred, s.gold)
	if len(s.truth) > 0 {
		m["precision"], m["recall"], m["f1"] = data.EntityScores(s.tags, s.truth)
	}
}

// marksEntities tells whether the names of the classes are tags of entities.
func (e *Engine) marksEntities() bool { return len(e.Names) == e.Labels && data.MarksEntities(e.Names) }

// MetricNames lists what an evaluation of this engine measures: those of its task, without entities where no tags mark them.
func (e *Engine) MetricNames() []string {
	if e.Task == model.TokenClassify && !e.marksEntities() {
		return []string{"loss", "accuracy"}
	}
	return MetricNames(e.Task)
}
