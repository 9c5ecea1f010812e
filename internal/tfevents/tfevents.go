// Package tfevents writes the event files that TensorBoard reads: scalars by tag and step.
//
// A file is a row of records (TFRecord), each of them an Event message of tensorboard/compat/proto/event.proto in protobuf's wire format.
// Readers want "tfevents" in the name of a file and take the files of one directory, a run, in the order of their names.
package tfevents

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of the messages Event, SessionLog, Summary and Summary.Value.
const (
	eventWallTime    = 1 // double, seconds since 1970
	eventStep        = 2 // int64
	eventFileVersion = 3 // string
	eventSummary     = 5
	eventSessionLog  = 7
	sessionStatus    = 1 // enum
	statusStart      = 1
	summaryValue     = 1 // repeated
	valueTag         = 1 // string
	valueSimple      = 2 // float
)

// version is that of files whose readers heed a restart.
const version = "brain.Event:2"

// Scalar is a value with its name; slashes in Tag part groups.
type Scalar struct {
	Tag   string
	Value float64 // kept as float32
}

// Writer appends events to a file. Each event is whole on its way to the disk before the next.
type Writer struct {
	f   *os.File
	now func() time.Time
}

// Create starts a new file in dir, which it makes. The file's name sorts behind those of the event files that dir has.
func Create(dir string) (*Writer, error) { return create(dir, time.Now) }

func create(dir string, now func() time.Time) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	second, err := following(dir, now().Unix())
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%010d.luthier.%d", second, os.Getpid()))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	w := &Writer{f, now}
	return w, w.add(protowire.AppendString(protowire.AppendTag(nil, eventFileVersion, protowire.BytesType), version), 0)
}

// following is a second behind those that name files in dir, second itself where it may be.
func following(dir string, second int64) (int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		_, rest, ok := strings.Cut(e.Name(), ".tfevents.")
		digits, _, _ := strings.Cut(rest, ".")
		if at, err := strconv.ParseInt(digits, 10, 64); ok && err == nil && at < 1e10-1 {
			second = max(second, at+1)
		}
	}
	return second, nil
}

// Restart says that the run goes on at step: readers drop what earlier files of the directory hold of it and of later steps.
func (w *Writer) Restart(step int) error {
	log := protowire.AppendVarint(protowire.AppendTag(nil, sessionStatus, protowire.VarintType), statusStart)
	return w.add(message(nil, eventSessionLog, log), step)
}

// Scalars writes values of one step. What is not finite is left out, since charts have no place for it; without a value there is no event.
func (w *Writer) Scalars(step int, values ...Scalar) error {
	var summary []byte
	for _, s := range values {
		x := float32(s.Value)
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			continue
		}
		v := protowire.AppendString(protowire.AppendTag(nil, valueTag, protowire.BytesType), s.Tag)
		v = protowire.AppendFixed32(protowire.AppendTag(v, valueSimple, protowire.Fixed32Type), math.Float32bits(x))
		summary = message(summary, summaryValue, v)
	}
	if summary == nil {
		return nil
	}
	return w.add(message(nil, eventSummary, summary), step)
}

// Close gives the file to the disk.
func (w *Writer) Close() error { return errors.Join(w.f.Sync(), w.f.Close()) }

// add writes an event of a step with the field what, encoded.
func (w *Writer) add(what []byte, step int) error {
	e := protowire.AppendTag(nil, eventWallTime, protowire.Fixed64Type)
	e = protowire.AppendFixed64(e, math.Float64bits(float64(w.now().UnixMicro())/1e6))
	if step != 0 {
		e = protowire.AppendVarint(protowire.AppendTag(e, eventStep, protowire.VarintType), uint64(step))
	}
	_, err := w.f.Write(record(append(e, what...)))
	return err
}

// message appends a field that holds a message.
func message(to []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), m)
}

// record frames bytes: length (8 bytes), its checksum, the bytes, their checksum; little endian.
func record(b []byte) []byte {
	out := binary.LittleEndian.AppendUint64(make([]byte, 0, len(b)+16), uint64(len(b)))
	out = binary.LittleEndian.AppendUint32(out, masked(out))
	out = append(out, b...)
	return binary.LittleEndian.AppendUint32(out, masked(b))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the CRC-32C, turned by 15 bits and shifted by a constant: the CRC of data that holds CRCs would be weak otherwise.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// Latest is the directory below root whose name sorts last among those that hold event files; "" where there is none.
func Latest(root string) (string, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, run := range slices.Backward(entries) { // ReadDir sorts
		dir := filepath.Join(root, run.Name())
		files, _ := os.ReadDir(dir) // what is no directory has none
		if slices.ContainsFunc(files, func(f fs.DirEntry) bool { return strings.Contains(f.Name(), ".tfevents.") }) {
			return dir, nil
		}
	}
	return "", nil
}
