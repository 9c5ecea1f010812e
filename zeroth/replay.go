package zeroth

import (
	"encoding/hex"
	"fmt"
)

// batchTerms is how many additions are gathered before they are made, at most.
const batchTerms = 1 << 14

// Replay repeats a run on tensors as they were before its first step, in place, up to and including step `until`; -1: all of it. The
// tensors come in the log's order; their thresholds are the log's. What they start from and each hash in the log is checked. On an error
// the tensors are left somewhere between.
func Replay(l *Log, ts []Tensor, until int) error {
	if last, ok := l.Last(); until >= 0 && (!ok || until > int(last)) {
		return fmt.Errorf("the log ends before step %d: %d records, the last of step %d", until, len(l.Records), last)
	}
	if err := matchStart(&l.Header, ts); err != nil {
		return err
	}
	for i := range ts {
		ts[i].Threshold = l.Header.Tensors[i].Threshold
	}
	var terms []Term
	hashes := l.Hashes
	for past, now := range Steps(l.Records) {
		step := now[0].Step
		if until >= 0 && int(step) > until {
			break
		}
		more, err := l.Header.Terms(past, now)
		if err != nil {
			return err
		}
		terms = append(terms, more...)
		due := len(hashes) > 0 && hashes[0].Step == step
		if due || len(terms) > batchTerms {
			add(ts, 0, terms)
			terms = terms[:0]
		}
		if !due {
			continue
		}
		if sum := Hash(ts); [24]byte(sum[:]) != hashes[0].Sum {
			return fmt.Errorf("step %d: the tensors' hash is %x, the log has %x: the replay left the run at a step since the last hash", step, sum[:24], hashes[0].Sum)
		}
		hashes = hashes[1:]
	}
	add(ts, 0, terms)
	return nil
}

// matchStart holds the tensors to the header.
func matchStart(h *Header, ts []Tensor) error {
	if len(ts) != len(h.Tensors) {
		return fmt.Errorf("%d tensors, the log has %d", len(ts), len(h.Tensors))
	}
	for i := range ts {
		if err := ts[i].check(h.Tensors[i]); err != nil {
			return err
		}
	}
	if sum := Hash(ts); hex.EncodeToString(sum[:]) != h.Start {
		return fmt.Errorf("the tensors are not those that the run started from: their hash is %x, the log has %s: want model %s with fingerprint %s",
			sum, h.Start, h.Model, h.Fingerprint)
	}
	return nil
}
