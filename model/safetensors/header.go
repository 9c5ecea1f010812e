package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// maxHeader is the limit of the reference implementation.
const maxHeader = 100_000_000

// maxRank bounds what a header of nothing but dimensions can make us hold.
const maxRank = 64

// entry is one tensor as the header describes it; begin and end count from the end of the header.
type entry struct {
	name       string
	dtype      string
	shape      []int
	begin, end int
}

// header is a checked header: entries sorted by position, without overlap or hole, filling the data exactly.
type header struct {
	bytes    int // length field and JSON: where the data begins
	entries  []entry
	metadata map[string]string
}

// parseHeader checks all of data, which is a whole file, and trusts none of it. file is for messages only.
func parseHeader(file string, data []byte) (*header, error) {
	fail := func(problem, remedy string) error { return &FormatError{File: file, Problem: problem, Remedy: remedy} }
	if problem, remedy := otherFormat(data); problem != "" {
		return nil, fail(problem, remedy)
	}
	if len(data) < 8 {
		return nil, fail(fmt.Sprintf("%d bytes are too few for a safetensors file", len(data)), "the download is incomplete: fetch it again")
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader {
		return nil, fail(fmt.Sprintf("header of %d bytes is over the format's limit of %d: this is no safetensors file", n, maxHeader), notOurs)
	}
	if n > uint64(len(data)-8) {
		return nil, fail(fmt.Sprintf("the download is incomplete: want at least %d bytes, have %d", n+8, len(data)), "fetch the file again")
	}
	text := data[8 : 8+n]
	h := &header{bytes: 8 + int(n)}
	if n == 0 || text[0] != '{' {
		return nil, fail("the header does not begin with {: this is no safetensors file", notOurs)
	}
	if !utf8.Valid(text) {
		return nil, fail("the header is not valid UTF-8", damaged)
	}
	if err := h.decode(file, text); err != nil {
		return nil, err
	}
	return h, h.checkLayout(file, len(data))
}

// otherFormat recognises what people pass by mistake, from the first bytes.
func otherFormat(data []byte) (problem, remedy string) {
	for _, f := range []struct{ magic, problem, remedy string }{
		{"version https://git-lfs", "is a Git LFS pointer, not the weights", "run `git lfs pull` in the model's directory"},
		{"GGUF", "is a GGUF file", "give the model's safetensors files instead"},
		{"PK\x03\x04", "is a PyTorch (zip) file", "convert it to safetensors"},
		{"\x80\x02", "is a PyTorch (pickle) file", "convert it to safetensors"},
		{"<!DOCTYPE", "is a web page", "the download gave a page instead of the file: fetch it again, logged in if the model is gated"},
		{"<html", "is a web page", "the download gave a page instead of the file: fetch it again, logged in if the model is gated"},
	} {
		// A short magic can also be the low bytes of a true header length.
		if bytes.HasPrefix(data, []byte(f.magic)) && !plausibleLength(data) {
			return f.problem, f.remedy
		}
	}
	return "", ""
}

func plausibleLength(data []byte) bool {
	return len(data) >= 9 && binary.LittleEndian.Uint64(data) <= maxHeader && data[8] == '{'
}

// decode reads the JSON token by token: a map would silently keep the last of two equal keys.
func (h *header) decode(file string, text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	tensor := ""
	err := decodeObject(dec, func(key string) error {
		tensor = ""
		if key == "__metadata__" {
			h.metadata = map[string]string{}
			return decodeStrings(dec, h.metadata)
		}
		tensor = key
		e, err := decodeEntry(dec)
		e.name = key
		h.entries = append(h.entries, e)
		return err
	})
	if err == nil {
		tensor = ""
		if _, end := dec.Token(); end != io.EOF {
			err = fmt.Errorf("something follows the JSON object")
		}
	}
	if err != nil {
		return &FormatError{File: file, Tensor: tensor, Problem: "header: " + err.Error(), Remedy: damaged}
	}
	return nil
}

// decodeEntry reads {"dtype":..., "shape":[...], "data_offsets":[begin,end]} and checks the entry in itself.
func decodeEntry(dec *json.Decoder) (entry, error) {
	var e entry
	var offsets []int
	seen := 0
	err := decodeObject(dec, func(key string) (err error) {
		seen++
		switch key {
		case "dtype":
			e.dtype, err = decodeString(dec)
		case "shape":
			e.shape, err = decodeInts(dec, maxRank)
		case "data_offsets":
			offsets, err = decodeInts(dec, 2)
		default:
			return fmt.Errorf("unknown field %q", key)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	if err != nil {
		return e, err
	}
	if seen != 3 {
		return e, fmt.Errorf("dtype, shape or data_offsets is missing")
	}
	if len(offsets) != 2 || offsets[0] > offsets[1] {
		return e, fmt.Errorf("data_offsets %v are no [begin, end]", offsets)
	}
	e.begin, e.end = offsets[0], offsets[1]
	size, err := byteSize(e.dtype, e.shape)
	if err == nil && size != e.end-e.begin {
		err = fmt.Errorf("shape %v of %s needs %d bytes, data_offsets span %d", e.shape, e.dtype, size, e.end-e.begin)
	}
	return e, err
}

// checkLayout sorts the entries by position and checks that together they are exactly the file's data.
func (h *header) checkLayout(file string, size int) error {
	slices.SortFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.name, b.name))
	})
	at, before := 0, "the header"
	for _, e := range h.entries {
		switch {
		case e.begin < at:
			return &FormatError{file, e.name, fmt.Sprintf("its data begins at %d, inside %q, which ends at %d", e.begin, before, at), faultyGen}
		case e.begin > at:
			return &FormatError{file, e.name, fmt.Sprintf("%d unused bytes before its data, which begins at %d", e.begin-at, e.begin), faultyGen}
		}
		at, before = e.end, e.name
	}
	want := uint64(h.bytes) + uint64(at)
	switch {
	case want > uint64(size):
		return &FormatError{File: file, Problem: fmt.Sprintf("the download is incomplete: want %d bytes, have %d", want, size), Remedy: "fetch the file again"}
	case want < uint64(size):
		return &FormatError{File: file, Problem: fmt.Sprintf("%d bytes follow the last tensor: want %d bytes, have %d", uint64(size)-want, want, size), Remedy: damaged}
	}
	return nil
}
