package zeroth

import (
	"fmt"
	"iter"
	"math"
)

// Update is the rule by which the records of a step, and of those before it, become additions.
type Update struct {
	Rule   string  `json:"rule"` // plain, momentum, adam, curvature
	Beta1  float64 `json:"beta1,omitempty"`
	Beta2  float64 `json:"beta2,omitempty"`  // adam
	Eps    float64 `json:"eps,omitempty"`    // adam
	Window int     `json:"window,omitempty"` // steps, this one included, whose directions moments are made from
	Alpha  float64 `json:"alpha,omitempty"`  // curvature
}

// The rules.
const (
	Plain     = "plain"
	Momentum  = "momentum"
	Adam      = "adam"
	Curvature = "curvature" // HiZOO: a step has two records, the second of which is none of a direction: its G is the curvature seen
)

func (u *Update) check() error {
	switch {
	case u.Rule != Plain && u.Rule != Momentum && u.Rule != Adam && u.Rule != Curvature:
		return fmt.Errorf("update rule %q is not known: have %s, %s, %s, %s", u.Rule, Plain, Momentum, Adam, Curvature)
	case u.Rule == Plain:
		return nil
	case u.Rule == Curvature && !(u.Alpha >= 0 && u.Alpha < 1):
		return fmt.Errorf("update rule %s: alpha %g, want a number in [0, 1)", u.Rule, u.Alpha)
	case u.Rule == Curvature:
		return nil
	case u.Window < 1:
		return fmt.Errorf("update rule %s: window %d, want at least 1", u.Rule, u.Window)
	case !(u.Beta1 >= 0 && u.Beta1 < 1) || !(u.Beta2 >= 0 && u.Beta2 < 1) || !(u.Eps >= 0):
		return fmt.Errorf("update rule %s: beta1 %g, beta2 %g, eps %g: want betas in [0, 1), eps of at least 0", u.Rule, u.Beta1, u.Beta2, u.Eps)
	}
	return nil
}

// Steps cuts records into steps, each beside all that came before it.
func Steps(rs []Record) iter.Seq2[[]Record, []Record] {
	return func(yield func(past, now []Record) bool) {
		for i := 0; i < len(rs); {
			j := i + 1
			for j < len(rs) && rs[j].Step == rs[i].Step {
				j++
			}
			if !yield(rs[:i], rs[i:j]) {
				return
			}
			i = j
		}
	}
}

// Terms are the additions of a step, in order, from its records and those of all steps before it. A skipped step has none.
//
//	plain      w = w - lr g z for each direction
//	momentum   w = w - lr m, m = sum over k < window of beta1^k g z of k steps ago
//	adam       w = w - lr mhat / (sqrt(vhat) + eps), mhat likewise and v = the mean of g^2, one number since z^2 = 1 (Rademacher)
//	curvature  w = w - lr g z / sqrt(H), H = the product of (1 - alpha) + alpha c of all steps, one number since z^2 = 1
//
// Everything is float64, without fusing, and rounded once by Fold. Skipped steps do not count.
func (h *Header) Terms(past, now []Record) ([]Term, error) {
	if skipped(now) {
		return nil, nil
	}
	switch h.Update.Rule {
	case Momentum:
		return h.moment(past, now, 1, float64(now[0].LR))
	case Adam:
		return h.adam(past, now)
	case Curvature:
		return h.curved(past, now)
	}
	return h.weighted(nil, now, 1, float64(now[0].LR))
}

func skipped(now []Record) bool {
	for _, r := range now {
		if r.Skipped() {
			return true
		}
	}
	return len(now) == 0
}

// weighted appends the terms -(lr * (weight * g)) of one step's directions.
func (h *Header) weighted(out []Term, rs []Record, weight, lr float64) ([]Term, error) {
	for _, r := range rs {
		s := Fold(-(lr * float64(weight*float64(r.G))), h.Noise, h.Rank)
		if math.IsInf(float64(s), 0) || s != s {
			return nil, fmt.Errorf("step %d: g %g with a learning rate of %g is beyond f32", r.Step, r.G, lr)
		}
		t := Term{Seed: r.Seed, S: s, Noise: h.Noise}
		if h.Noise == LowRank {
			t.Right, t.Rank = RightSeed(h.Seed, r.Step, h.Period), h.Rank
		}
		out = append(out, t)
	}
	return out, nil
}

// moment is -(lr * (first * beta1^k * g)) for the directions of k steps ago, newest first.
func (h *Header) moment(past, now []Record, first, lr float64) (out []Term, err error) {
	weight := first
	for k := range h.Update.Window {
		if k > 0 {
			if past, now = before(past); len(now) == 0 {
				break
			}
			if weight *= h.Update.Beta1; weight == 0 {
				break
			}
		}
		if out, err = h.weighted(out, now, weight, lr); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// before cuts the last step that was not skipped off the records.
func before(rs []Record) (past, now []Record) {
	for end := len(rs); end > 0; {
		i := end - 1
		for i > 0 && rs[i-1].Step == rs[i].Step {
			i--
		}
		if now = rs[i:end]; !skipped(now) {
			return rs[:i], now
		}
		end = i
	}
	return nil, nil
}

func (h *Header) adam(past, now []Record) ([]Term, error) {
	if len(now) != 1 {
		return nil, fmt.Errorf("step %d: %d directions, adam takes one", now[0].Step, len(now))
	}
	u := &h.Update
	v, power1, power2, steps := 0.0, 1.0, 1.0, 0
	take := func(g float64) {
		v = float64(u.Beta2*v) + float64(float64(1-u.Beta2)*float64(g*g))
		power2 *= u.Beta2
		if steps++; steps <= u.Window {
			power1 *= u.Beta1
		}
	}
	for _, r := range past {
		if !r.Skipped() {
			take(float64(r.G))
		}
	}
	take(float64(now[0].G))
	step := math.Sqrt(v/(1-power2)) + u.Eps
	if step == 0 {
		return nil, nil // no g so far but 0
	}
	return h.moment(past, now, (1-u.Beta1)/(1-power1), float64(now[0].LR)/step)
}

// smallest is the smallest f32 that no adapter takes for 0.
const smallest = 0x1p-126

// Fold makes the scalar of an update of x times noise of variance 1 (low rank: of E[<Z, G> Z] = r G): x for Rademacher noise, x / sqrt(8)
// for Gaussian, x / rank for low rank. The latter two are rounded to 16 significant bits, to nearest with ties to even, so that the
// product with z is exact. What is below the normal range of f32 becomes 0, since adapters may do so.
func Fold(x float64, n Noise, rank int) float32 {
	if n == LowRank {
		return scalar(x/float64(max(1, rank)), n)
	}
	return Perturbation(x, n)
}

// Perturbation makes the scalar that a perturbation of size a takes: as Fold, but low-rank noise U V^T is not divided by its rank (LOZO,
// 2410.07698).
func Perturbation(a float64, n Noise) float32 {
	if n == Gaussian {
		a /= math.Sqrt(8)
	}
	return scalar(a, n)
}

func scalar(x float64, n Noise) float32 {
	if n == Gaussian || n == LowRank {
		m, e := math.Frexp(x)
		x = math.Ldexp(math.RoundToEven(m*(1<<16)), e-16)
	}
	if math.Abs(x) < smallest {
		return 0
	}
	return float32(x)
}
