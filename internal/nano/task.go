package nano

// Row is one review of the demo's task with its label.
type Row struct {
	Text  string
	Label string // Negative or Positive
}

const (
	trainRows = 400
	testRows  = 400
	// heldShare percent of the words of praise and blame never occur in the
	// training rows. The corpus has them all, so that a pretrained model knows
	// them and a model without that start must guess.
	heldShare = 50
)

// shapes are the forms of a row with their shares in a hundred. The form is
// drawn without regard to the label and every template serves both labels.
var shapes = []struct {
	list  string
	share int
}{
	{"say.one", 62},
	{"say.pair", 24},
	{"say.not", 6},
	{"say.contrast", 8},
}

// Task returns the rows of the demo's classification task: short reviews in
// which half of the words of praise and blame are unseen in training, and in
// which denial ("not shrill at all") and contrast ("the room was damp, but the
// stay was a joy") matter. The labels follow from how a row is made, without
// noise: each is the polarity of the clause that the sentence ends up with,
// which in a contrast is the one about the whole. Labels are balanced exactly
// and no text occurs twice.
func Task(seed uint64) (train, test []Row) {
	r := &rng{state: seed}
	seen := map[string]bool{}
	train = rows(r, trainRows, heldBack(r), seen)
	test = rows(r, testRows, nil, seen)
	return train, test
}

func rows(r *rng, n int, held, seen map[string]bool) []Row {
	out := make([]Row, 0, n)
	for len(out) < n {
		positive := len(out)%2 == 0
		text := row(r, held, positive)
		if seen[text] {
			continue
		}
		seen[text] = true
		label := Negative
		if positive {
			label = Positive
		}
		out = append(out, Row{text, label})
	}
	shuffle(r, out)
	return out
}

// row makes one review; a neutral sentence may stand before or after it.
func row(r *rng, held map[string]bool, positive bool) string {
	s := newReview(r, held, positive)
	if r.chance(75) {
		s.who = &reviewer{many: r.chance(40)}
	}
	template := "{@" + shape(r) + "}."
	switch r.intn(6) {
	case 0, 1, 2:
		template = "{intro}. " + template
	case 3:
		template += " {intro}."
	}
	return finish(s.expand(template))
}

func shape(r *rng) string {
	n := r.intn(100)
	for _, s := range shapes {
		if n -= s.share; n < 0 {
			return s.list
		}
	}
	panic("nano: the shares of the shapes do not add up to a hundred")
}

// heldBack draws the opinion words kept out of the training rows, the same
// share of every list, and every list keeps a word.
func heldBack(r *rng) map[string]bool {
	held, decided := map[string]bool{}, map[string]bool{}
	for _, name := range taskLists {
		for _, side := range []string{"pos.", "neg."} {
			words := append([]string(nil), loaded().lists[side+name]...)
			shuffle(r, words)
			for i, w := range words {
				if !decided[w] {
					decided[w] = true
					held[w] = i < len(words)*heldShare/100
				}
			}
		}
	}
	return held
}

// taskLists are the opinion lists a row draws from. The mild nouns come first:
// a denial must find one of them, and every noun list contains them.
var taskLists = []string{"mild", "noun", "did", "felt", "any", "person", "food", "baked", "sound", "place", "bed", "craft", "event"}

// Letters returns n letters of a line each in an old-fashioned English that the
// corpus does not contain, to fine-tune on as plain text. No letter occurs twice.
func Letters(seed uint64, n int) []string {
	r := &rng{state: seed ^ 0x1e77e25}
	seen := map[string]bool{}
	out := make([]string, 0, n)
	for len(out) < n {
		text := newDoc(r, nil).scope(true).say("letter")
		if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out
}
