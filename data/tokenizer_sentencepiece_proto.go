package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// errProto says that bytes are no protocol buffer message.
var errProto = errors.New("not a SentencePiece model file (broken protocol buffer)")

// protoField is one field: a number for wire types 0, 1 and 5, bytes for 2.
type protoField struct {
	num   uint64
	value uint64
	bytes []byte
}

// eachField walks a message. Lengths are held against what is left of raw.
func eachField(raw []byte, f func(protoField) error) error {
	for len(raw) > 0 {
		key, n := binary.Uvarint(raw)
		if n <= 0 {
			return errProto
		}
		raw = raw[n:]
		x := protoField{num: key >> 3}
		switch key & 7 {
		case 0:
			x.value, n = binary.Uvarint(raw)
		case 1:
			if n = 8; len(raw) >= n {
				x.value = binary.LittleEndian.Uint64(raw)
			}
		case 2:
			size, k := binary.Uvarint(raw)
			if k <= 0 || size > uint64(len(raw)-k) {
				return errProto
			}
			x.bytes, n = raw[k:k+int(size)], k+int(size)
		case 5:
			if n = 4; len(raw) >= n {
				x.value = uint64(binary.LittleEndian.Uint32(raw))
			}
		default:
			return errProto
		}
		if n <= 0 || n > len(raw) {
			return errProto
		}
		raw = raw[n:]
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

// parseSentencePiece reads a ModelProto: pieces (1), trainer_spec (2) and
// normalizer_spec (3), with the defaults of sentencepiece_model.proto.
func parseSentencePiece(raw []byte) (*spModel, error) {
	m := &spModel{modelType: 1, bos: 1, eos: 2, pad: -1, dummyPrefix: true, removeExtra: true, escapeSpaces: true}
	err := eachField(raw, func(x protoField) error {
		switch x.num {
		case 1:
			p := spPiece{kind: spNormal}
			err := eachField(x.bytes, func(y protoField) error {
				switch y.num {
				case 1:
					p.text = string(y.bytes)
				case 2:
					p.score = math.Float32frombits(uint32(y.value))
				case 3:
					p.kind = int64(y.value)
				}
				return nil
			})
			m.pieces = append(m.pieces, p)
			return err
		case 2:
			return eachField(x.bytes, m.trainerField)
		case 3:
			return eachField(x.bytes, m.normalizerField)
		}
		return nil
	})
	if err == nil && len(m.pieces) == 0 {
		err = fmt.Errorf("%w: no pieces", errProto)
	}
	return m, err
}

func (m *spModel) trainerField(y protoField) error {
	switch y.num {
	case 3:
		m.modelType = int64(y.value)
	case 24:
		m.suffixWhiteness = y.value != 0
	case 35:
		m.byteFallback = y.value != 0
	case 41:
		m.bos = int64(int32(y.value))
	case 42:
		m.eos = int64(int32(y.value))
	case 43:
		m.pad = int64(int32(y.value))
	}
	return nil
}

func (m *spModel) normalizerField(y protoField) error {
	switch y.num {
	case 2:
		m.charsmap = y.bytes
	case 3:
		m.dummyPrefix = y.value != 0
	case 4:
		m.removeExtra = y.value != 0
	case 5:
		m.escapeSpaces = y.value != 0
	}
	return nil
}
