package data

import (
	"math"
	"slices"
)

// Accuracy is the share of pred equal to gold; rows with gold Ignore do not
// count. NaN where no row counts or the lengths differ.
func Accuracy(pred, gold []int32) float64 {
	if len(pred) != len(gold) {
		return math.NaN()
	}
	right, n := 0, 0
	for i, g := range gold {
		if g == Ignore {
			continue
		}
		n++
		if pred[i] == g {
			right++
		}
	}
	return float64(right) / float64(n)
}

// F1 is the harmonic mean of precision and recall: of class 1 where there are
// two classes, else the plain mean over all classes (macro). A class that is
// neither predicted nor there scores 0, as in scikit-learn.
func F1(pred, gold []int32, classes int) float64 {
	c, ok := countClasses(pred, gold, classes)
	if !ok {
		return math.NaN()
	}
	if classes == 2 {
		return c[1].f1()
	}
	sum := 0.0
	for _, k := range c {
		sum += k.f1()
	}
	return sum / float64(classes)
}

// Matthews is the correlation of predicted and true classes, in Gorodkin's form
// for any number of classes; 0 where either side is constant.
func Matthews(pred, gold []int32, classes int) float64 {
	c, ok := countClasses(pred, gold, classes)
	if !ok {
		return math.NaN()
	}
	var right, total, cross, pp, tt float64
	for _, k := range c {
		right += k.right
		total += k.gold
		cross += k.pred * k.gold
		pp += k.pred * k.pred
		tt += k.gold * k.gold
	}
	den := math.Sqrt((total*total - pp) * (total*total - tt))
	if den == 0 {
		return 0
	}
	return (right*total - cross) / den
}

// classCount says how often a class is predicted, true, and both.
type classCount struct{ pred, gold, right float64 }

func (k classCount) f1() float64 {
	if k.right == 0 {
		return 0
	}
	return 2 * k.right / (k.pred + k.gold)
}

// countClasses is not ok for lengths that differ, classes out of range, or no rows.
func countClasses(pred, gold []int32, classes int) (c []classCount, ok bool) {
	if len(pred) != len(gold) || classes < 1 {
		return nil, false
	}
	c = make([]classCount, classes)
	for i, g := range gold {
		if g == Ignore {
			continue
		}
		if g < 0 || int(g) >= classes || pred[i] < 0 || int(pred[i]) >= classes {
			return nil, false
		}
		c[g].gold++
		c[pred[i]].pred++
		if pred[i] == g {
			c[g].right++
		}
		ok = true
	}
	return c, ok
}

// Pearson is the linear correlation; 0 where either side is constant, NaN for
// fewer than two rows or lengths that differ.
func Pearson(x, y []float64) float64 {
	n := len(x)
	if n < 2 || n != len(y) {
		return math.NaN()
	}
	mx, my := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		xy += dx * dy
		xx += dx * dx
		yy += dy * dy
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx) / math.Sqrt(yy)
}

// Spearman is Pearson's correlation of the ranks; equal values share their mean rank.
func Spearman(x, y []float64) float64 {
	if len(x) != len(y) {
		return math.NaN()
	}
	return Pearson(ranks(x), ranks(y))
}

func mean(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s / float64(len(x))
}

func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			out[order[k]] = float64(i+j-1)/2 + 1
		}
		i = max(j, i+1) // a NaN equals nothing, itself included
	}
	return out
}
