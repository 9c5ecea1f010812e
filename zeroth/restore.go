package zeroth

import (
	"context"
	"errors"
	"fmt"
)

// Restore puts the weights, which are those of the run's start, where the log leaves them, and returns the last step. A log whose end is
// cut or damaged counts up to the last whole step. check may refuse the log's run before anything moves; nil for no check. The caller then
// resumes at that step. Prepare precedes it.
func (s *Stepper) Restore(ctx context.Context, check func(*Header) error) (int, error) {
	l, err := Read(s.LogPath)
	var cut *CutError
	var damaged *DamageError
	if err != nil && !errors.As(err, &cut) && !errors.As(err, &damaged) {
		return 0, err
	}
	last, ok := l.Last()
	if !ok {
		return 0, fmt.Errorf("%s has no step yet", s.LogPath)
	}
	ts, err := s.tensors(ctx)
	if err != nil {
		return 0, err
	}
	if err := matchStart(&l.Header, ts); err != nil {
		return 0, fmt.Errorf("%s: %w", s.LogPath, err)
	}
	if err := s.continues(l); err != nil {
		return 0, err
	}
	if check != nil {
		if err := check(&l.Header); err != nil {
			return 0, err
		}
	}
	s.Header = l.Header
	hashes := l.Hashes
	for past, records := range Steps(l.Records) {
		step := records[0].Step
		done := len(past) + len(records)
		s.records = l.Records[:done:done]
		if err := s.follow(ctx, int(step)); err != nil {
			return 0, err
		}
		terms, err := s.Header.Terms(past, records)
		if err != nil {
			return 0, err
		}
		for _, t := range terms {
			if err := s.add(ctx, t); err != nil {
				return 0, err
			}
		}
		if len(hashes) > 0 && hashes[0].Step == step {
			if ts, err = s.tensors(ctx); err != nil {
				return 0, err
			}
			if sum := Hash(ts); [24]byte(sum[:]) != hashes[0].Sum {
				return 0, fmt.Errorf("%s: step %d: the weights' hash is %x, the log has %x", s.LogPath, step, sum[:24], hashes[0].Sum)
			}
			hashes = hashes[1:]
		}
	}
	return int(last), nil
}
