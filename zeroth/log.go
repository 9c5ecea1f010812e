package zeroth

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
)

// Header says what the records of a log are about. Hashes are sha256 in hexadecimal.
type Header struct {
	Format      int            `json:"format"` // 1; Create sets it
	Version     string         `json:"luthier_version"`
	Model       string         `json:"model"`
	Fingerprint string         `json:"model_fingerprint"`
	Method      string         `json:"method"`
	Data        string         `json:"data_fingerprint"`
	Optimizer   string         `json:"optimizer"`
	Settings    map[string]any `json:"settings,omitempty"` // to read, not to replay
	Update      Update         `json:"update"`
	Noise       Noise          `json:"noise"`
	Rank        int            `json:"rank,omitempty"`   // of low-rank noise
	Period      int            `json:"period,omitempty"` // of low-rank noise: steps that share a right factor
	Seed        uint64         `json:"seed,string"`      // of the run
	Tensors     []TensorInfo   `json:"tensors"`          // in the order of their numbers
	Start       string         `json:"start_sha256"`     // Hash of the tensors before the first step
	HashEvery   int            `json:"hash_every"`       // 0: never
}

// TensorInfo is one trained tensor: [rows, cols], a vector being one row, stored as f32 or bf16.
type TensorInfo struct {
	Name      string   `json:"name"`
	Shape     [2]int   `json:"shape"`
	DType     string   `json:"dtype"`
	Threshold *float64 `json:"threshold,omitempty"` // elements of a larger magnitude are not trained; an f32
}

// Record is one direction of a step, or with G = NaN a step that was skipped.
type Record struct {
	Step       uint32 // below 2^30
	Seed       uint64
	G, LR, Eps float32 // projected gradient, learning rate, size of the perturbation
	Batch      uint32  // hash of the batch
}

// Skipped tells whether the step made no update, for want of a finite loss.
func (r Record) Skipped() bool { return r.G != r.G }

// HashRecord is the first 24 bytes of the Hash of all tensors after a step.
type HashRecord struct {
	Step uint32
	Sum  [24]byte
}

// What a file is made of: a line of 32 bytes with the header's checksum, the header padded to a multiple of 32, records of 32.
const (
	recordBytes = 32
	magic       = "luthier-replay-log crc "
	maxHeader   = 64 << 20

	isHash = 1 << 31 // of a record's first word: it is a HashRecord
	isLast = 1 << 30 // it is the last direction of its step
)

// check refuses a header that cannot be replayed. Words of noise are counted in 32 bits.
func (h *Header) check() error {
	switch {
	case h.Format != 1:
		return fmt.Errorf("format %d is not known: this version reads 1", h.Format)
	case h.Noise != Rademacher && h.Noise != Gaussian && h.Noise != LowRank:
		return fmt.Errorf("noise %q is not known", h.Noise)
	case h.Noise == LowRank && (h.Rank < 1 || h.Rank > 32 || h.Period < 1):
		return fmt.Errorf("low-rank noise of rank %d and period %d: want 1 to 32, and at least 1", h.Rank, h.Period)
	case (h.Update.Rule == Adam || h.Update.Rule == Curvature) && h.Noise != Rademacher:
		return fmt.Errorf("rule %s with %s noise: it wants rademacher", h.Update.Rule, h.Noise)
	case h.HashEvery < 0:
		return fmt.Errorf("hash_every %d: want at least 0", h.HashEvery)
	}
	for _, t := range h.Tensors {
		rows, cols := int64(t.Shape[0]), int64(t.Shape[1])
		if rows < 1 || cols < 1 || cols > math.MaxUint32/rows {
			return fmt.Errorf("tensor %s: shape %v: want positive numbers, fewer than 2^32 elements", t.Name, t.Shape)
		}
		if t.DType != "f32" && t.DType != "bf16" {
			return fmt.Errorf("tensor %s: dtype %q: want f32 or bf16", t.Name, t.DType)
		}
	}
	return h.Update.check()
}

// encode is the start of a file.
func (h *Header) encode() ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	line, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	line = append(line, bytes.Repeat([]byte{' '}, recordBytes-1-len(line)%recordBytes)...)
	line = append(line, '\n')
	if len(line) > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes is above the limit of %d", len(line), maxHeader)
	}
	return append(fmt.Appendf(nil, "%s%08x\n", magic, crc32.ChecksumIEEE(line)), line...), nil
}

// seal puts a record's checksum in its last word: that of the checksum before it and the 28 bytes, so that a record that is missing or
// out of order is found.
func seal(rec []byte, before uint32) uint32 {
	sum := chained(rec, before)
	binary.LittleEndian.PutUint32(rec[28:], sum)
	return sum
}

func chained(rec []byte, before uint32) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(binary.LittleEndian.AppendUint32(nil, before)), crc32.IEEETable, rec[:28])
}

func (r *Record) encode(flags uint32) []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, recordBytes), r.Step|flags)
	b = binary.LittleEndian.AppendUint64(b, r.Seed)
	for _, f := range []float32{r.G, r.LR, r.Eps} {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	b = binary.LittleEndian.AppendUint32(b, r.Batch)
	return b[:recordBytes]
}

// Writer appends to a log. After an error it writes no more.
type Writer struct {
	SyncEvery int // steps after which the file is brought to the disk; 0: on Sync and Close only

	f       *os.File
	sum     uint32 // checksum of the last record
	last    uint32
	any     bool // a step was written, the last of them `last`
	hashed  bool // and a hash of it
	pending int
	err     error
}

// Create starts a log. A file that is there stays, and is an error.
func Create(path string, h Header) (*Writer, error) {
	h.Format = 1
	head, err := h.encode()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s is there already, and may be all that is left of a run: move it away, or resume", path)
	}
	if err != nil {
		return nil, err
	}
	w := &Writer{f: f, sum: crc32.ChecksumIEEE(head[recordBytes:])}
	if w.write(head); w.err == nil {
		w.err = f.Sync()
	}
	if w.err != nil {
		return nil, errors.Join(w.err, f.Close())
	}
	return w, nil
}

// Append goes on with a log: what it has of step `from` and later is cut off. The log returned is what stays. It must reach to the step
// before from; damage beyond that point does not matter.
func Append(path string, from uint32) (*Writer, *Log, error) {
	l, err := Read(path)
	if l == nil {
		return nil, nil, err
	}
	whole := l
	l = l.before(from)
	if last, ok := whole.Last(); from > last+1 {
		short := fmt.Errorf("%s has no step yet, and the run goes on from step %d", path, from)
		if ok {
			short = fmt.Errorf("%s ends at step %d, and the run goes on from step %d", path, last, from)
		}
		return nil, nil, errors.Join(short, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	w := &Writer{f: f, sum: l.sum()}
	w.last, w.any = l.Last()
	w.hashed = w.any && len(l.Hashes) > 0 && l.Hashes[len(l.Hashes)-1].Step == w.last
	if err = f.Truncate(l.bytes()); err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return w, l, nil
}

// Step writes the records of one step, at once. They share its number and learning rate.
func (w *Writer) Step(rs []Record) error {
	if w.err != nil || len(rs) == 0 {
		return w.err
	}
	var out []byte
	sum := w.sum
	for i, r := range rs {
		if r.Step != rs[0].Step || r.Step >= isLast || w.any && r.Step <= w.last {
			return fmt.Errorf("%s: a record of step %d in step %d, after step %d", w.f.Name(), r.Step, rs[0].Step, w.last)
		}
		if r.LR != rs[0].LR {
			return fmt.Errorf("%s: step %d has learning rates %g and %g", w.f.Name(), r.Step, rs[0].LR, r.LR)
		}
		flags := uint32(0)
		if i == len(rs)-1 {
			flags = isLast
		}
		rec := r.encode(flags)
		sum = seal(rec, sum)
		out = append(out, rec...)
	}
	if w.write(out); w.err != nil {
		return w.err
	}
	w.sum, w.last, w.any, w.hashed = sum, rs[0].Step, true, false
	if w.pending++; w.SyncEvery > 0 && w.pending >= w.SyncEvery {
		return w.Sync()
	}
	return nil
}

// Hash writes the hash of the tensors after the step that was written last.
func (w *Writer) Hash(step uint32, sum [32]byte) error {
	if w.err != nil {
		return w.err
	}
	if !w.any || step != w.last || w.hashed {
		return fmt.Errorf("%s: the hash of step %d does not follow its step", w.f.Name(), step)
	}
	rec := binary.LittleEndian.AppendUint32(make([]byte, 0, recordBytes), step|isHash)
	rec = append(rec, sum[:24]...)[:recordBytes]
	next := seal(rec, w.sum)
	if w.write(rec); w.err == nil {
		w.sum, w.hashed = next, true
	}
	return w.err
}

func (w *Writer) write(b []byte) { _, w.err = w.f.Write(b) }

// Sync brings what was written to the disk.
func (w *Writer) Sync() error {
	if w.pending = 0; w.err == nil {
		w.err = w.f.Sync()
	}
	return w.err
}

// Close syncs and closes the file.
func (w *Writer) Close() error { return errors.Join(w.Sync(), w.f.Close()) }
