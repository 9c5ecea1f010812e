package train

import (
	"cmp"
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
	tags, truth [][]string // of each sentence
	hits, hid   int        // hidden tokens named right, and all
}

func (s *scored) add(e *Engine, b *data.Batch, logits []float32) {
	if e.Task == model.TokenClassify {
		s.addWords(e, b, logits)
		return
	}
	if e.Task == model.MaskedLM {
		for _, v := range logits[:b.B*cmp.Or(e.masked(b.T), b.T)] {
			s.hits += int(v)
		}
		s.hid += b.LossTokens
		return
	}
	n := max(1, e.Labels)
	if e.Task == model.Regress {
		n = 1
	}
	for r := range b.Rows {
		p := Prediction{Line: b.Lines[r], order: orderOf(b, r)}
		if e.Task == model.Regress {
			p.Value = float64(logits[r])
			s.value, s.goal = append(s.value, p.Value), append(s.goal, float64(b.Targets[r]))
		} else {
			p.Probabilities = softmax(logits[r*n : (r+1)*n])
			p.Class = argmax(p.Probabilities)
			s.pred, s.gold = append(s.pred, int32(p.Class)), append(s.gold, b.Classes[r])
		}
		s.predictions = append(s.predictions, p)
	}
}

// sorted is by the loader's sequences, whose lines need not differ: a JSON array may stand on one.
func (s *scored) sorted() []Prediction {
	slices.SortStableFunc(s.predictions, func(a, b Prediction) int { return a.order - b.order })
	return s.predictions
}

// orderOf is the place of a row's sequence in the file, or its line where there was no loader.
func orderOf(b *data.Batch, r int) int {
	if b.Order == nil {
		return b.Lines[r]
	}
	return b.Order[r]
}

func argmax(x []float64) int {
	at := 0
	for i, v := range x {
		if v > x[at] {
			at = i
		}
	}
	return at
}

// metrics leaves out what is not finite: a perplexity beyond float64, a correlation of one row. Entities want tags that mark them.
func (s *scored) metrics(task model.Task, labels int, loss float64) map[string]float64 {
	m := map[string]float64{"loss": loss}
	switch task {
	case model.CausalLM:
		m["perplexity"] = math.Exp(loss)
	case model.MaskedLM:
		m["perplexity"] = math.Exp(loss)
		m["accuracy"] = float64(s.hits) / float64(s.hid)
	case model.Classify, model.Score:
		m["accuracy"] = data.Accuracy(s.pred, s.gold)
		m["f1"] = data.F1(s.pred, s.gold, labels)
		m["matthews_correlation"] = data.Matthews(s.pred, s.gold, labels)
	case model.TokenClassify:
		s.wordMetrics(m)
	case model.Regress:
		m["mse"] = squaredError(s.value, s.goal)
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
	case model.TokenClassify:
		return []string{"loss", "precision", "recall", "f1", "accuracy"}
	case model.Regress:
		return []string{"loss", "mse", "pearson", "spearmanr"}
	case model.MaskedLM:
		return []string{"loss", "perplexity", "accuracy"}
	}
	return []string{"loss", "perplexity"}
}

// GreaterIsBetter tells whether a larger value of the metric is better, where the user did not say.
func GreaterIsBetter(metric string) bool {
	m := metricName(metric)
	return m != "loss" && m != "perplexity" && m != "mse"
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

// squaredError is the mean of the squared differences; the loss is the same, summed in float32.
func squaredError(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i])
	}
	return sum / float64(len(x))
}
