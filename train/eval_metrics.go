package train

import (
	"math"
	"slices"
	"strings"

	"luthier/data"
	"luthier/model"
)

// scored collects predictions beside what the data says.
type scored struct {
	predictions []Prediction
	pred, gold  []int32
	value, goal []float64
}

func (s *scored) add(e *Engine, b *data.Batch, logits []float32) {
	n := max(1, e.Labels)
	if e.Task == model.Regress {
		n = 1
	}
	for r := range b.Rows {
		p := Prediction{Line: b.Lines[r]}
		if e.Task == model.Regress {
			p.Value = float64(logits[r])
			s.value, s.goal = append(s.value, p.Value), append(s.goal, float64(b.Targets[r]))
		} else {
			p.Probabilities = softmax(logits[r*n : (r+1)*n])
			for c, v := range p.Probabilities {
				if v > p.Probabilities[p.Class] {
					p.Class = c
				}
			}
			s.pred, s.gold = append(s.pred, int32(p.Class)), append(s.gold, b.Classes[r])
		}
		s.predictions = append(s.predictions, p)
	}
}

func (s *scored) sorted() []Prediction {
	slices.SortStableFunc(s.predictions, func(a, b Prediction) int { return a.Line - b.Line })
	return s.predictions
}

// metrics leaves out what is not finite: a perplexity beyond float64, a correlation of one row.
func (s *scored) metrics(task model.Task, labels int, loss float64) map[string]float64 {
	m := map[string]float64{"loss": loss}
	switch task {
	case model.CausalLM, model.MaskedLM:
		m["perplexity"] = math.Exp(loss)
	case model.Classify, model.Score:
		m["accuracy"] = data.Accuracy(s.pred, s.gold)
		m["f1"] = data.F1(s.pred, s.gold, labels)
		m["matthews_correlation"] = data.Matthews(s.pred, s.gold, labels)
	case model.Regress:
		m["pearson"] = data.Pearson(s.value, s.goal)
		m["spearmanr"] = data.Spearman(s.value, s.goal)
	}
	for k, v := range m {
		if !finite(v) {
			delete(m, k)
		}
	}
	return m
}

// MetricNames lists what an evaluation of the task measures, by the names that Hugging Face's GLUE metrics have.
func MetricNames(task model.Task) []string {
	switch task {
	case model.Classify, model.Score:
		return []string{"loss", "accuracy", "f1", "matthews_correlation"}
	case model.Regress:
		return []string{"loss", "pearson", "spearmanr"}
	}
	return []string{"loss", "perplexity"}
}

// GreaterIsBetter tells whether a larger value of the metric is better, where the user did not say.
func GreaterIsBetter(metric string) bool {
	m := metricName(metric)
	return m != "loss" && m != "perplexity"
}

// metricName takes transformers' "eval_" off; no name is the loss.
func metricName(s string) string {
	if s = strings.TrimPrefix(s, "eval_"); s == "" {
		return "loss"
	}
	return s
}

func softmax(x []float32) []float64 {
	top := slices.Max(x)
	out, sum := make([]float64, len(x)), 0.0
	for i, v := range x {
		out[i] = math.Exp(float64(v) - float64(top))
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}
