package zeroth

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"math"

	"luthier/data"
	"luthier/graph"
	"luthier/train"
)

// Step measures, logs and moves. The log gets the step before the weights do: what was written can be replayed.
func (s *Stepper) Step(ctx context.Context, step int, lr float64, micro []*data.Batch) error {
	if s.stopped != nil {
		return s.stopped
	}
	if s.Header.Start == "" {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	p := s.probe(ctx, step, lr, micro)
	rs, loss, err := s.rule.measure(p)
	if err != nil {
		return err
	}
	r := train.Result{Step: step, Loss: loss, LR: float64(float32(lr))}
	if len(rs) > 0 {
		r.LR = float64(rs[0].LR)
	}
	r.GradNorm = s.norm(rs)
	if r.Skipped = !finite(loss) || !finite(r.GradNorm); r.Skipped {
		rs, r.GradNorm = []Record{p.record(0, math.NaN())}, 0
		if s.skipped++; s.skipped > s.o.MaxSkipped {
			r.Skipped, r.Bad = false, "loss"
		}
	} else {
		s.skipped = 0
	}
	terms, err := s.Header.Terms(s.records, rs)
	if err != nil {
		return err
	}
	if s.log != nil {
		if err := s.log.Step(rs); err != nil {
			return err
		}
	}
	s.records = append(s.records, rs...)
	s.found = append(s.found, r)
	if err := s.follow(ctx, step); err != nil {
		return err
	}
	for _, t := range terms {
		if err := s.add(ctx, t); err != nil {
			return err
		}
	}
	return s.hash(ctx, step)
}

// norm is the sum of |g| of the directions; not finite if any record is not.
func (s *Stepper) norm(rs []Record) (sum float64) {
	for i, x := range rs {
		if i == 1 && s.Header.Update.Rule == Curvature && finite(float64(x.G)) {
			continue // no direction
		}
		sum += math.Abs(float64(x.G))
	}
	return sum
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// add moves every trained weight by one term.
func (s *Stepper) add(ctx context.Context, t Term) error {
	if t.S == 0 {
		return nil
	}
	if err := s.update.Write(graph.ZOTable, s.table(t, 0)); err != nil {
		return err
	}
	return s.update.Run(ctx)
}

// table is the kernels' input for a term; second is the scalar of the second half of a pair.
func (s *Stepper) table(t Term, second float32) []byte {
	w := make([]uint32, graph.ZOHead+len(s.Header.Tensors))
	w[0], w[1] = uint32(t.Seed), uint32(t.Seed>>32)
	w[2], w[3] = math.Float32bits(t.S), math.Float32bits(second)
	w[5], w[6] = uint32(t.Right), uint32(t.Right>>32)
	w[7] = uint32(1<<t.Rank - 1)
	for i := range s.Header.Tensors {
		w[graph.ZOHead+i] = math.Float32bits(s.Header.Tensors[i].limit())
	}
	out := make([]byte, 0, 4*len(w))
	for _, v := range w {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}

// direction is the term of a perturbation by a along the noise of the seed.
func (s *Stepper) direction(step int, seed uint64, a float64) Term {
	t := Term{Seed: seed, S: Perturbation(a, s.o.Noise), Noise: s.o.Noise}
	if s.o.Noise == LowRank {
		t.Right, t.Rank = RightSeed(s.o.Seed, uint32(step), s.o.Period), s.o.Rank
	}
	return t
}

// hash writes the weights' hash to the log when it is time.
func (s *Stepper) hash(ctx context.Context, step int) error {
	if s.log == nil || s.o.HashSteps == 0 || step%s.o.HashSteps != 0 {
		return nil
	}
	ts, err := s.tensors(ctx)
	if err != nil {
		return err
	}
	return s.log.Hash(uint32(step), Hash(ts))
}

// Results are known at once. With wait, as before a checkpoint, the log is brought to the disk: a checkpoint is worth nothing without the
// steps that it stands on.
func (s *Stepper) Results(_ context.Context, wait bool) ([]train.Result, error) {
	out := s.found
	s.found = nil
	if wait && s.log != nil {
		return out, s.log.Sync()
	}
	return out, nil
}

// Settings are the options that change what is computed.
func (s *Stepper) Settings() map[string]any {
	m, err := s.o.plain()
	if err != nil {
		return map[string]any{"optimizer": s.o.Variant}
	}
	return m
}

// plain are the options as JSON has them.
func (o *Options) plain() (m map[string]any, err error) {
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return m, json.Unmarshal(raw, &m)
}

// update is the rule of the log.
func (o *Options) update() Update {
	if u := variants[o.Variant].update; u != nil {
		return u(o)
	}
	return Update{Rule: Plain}
}

// batchHash tells batches apart: ids, labels and targets of all micro-batches.
func batchHash(micro []*data.Batch) uint32 {
	h := fnv.New32a()
	var b [4]byte
	for _, m := range micro {
		for _, xs := range [][]int32{m.IDs, m.Labels, m.Classes} {
			for _, x := range xs {
				binary.LittleEndian.PutUint32(b[:], uint32(x))
				h.Write(b[:])
			}
		}
		for _, x := range m.Targets {
			binary.LittleEndian.PutUint32(b[:], math.Float32bits(x))
			h.Write(b[:])
		}
	}
	return h.Sum32()
}
