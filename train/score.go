package train

import (
	"math"
	"slices"

	"luthier/data"
)

// Scores turns the losses of a prompted batch's scored ids, [B, Prompted.Scores], into scores [b.Rows][options]: the mean log-probability of
// each option's ids. Their softmax is the distribution over the options, and the highest is the model's answer.
func Scores(b *data.Batch, rows []float32) [][]float64 {
	p := b.Prompted
	out := make([][]float64, b.Rows)
	for r := range out {
		out[r] = make([]float64, p.Options)
		for o := range out[r] {
			if p.Sequences == 1 { // all options stand at one mask
				out[r][o] = -float64(rows[r*p.Scores+o])
				continue
			}
			from := (r*p.Sequences + o) * p.Scores
			sum, n := 0.0, 0
			for k := from; k < from+p.Scores; k++ {
				if p.IDs[k] != data.Ignore {
					sum, n = sum-float64(rows[k]), n+1
				}
			}
			out[r][o] = sum / float64(n)
		}
	}
	return out
}

// ScoreLoss is the softmax cross-entropy of scores, summed over the rows of the batch that have a class.
func ScoreLoss(b *data.Batch, scores [][]float64) float64 {
	sum := 0.0
	for r, s := range scores {
		if c := b.Classes[r]; c != data.Ignore {
			top, total := slices.Max(s), 0.0
			for _, v := range s {
				total += math.Exp(v - top)
			}
			sum += top + math.Log(total) - s[c]
		}
	}
	return sum
}

// ScoreLogits are scores as a classifier's logits, [b.Rows, options].
func ScoreLogits(scores [][]float64) []float32 {
	var out []float32
	for _, s := range scores {
		for _, v := range s {
			out = append(out, float32(v))
		}
	}
	return out
}

// scoreRows are the token rows b*T + t of a batch's scored ids.
func scoreRows(b *data.Batch) []int32 {
	out := make([]int32, len(b.Prompted.At))
	for i, t := range b.Prompted.At {
		out[i] = int32(i/b.Prompted.Scores*b.T) + t
	}
	return out
}

// batchLoss is the summed loss of what a forward program measured on a batch. Of prompted rows it also fills in the logits.
func (m *Measured) batchLoss() float64 {
	if m.Batch.Prompted != nil {
		scores := Scores(m.Batch, m.Rows)
		m.Logits = ScoreLogits(scores)
		return ScoreLoss(m.Batch, scores)
	}
	sum := 0.0
	for _, v := range m.Rows {
		sum += float64(v)
	}
	return sum
}
