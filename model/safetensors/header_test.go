package safetensors

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raw is a file with this header text and n bytes of data.
func raw(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func entryJSON(dtype, shape, offsets string) string {
	return `{"dtype":"` + dtype + `","shape":` + shape + `,"data_offsets":` + offsets + `}`
}

func TestMalformed(t *testing.T) {
	good := entryJSON("F32", "[2]", "[0,8]")
	long := binary.LittleEndian.AppendUint64(nil, 1<<40)
	cases := map[string]struct {
		data []byte
		says string
	}{
		"empty":              {nil, "x.safetensors: 0 bytes are too few for a safetensors file; the download is incomplete: fetch it again"},
		"seven bytes":        {make([]byte, 7), "7 bytes are too few"},
		"header cut":         {raw(`{"a":`+good+`}`, 0)[:20], "the download is incomplete: want at least 62 bytes, have 20; fetch the file again"},
		"header over limit":  {append(long, '{'), "header of 1099511627776 bytes is over the format's limit of 100000000"},
		"no header":          {raw("", 0), "the header does not begin with {"},
		"leading space":      {raw(" {}", 0), "the header does not begin with {"},
		"array":              {raw("[]", 0), "the header does not begin with {"},
		"not UTF-8":          {raw("{\"\xff\":"+good+"}", 8), "not valid UTF-8"},
		"cut JSON":           {raw(`{"a":{"dtype":"F32"`, 0), `tensor "a": header: invalid JSON: unexpected EOF; the file is damaged`},
		"bare word":          {raw(`{"a":nan}`, 0), `tensor "a": header: invalid JSON: invalid character`},
		"trailing comma":     {raw(`{"a":`+good+`,}`, 8), "invalid JSON"},
		"second object":      {raw(`{"a":`+good+`} {}`, 8), "header: something follows the JSON object"},
		"duplicate tensor":   {raw(`{"a":`+good+`,"a":`+good+`}`, 8), `key "a" comes twice`},
		"duplicate, escaped": {raw(`{"a":`+good+`,"\u0061":`+good+`}`, 8), `key "a" comes twice`},
		"duplicate field":    {raw(`{"a":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,8]}}`, 8), `tensor "a": header: key "dtype" comes twice`},
		"tensor no object":   {raw(`{"a":7}`, 0), `tensor "a": header: want an object, have 7`},
		"unknown field":      {raw(`{"a":{"dtype":"F32","shape":[2],"strides":[1]}}`, 8), `unknown field "strides"`},
		"missing field":      {raw(`{"a":{"dtype":"F32","shape":[2]}}`, 8), "dtype, shape or data_offsets is missing"},
		"unknown dtype":      {raw(`{"a":`+entryJSON("F33", "[2]", "[0,8]")+`}`, 8), `tensor "a": header: dtype "F33" is unknown (known: BF16 BOOL`},
		"dtype null":         {raw(`{"a":{"dtype":null,"shape":[2],"data_offsets":[0,8]}}`, 8), "dtype: want a string"},
		"negative dimension": {raw(`{"a":`+entryJSON("F32", "[-2]", "[0,8]")+`}`, 8), `shape: -2 is no whole number from 0 to`},
		"fraction":           {raw(`{"a":`+entryJSON("F32", "[2.0]", "[0,8]")+`}`, 8), `shape: 2.0 is no whole number`},
		"beyond int64":       {raw(`{"a":`+entryJSON("F32", "[99999999999999999999]", "[0,8]")+`}`, 8), "is no whole number"},
		"shape overflows":    {raw(`{"a":`+entryJSON("F32", "[4611686018427387904,16]", "[0,8]")+`}`, 8), "of F32 overflows"},
		"too many dims":      {raw(`{"a":`+entryJSON("F32", "["+strings.Repeat("1,", 64)+"1]", "[0,4]")+`}`, 4), "shape: more than 64 numbers"},
		"half bytes":         {raw(`{"a":`+entryJSON("F4", "[3]", "[0,2]")+`}`, 2), "does not fill whole bytes"},
		"length is not size": {raw(`{"a":`+entryJSON("F32", "[3]", "[0,8]")+`}`, 8), "shape [3] of F32 needs 12 bytes, data_offsets span 8"},
		"offsets reversed":   {raw(`{"a":`+entryJSON("F32", "[2]", "[8,0]")+`}`, 8), "data_offsets [8 0] are no [begin, end]"},
		"three offsets":      {raw(`{"a":`+entryJSON("F32", "[2]", "[0,8,9]")+`}`, 8), "data_offsets: more than 2 numbers"},
		"one offset":         {raw(`{"a":`+entryJSON("F32", "[2]", "[0]")+`}`, 8), "data_offsets [0] are no"},
		"overlap":            {raw(`{"a":`+good+`,"b":`+entryJSON("F32", "[2]", "[4,12]")+`}`, 12), `tensor "b": its data begins at 4, inside "a", which ends at 8; the program that wrote`},
		"hole":               {raw(`{"a":`+good+`,"b":`+entryJSON("F32", "[2]", "[12,20]")+`}`, 20), `tensor "b": 4 unused bytes before its data, which begins at 12`},
		"hole at the front":  {raw(`{"a":`+entryJSON("F32", "[2]", "[4,12]")+`}`, 12), `tensor "a": 4 unused bytes`},
		"data cut":           {raw(`{"a":`+good+`}`, 7), "the download is incomplete: want 70 bytes, have 69; fetch the file again"},
		"huge, cut":          {raw(`{"a":`+entryJSON("U8", "[4611686018427387]", "[0,4611686018427387]")+`}`, 7), "the download is incomplete: want 4611686018427"},
		"trailing bytes":     {raw(`{"a":`+good+`}`, 11), "3 bytes follow the last tensor: want 70 bytes, have 73"},
		"metadata number":    {raw(`{"__metadata__":{"x":1}}`, 0), `header: "x": want a string, have 1`},
		"metadata twice":     {raw(`{"__metadata__":{},"__metadata__":{}}`, 0), "comes twice"},
		"deep nesting":       {raw(`{"a":`+strings.Repeat("[", 1<<16), 0), "want an object"},
		"git lfs":            {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), "is a Git LFS pointer, not the weights; run `git lfs pull`"},
		"gguf":               {[]byte("GGUF\x03\x00\x00\x00\x00"), "is a GGUF file"},
		"zip":                {[]byte("PK\x03\x04\x00\x00\x08\x08\x00"), "is a PyTorch (zip) file"},
		"pickle":             {[]byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9"), "is a PyTorch (pickle) file"},
		"web page":           {[]byte("<!DOCTYPE html><html>"), "is a web page"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.safetensors")
			require.NoError(t, os.WriteFile(path, c.data, 0o644))
			f, err := Open(path)
			require.Error(t, err)
			require.Nil(t, f)
			var fe *FormatError
			require.True(t, errors.As(err, &fe))
			assert.Equal(t, path, fe.File)
			assert.NotEmpty(t, fe.Remedy)
			assert.ErrorContains(t, err, c.says)
			assert.Less(t, len(err.Error()), 700, "a message is read by people")
		})
	}
}

// What is unusual but valid must load.
func TestUnusual(t *testing.T) {
	cases := map[string]struct {
		data  []byte
		names []string
	}{
		"no tensors":                         {raw("{}", 0), nil},
		"unaligned header":                   {raw(`{"a":`+entryJSON("F32", "[2]", "[0,8]")+`}`, 8), []string{"a"}},
		"padded":                             {raw(`{"a":`+entryJSON("F32", "[2]", "[0,8]")+`}       `, 8), []string{"a"}},
		"scalar":                             {raw(`{"a":`+entryJSON("F32", "[]", "[0,4]")+`}`, 4), []string{"a"}},
		"no elements":                        {raw(`{"a":`+entryJSON("F32", "[0,3]", "[0,0]")+`,"b":`+entryJSON("U8", "[1]", "[0,1]")+`}`, 1), []string{"a", "b"}},
		"header unordered":                   {raw(`{"b":`+entryJSON("U8", "[1]", "[1,2]")+`,"a":`+entryJSON("U8", "[1]", "[0,1]")+`}`, 2), []string{"a", "b"}},
		"float8 and float4":                  {raw(`{"a":`+entryJSON("F8_E4M3", "[3]", "[0,3]")+`,"b":`+entryJSON("F4", "[2]", "[3,4]")+`}`, 4), []string{"a", "b"}},
		"length looks like a pickle's magic": {raw(`{"a":`+entryJSON("U8", "[1]", "[0,1]")+`}`+strings.Repeat(" ", 0x280-53), 1), []string{"a"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := newFile("x", c.data)
			require.NoError(t, err)
			assert.Equal(t, c.names, f.Names())
		})
	}
}
