package data

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAccuracy(t *testing.T) {
	assert.Equal(t, 0.75, Accuracy([]int32{1, 0, 1, 1, 0}, []int32{1, 0, 0, 1, Ignore}))
	assert.True(t, math.IsNaN(Accuracy([]int32{1}, []int32{Ignore})))
	assert.True(t, math.IsNaN(Accuracy([]int32{1}, nil)))
}

// Two classes: 3 true positives, 1 false positive, 2 false negatives, 4 true negatives.
var (
	binaryPred = []int32{1, 1, 1, 1, 0, 0, 0, 0, 0, 0}
	binaryGold = []int32{1, 1, 1, 0, 1, 1, 0, 0, 0, 0}
)

func TestF1(t *testing.T) {
	// precision 3/4, recall 3/5: 2*3/(2*3+1+2) = 2/3
	assert.InDelta(t, 2.0/3, F1(binaryPred, binaryGold, 2), 1e-15)
	// class 0: tp 1, fp 1, fn 1 -> 1/2; class 1: tp 1, fp 0, fn 1 -> 2/3; class 2: tp 1, fp 1, fn 0 -> 2/3; class 3 absent -> 0
	pred, gold := []int32{0, 0, 1, 2, 2}, []int32{0, 1, 1, 0, 2}
	assert.InDelta(t, (0.5+2.0/3+2.0/3+0)/4, F1(pred, gold, 4), 1e-15)
	assert.Equal(t, 0.0, F1([]int32{0, 0}, []int32{0, 0}, 2))
	assert.True(t, math.IsNaN(F1([]int32{5}, []int32{0}, 2)), "a class out of range")
}

func TestMatthews(t *testing.T) {
	// (3*4 - 1*2) / sqrt(4 * 5 * 5 * 6)
	assert.InDelta(t, 10/math.Sqrt(600), Matthews(binaryPred, binaryGold, 2), 1e-15)
	assert.InDelta(t, 1, Matthews(binaryGold, binaryGold, 2), 1e-15)
	assert.Equal(t, 0.0, Matthews([]int32{1, 1, 1}, []int32{1, 0, 1}, 2), "constant predictions")
	// three classes: c=3, s=5, p=(2,1,2), t=(2,2,1): (15-8)/sqrt((25-9)(25-9))
	assert.InDelta(t, 7.0/16, Matthews([]int32{0, 0, 1, 2, 2}, []int32{0, 1, 1, 0, 2}, 3), 1e-15)
}

func TestCorrelations(t *testing.T) {
	x := []float64{1, 2, 3, 4}
	// deviations of y: -2 0 -1 3, of x: -1.5 -.5 .5 1.5: 7 / sqrt(5 * 14)
	assert.InDelta(t, 7/math.Sqrt(70), Pearson(x, []float64{1, 3, 2, 6}), 1e-15)
	assert.InDelta(t, -1, Pearson(x, []float64{8, 6, 4, 2}), 1e-15)
	assert.Equal(t, 0.0, Pearson(x, []float64{3, 3, 3, 3}))
	assert.True(t, math.IsNaN(Pearson(x, x[:2])))
	// ranks 1 2 3 4 and 1 3 2 4: 1 - 6*2/(4*15) = 0.8
	assert.InDelta(t, 0.8, Spearman(x, []float64{-5, 100, 7, 1e9}), 1e-15)
	// ties share ranks: 1.5 1.5 3 4 against 1 2 3 4: 4.5 / sqrt(4.5 * 5)
	assert.InDelta(t, 4.5/math.Sqrt(4.5*5), Spearman([]float64{2, 2, 3, 9}, x), 1e-15)
}
