package data

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEntities(t *testing.T) {
	for _, c := range []struct {
		tags string
		want []Entity
	}{
		{"", nil},
		{"O O", nil},
		{"B-PER I-PER O B-LOC", []Entity{{"PER", 0, 1}, {"LOC", 3, 3}}},
		{"B-PER B-PER", []Entity{{"PER", 0, 0}, {"PER", 1, 1}}},
		{"O I-PER I-PER", []Entity{{"PER", 1, 2}}},              // no B: it begins all the same
		{"B-PER I-LOC", []Entity{{"PER", 0, 0}, {"LOC", 1, 1}}}, // another type: another entity
		{"B-PER E-PER I-PER", []Entity{{"PER", 0, 1}, {"PER", 2, 2}}},
		{"S-PER S-PER", []Entity{{"PER", 0, 0}, {"PER", 1, 1}}},
		{"B I O I", []Entity{{"_", 0, 1}, {"_", 3, 3}}},
		{"B-geo-loc I-geo-loc", []Entity{{"geo-loc", 0, 1}}},
	} {
		require.Equal(t, c.want, Entities(strings.Fields(c.tags)), c.tags)
	}
}

// TestEntityScores by hand: gold has PER(0,1), LOC(3,3), PER(0,0); found are PER(0,1), LOC(2,3), PER(0,0), ORG(1,1): 2 right of 4 found, of
// 3 there; F1 = 2 * 2 / (4 + 3).
func TestEntityScores(t *testing.T) {
	gold := [][]string{strings.Fields("B-PER I-PER O B-LOC"), strings.Fields("B-PER O")}
	pred := [][]string{strings.Fields("B-PER I-PER B-LOC I-LOC"), strings.Fields("B-PER B-ORG")}
	p, r, f := EntityScores(pred, gold)
	assert.Equal(t, [3]float64{0.5, 2.0 / 3, 4.0 / 7}, [3]float64{p, r, f})
	p, r, f = EntityScores([][]string{{"O"}}, [][]string{{"O"}})
	assert.Equal(t, [3]float64{0, 0, 0}, [3]float64{p, r, f})
	p, _, _ = EntityScores([][]string{{"O"}}, [][]string{{"O", "O"}})
	assert.True(t, math.IsNaN(p))
}

// allTags are those that the script draws.
const allTags = "O B I B-X I-X E-X S-X B-Y I-Y S-Y B-a-b I-a-b I-b"

// TestEntitiesEqualSeqeval compares with what scripts/golden_entities.py wrote.
func TestEntitiesEqualSeqeval(t *testing.T) {
	raw, err := os.ReadFile("testdata/entities.golden.json")
	require.NoError(t, err)
	var sets []struct {
		Gold, Pred [][]string
		Entities   [][][3]any
		Scores     [3]float64
		Accuracy   float64
	}
	require.NoError(t, json.Unmarshal(raw, &sets))
	require.Len(t, sets, 24)
	for _, s := range sets {
		var pred, gold []int32
		id := func(tag string) int32 { return int32(slices.Index(strings.Fields(allTags), tag)) }
		for i, tags := range s.Gold {
			var want []Entity
			for _, e := range s.Entities[i] {
				want = append(want, Entity{e[0].(string), int(e[1].(float64)), int(e[2].(float64))})
			}
			require.Equal(t, want, Entities(tags), tags)
			for w := range tags {
				pred, gold = append(pred, id(s.Pred[i][w])), append(gold, id(tags[w]))
			}
		}
		p, r, f := EntityScores(s.Pred, s.Gold)
		for i, v := range []float64{p, r, f} {
			require.InDelta(t, s.Scores[i], v, 1e-12, s.Gold)
		}
		require.InDelta(t, s.Accuracy, Accuracy(pred, gold), 1e-12)
	}
}

func TestMarksEntities(t *testing.T) {
	for names, want := range map[string]bool{"B-PER I-PER O": true, "O B I": true, "S-A E-A O": true, "NOUN VERB": false, "0 1 2": false,
		"LABEL_0 LABEL_1": false, "O": false, "I-A": true, "B-A Beta": false} {
		require.Equal(t, want, MarksEntities(strings.Fields(names)), names)
	}
}
