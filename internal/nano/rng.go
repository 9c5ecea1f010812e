package nano

// rng is SplitMix64 (Steele, Lea and Flood 2014). Our own, because the data
// files are compared byte for byte and must not follow changes of a library.
type rng struct{ state uint64 }

func (r *rng) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// intn returns a number in [0, n). The bias for the small n used here is below 2^-50.
func (r *rng) intn(n int) int { return int(r.next() % uint64(n)) }

// chance is true in percent of a hundred calls.
func (r *rng) chance(percent int) bool { return r.intn(100) < percent }

func shuffle[T any](r *rng, s []T) {
	for i := len(s) - 1; i > 0; i-- {
		j := r.intn(i + 1)
		s[i], s[j] = s[j], s[i]
	}
}
