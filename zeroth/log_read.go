package zeroth

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
)

// Log is what a file holds: whole steps, and hashes of the tensors after some of them.
type Log struct {
	Header  Header
	Records []Record
	Hashes  []HashRecord

	head int      // bytes before the first record
	sums []uint32 // checksums of the header and of each record
}

// Last is the number of the last step; ok is false where there is none.
func (l *Log) Last() (step uint32, ok bool) {
	if len(l.Records) == 0 {
		return 0, false
	}
	return l.Records[len(l.Records)-1].Step, true
}

func (l *Log) sum() uint32 { return l.sums[len(l.sums)-1] }

func (l *Log) bytes() int64 { return int64(l.head) + recordBytes*int64(len(l.Records)+len(l.Hashes)) }

// before is the log without steps from `from` on.
func (l *Log) before(from uint32) *Log {
	out := *l
	for len(out.Hashes) > 0 && out.Hashes[len(out.Hashes)-1].Step >= from {
		out.Hashes = out.Hashes[:len(out.Hashes)-1]
	}
	for len(out.Records) > 0 && out.Records[len(out.Records)-1].Step >= from {
		out.Records = out.Records[:len(out.Records)-1]
	}
	out.sums = out.sums[:1+len(out.Records)+len(out.Hashes)]
	return &out
}

// CutError is a log that ends within a step, as that of a run that was killed may.
type CutError struct {
	Path  string
	Bytes int // left over after the last whole step
	Last  string
}

func (e *CutError) Error() string {
	return fmt.Sprintf("%s is cut: %d bytes are left over after %s; what comes before can be replayed with --until, and resumed", e.Path, e.Bytes, e.Last)
}

// DamageError is a record that is not what was written, or not where it was.
type DamageError struct {
	Path   string
	Record int   // from 0
	Offset int64 // in bytes: of the wrong byte where one flipped bit explains the damage, else of the record
	Bit    int   // the flipped bit of that byte; -1: damage of another kind
	Step   uint32
	What   string
}

func (e *DamageError) Error() string {
	at := fmt.Sprintf("%s: record %d (step %d), byte %d: ", e.Path, e.Record, e.Step, e.Offset)
	if e.Bit >= 0 {
		return at + fmt.Sprintf("bit %d is flipped: get the log from a copy, or replay until the step before", e.Bit)
	}
	return at + e.What + ": get the log from a copy, or replay until the step before"
}

// Read reads a log. With a *CutError or a *DamageError comes the log of all whole steps before the fault; with other errors none.
func Read(path string) (*Log, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	first := make([]byte, recordBytes)
	if n, err := io.ReadFull(f, first); err != nil || !bytes.HasPrefix(first, []byte(magic)) {
		return nil, fmt.Errorf("%s is no log of a run: its first %d bytes are not %q", path, n, magic+"...")
	}
	rest, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return decode(path, append(first, rest...))
}

// decode is Read of bytes.
func decode(path string, raw []byte) (*Log, error) {
	l, err := decodeHeader(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	whole := *l // up to the last whole step
	open := 0   // records of the step that is being read
	for at := l.head; at+recordBytes <= len(raw); at += recordBytes {
		rec := raw[at : at+recordBytes]
		if err := l.take(rec, open); err != nil {
			err.Path, err.Record, err.Offset = path, (at-l.head)/recordBytes, err.Offset+int64(at)
			return &whole, err
		}
		if open++; binary.LittleEndian.Uint32(rec)&(isLast|isHash) != 0 {
			open, whole = 0, *l
		}
	}
	if left := len(raw) - int(whole.bytes()); left > 0 {
		last := "the header"
		if step, ok := whole.Last(); ok {
			last = fmt.Sprintf("step %d", step)
		}
		return &whole, &CutError{path, left, last}
	}
	return &whole, nil
}

func decodeHeader(raw []byte) (*Log, error) {
	if len(raw) < recordBytes || !bytes.HasPrefix(raw, []byte(magic)) {
		return nil, fmt.Errorf("no log of a run: it does not begin with %q", magic)
	}
	rest := raw[recordBytes:]
	n := bytes.IndexByte(rest[:min(len(rest), maxHeader)], '\n') + 1
	if n == 0 {
		return nil, fmt.Errorf("the header has no end in %d bytes: the log is cut before its first step", len(rest))
	}
	sum := crc32.ChecksumIEEE(rest[:n])
	if want := fmt.Sprintf("%s%08x\n", magic, sum); want != string(raw[:recordBytes]) || n%recordBytes != 0 {
		return nil, fmt.Errorf("the header (bytes 0 to %d) is damaged: its checksum is %08x, not %q: get the log from a copy",
			recordBytes+n, sum, raw[len(magic):recordBytes-1])
	}
	l := &Log{head: recordBytes + n, sums: []uint32{sum}}
	if err := json.Unmarshal(rest[:n], &l.Header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return l, l.Header.check()
}

// take adds one record; open is how many directions of its step came before.
func (l *Log) take(rec []byte, open int) *DamageError {
	if chained(rec, l.sum()) != binary.LittleEndian.Uint32(rec[28:]) {
		return l.damage(rec)
	}
	word := binary.LittleEndian.Uint32(rec)
	step := word &^ (isHash | isLast)
	last, any := l.Last()
	bad := func(what string) *DamageError { return &DamageError{Bit: -1, Step: step, What: what} }
	if word&isHash != 0 {
		hashed := len(l.Hashes) > 0 && l.Hashes[len(l.Hashes)-1].Step == step
		if word&isLast != 0 || open > 0 || !any || step != last || hashed {
			return bad("a hash does not follow its step")
		}
		l.Hashes = append(l.Hashes, HashRecord{step, [24]byte(rec[4:28])})
	} else {
		if open > 0 && step != last || open == 0 && any && step <= last {
			return bad(fmt.Sprintf("the step does not follow step %d", last))
		}
		f := func(i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(rec[i:])) }
		l.Records = append(l.Records, Record{step, binary.LittleEndian.Uint64(rec[4:]), f(12), f(16), f(20), binary.LittleEndian.Uint32(rec[24:])})
	}
	l.sums = append(l.sums, binary.LittleEndian.Uint32(rec[28:]))
	return nil
}

// damage finds out what is wrong with a record: the one flipped bit that would explain it, if there is one.
func (l *Log) damage(rec []byte) *DamageError {
	try := bytes.Clone(rec)
	for i := range 8 * recordBytes {
		try[i/8] ^= 1 << (i % 8)
		if chained(try, l.sum()) == binary.LittleEndian.Uint32(try[28:]) {
			return &DamageError{Offset: int64(i / 8), Bit: i % 8, Step: binary.LittleEndian.Uint32(try) &^ (isHash | isLast)}
		}
		try[i/8] ^= 1 << (i % 8)
	}
	return &DamageError{Bit: -1, Step: binary.LittleEndian.Uint32(rec) &^ (isHash | isLast),
		What: "the checksum is wrong: bytes changed, or records before it are missing or out of order"}
}
