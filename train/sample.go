package train

import (
	"math"
	"math/rand/v2"
	"sort"
)

// Sampler chooses the next token from logits, as transformers' generate does: temperature, then top-k, then top-p (Holtzman et al. 2020).
type Sampler struct {
	Temperature float64 // 0 is greedy
	TopK        int     // 0 for all
	TopP        float64 // 0 or 1 for all
	rng         *rand.Rand
}

// NewSampler seeds a sampler.
func NewSampler(temperature float64, topK int, topP float64, seed uint64) *Sampler {
	return &Sampler{temperature, topK, topP, rand.New(rand.NewPCG(seed, 0x73616d706c65))}
}

// Pick chooses a token; of equal logits the lower id.
func (s *Sampler) Pick(logits []float32) int32 {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	if s.Temperature == 0 {
		return int32(best)
	}
	order := make([]int, len(logits))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return logits[order[a]] > logits[order[b]] })
	if s.TopK > 0 && s.TopK < len(order) {
		order = order[:s.TopK]
	}
	p := make([]float64, len(order))
	sum := 0.0
	for i, id := range order {
		p[i] = math.Exp(float64(logits[id]-logits[best]) / s.Temperature)
		sum += p[i]
	}
	if s.TopP > 0 && s.TopP < 1 {
		keep, acc := 0, 0.0
		for keep < len(p) && acc < s.TopP*sum {
			acc += p[keep]
			keep++
		}
		p, sum = p[:keep], acc
	}
	u := s.rng.Float64() * sum
	for i, w := range p {
		if u -= w; u < 0 {
			return int32(order[i])
		}
	}
	return int32(order[len(p)-1])
}
