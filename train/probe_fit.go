package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/optimize"

	"luthier/data"
)

// Features are what enters a classification head, one row a labelled example, with the class of each.
type Features struct {
	Head    string    // module path of the head
	Bias    bool      // it has one
	Size    int       // columns: inputs of the head
	Outputs int       // classes that the head knows
	X       []float32 // [rows, Size]
	Classes []int32   // [rows], in [0, Outputs)
}

// Rows is the number of examples.
func (f *Features) Rows() int { return len(f.Classes) }

// Probe is a head fitted to features.
type Probe struct {
	Head      string
	Weight    []float32 // [Outputs, Size]
	Bias      []float32 // [Outputs], nil where the head has none
	Loss      float64   // mean cross-entropy on the features, without the penalty, of the head as rounded to float32
	Accuracy  float64   // share of the rows whose largest logit is that of their class; the first of equals counts
	Steps     int       // of L-BFGS
	Slope     float64   // largest element of the gradient where it ended
	Converged bool      // Slope is small: more steps would not change what the head says
}

const (
	probeSteps     = 2000
	probeTolerance = 1e-8 // stops the search
	probeEnough    = 1e-6 // counts as the optimum where rounding lets no step go lower
)

// FitProbe fits a linear classifier to features: multinomial logistic regression, which minimises the summed cross-entropy plus
// l2 / 2 times the squared norm of the weights (scikit-learn's objective times 1/C with l2 = 1/C; biases are free). A class without rows
// has its bias penalised too, since nothing else bounds it. l2 > 0 makes the optimum unique and finite, separable data included, so that
// the result does not depend on where the search starts. All in float64, in one fixed order of sums; the head is rounded at the end.
//
// It holds a float64 copy of the features. One class only is data.ErrOneClass.
func FitProbe(ctx context.Context, f *Features, l2 float64) (*Probe, error) {
	if err := f.check(l2); err != nil {
		return nil, err
	}
	p := newProbeProblem(f, l2)
	x := make([]float64, f.Outputs*(f.Size+1))
	r, err := optimize.Minimize(optimize.Problem{
		Func: func(x []float64) float64 { return p.at(x).value },
		Grad: func(grad, x []float64) { copy(grad, p.at(x).slope) },
		Status: func() (optimize.Status, error) {
			if ctx.Err() != nil {
				return optimize.Failure, ctx.Err()
			}
			return optimize.NotTerminated, nil
		},
	}, x, &optimize.Settings{GradientThreshold: probeTolerance, MajorIterations: probeSteps,
		Converger: &optimize.FunctionConverge{Relative: 1e-15, Iterations: 30}}, &optimize.LBFGS{Store: 20})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if r == nil { // a line search that finds nothing lower ends with an error and the best place so far; no place at all is a fault
		return nil, fmt.Errorf("linear probe of %s: %w", f.Head, err)
	}
	out := p.head(f, r.X)
	out.Steps, out.Slope = r.Stats.MajorIterations, largest(p.at(r.X).slope)
	out.Converged = out.Slope < probeEnough
	out.measure(f)
	return out, nil
}

func (f *Features) check(l2 float64) error {
	if !(l2 > 0) || math.IsInf(l2, 1) {
		return &OptionError{fmt.Errorf("--linear-probe-l2 %g: want a positive number: without a penalty separable data has no best head", l2)}
	}
	seen := make([]int, f.Outputs)
	for i, c := range f.Classes {
		if c < 0 || int(c) >= f.Outputs {
			return fmt.Errorf("linear probe of %s: row %d has class %d of %d", f.Head, i, c, f.Outputs)
		}
		seen[c]++
	}
	kinds := 0
	for _, n := range seen {
		kinds += min(n, 1)
	}
	switch {
	case len(f.X) != f.Rows()*f.Size:
		return fmt.Errorf("linear probe of %s: %d values for %d rows of %d", f.Head, len(f.X), f.Rows(), f.Size)
	case kinds == 0:
		return fmt.Errorf("linear probe of %s: %w: no row has a label; leave --linear-probe out", f.Head, data.ErrNoData)
	case kinds == 1:
		return fmt.Errorf("linear probe of %s: %w among the %d training rows; give rows of two, or leave --linear-probe out", f.Head, data.ErrOneClass, f.Rows())
	}
	return nil
}

// probeProblem is the objective over rows, divided by their number, in coordinates in which its curvature is about the same in every
// direction: features of a transformer differ by orders of magnitude, and L-BFGS is slow where they are taken as they are. With m the mean
// of a feature (zero where no bias can take it up) and s its scale, the logits are V ((x - m) / s) + c, so the head is W = V / s and
// b = c - W m. The unknowns are V, row-major [k, d], and then c [k].
type probeProblem struct {
	n, d, k int
	z       []float64 // [n, d]: (x - m) / s
	mean    []float64
	scale   []float64 // 1 / s
	class   []int32
	decay   []float64 // of each unknown: its share of the penalty
	free    bool      // there is a bias
	last    []float64 // where value and slope were taken
	value   float64
	slope   []float64
	probs   []float64 // [n, k]
}

func newProbeProblem(f *Features, l2 float64) *probeProblem {
	n, d, k := f.Rows(), f.Size, f.Outputs
	p := &probeProblem{n: n, d: d, k: k, class: f.Classes, free: f.Bias, z: make([]float64, n*d), mean: make([]float64, d), scale: make([]float64, d),
		decay: make([]float64, k*(d+1)), slope: make([]float64, k*(d+1)), probs: make([]float64, n*k)}
	l2 /= float64(n)
	p.standardise(f, l2)
	for c := range k {
		for j := range d {
			p.decay[c*d+j] = l2 * p.scale[j] * p.scale[j]
		}
		p.decay[k*d+c] = l2
	}
	for _, c := range f.Classes {
		p.decay[k*d+int(c)] = 0
	}
	return p
}

// standardise fills mean, scale and z.
func (p *probeProblem) standardise(f *Features, l2 float64) {
	square := make([]float64, p.d)
	if f.Bias {
		for i, v := range f.X {
			p.mean[i%p.d] += float64(v) / float64(p.n)
		}
	}
	for i, v := range f.X {
		p.z[i] = float64(v) - p.mean[i%p.d]
		square[i%p.d] += p.z[i] * p.z[i] / float64(p.n)
	}
	most := 1 / float64(p.k) * (1 - 1/float64(p.k)) // curvature of the cross-entropy at equal probabilities
	for j, v := range square {
		p.scale[j] = 1 / math.Sqrt(most*v+l2)
	}
	for i := range p.z {
		p.z[i] *= p.scale[i%p.d]
	}
}

// at takes value and slope at x, once a place.
func (p *probeProblem) at(x []float64) *probeProblem {
	if slices.Equal(p.last, x) {
		return p
	}
	p.last = append(p.last[:0], x...)
	v, c := blas64.General{Rows: p.k, Cols: p.d, Stride: p.d, Data: x[:p.k*p.d]}, x[p.k*p.d:]
	z := blas64.General{Rows: p.n, Cols: p.d, Stride: p.d, Data: p.z}
	probs := blas64.General{Rows: p.n, Cols: p.k, Stride: p.k, Data: p.probs}
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, z, v, 0, probs)
	for i := range p.slope {
		p.slope[i] = 0
	}
	loss := 0.0
	for r := range p.n {
		row := p.probs[r*p.k : (r+1)*p.k]
		for j := range row {
			row[j] += c[j]
		}
		loss += crossEntropy(row, int(p.class[r]))
		row[p.class[r]]-- // now the gradient by the logits
		if p.free {
			for j, g := range row {
				p.slope[p.k*p.d+j] += g / float64(p.n)
			}
		}
	}
	blas64.Gemm(blas.Trans, blas.NoTrans, 1/float64(p.n), probs, z, 0, blas64.General{Rows: p.k, Cols: p.d, Stride: p.d, Data: p.slope[:p.k*p.d]})
	p.value = loss / float64(p.n)
	for i, w := range p.decay {
		p.value += w / 2 * x[i] * x[i]
		p.slope[i] += w * x[i]
	}
	return p
}

// crossEntropy turns logits into probabilities in place and returns the cross-entropy of class c.
func crossEntropy(row []float64, c int) float64 {
	top := row[0]
	for _, v := range row {
		top = math.Max(top, v)
	}
	own, sum := row[c]-top, 0.0
	for j, v := range row {
		row[j] = math.Exp(v - top)
		sum += row[j]
	}
	for j := range row {
		row[j] /= sum
	}
	return math.Log(sum) - own
}

// head is the solution in the coordinates of the model.
func (p *probeProblem) head(f *Features, x []float64) *Probe {
	out := &Probe{Head: f.Head, Weight: make([]float32, p.k*p.d)}
	if f.Bias {
		out.Bias = make([]float32, p.k)
	}
	for c := range p.k {
		b := x[p.k*p.d+c]
		for j := range p.d {
			w := x[c*p.d+j] * p.scale[j]
			b -= w * p.mean[j]
			out.Weight[c*p.d+j] = float32(w)
		}
		if f.Bias {
			out.Bias[c] = float32(b)
		}
	}
	return out
}

// measure fills loss and accuracy.
func (p *Probe) measure(f *Features) {
	loss, hits := 0.0, 0
	row := make([]float64, f.Outputs)
	for r, class := range f.Classes {
		x := f.X[r*f.Size : (r+1)*f.Size]
		best := 0
		for c := range row {
			row[c] = 0
			if p.Bias != nil {
				row[c] = float64(p.Bias[c])
			}
			for j, v := range p.Weight[c*f.Size : (c+1)*f.Size] {
				row[c] += float64(v) * float64(x[j])
			}
			if row[c] > row[best] {
				best = c
			}
		}
		if best == int(class) {
			hits++
		}
		loss += crossEntropy(row, int(class))
	}
	p.Loss, p.Accuracy = loss/float64(f.Rows()), float64(hits)/float64(f.Rows())
}

func largest(x []float64) float64 {
	m := 0.0
	for _, v := range x {
		m = math.Max(m, math.Abs(v))
	}
	return m
}
