package nano

// Letters returns n letters of a line each in an old-fashioned English that the
// corpus does not contain, to fine-tune on as plain text. No letter occurs twice.
func Letters(seed uint64, n int) []string {
	r := &rng{state: seed ^ 0x1e77e25}
	seen := map[string]bool{}
	out := make([]string, 0, n)
	for len(out) < n {
		text := newDoc(r).scope(true).say("letter")
		if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out
}
