package safetensors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
)

// sampleBytes of each end of a tensor go into a fingerprint.
const sampleBytes = 4096

// Fingerprint identifies weights cheaply, for "is this the model that the checkpoint was made from". It is the hex
// SHA-256 of the length field and header, and of every tensor, in file order, its first and last 4 KiB. The header holds
// names, types, shapes and sizes, so other weights of the same architecture differ in the samples, after any training
// step on them. It is no checksum: a flipped bit in the middle of a large tensor goes unseen.
func Fingerprint(path string) (string, error) {
	f, err := Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return f.Fingerprint()
}

// Fingerprint is that of the opened file; see the function Fingerprint.
func (f *File) Fingerprint() (string, error) {
	h := sha256.New()
	err := Guard(f.path, func() error {
		if f.data == nil {
			return fmt.Errorf("%s: is closed", f.path)
		}
		h.Write(f.data[:f.header.bytes])
		for _, e := range f.header.entries {
			data := f.data[f.header.bytes+e.begin : f.header.bytes+e.end]
			h.Write(data[:min(len(data), sampleBytes)])
			h.Write(data[max(0, len(data)-sampleBytes):])
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Fingerprint is that of its file, or for shards the hex SHA-256 of lines "<fingerprint>  <file name>".
func (m *Model) Fingerprint() (string, error) {
	all := sha256.New()
	for _, f := range m.files {
		one, err := f.Fingerprint()
		if err != nil || len(m.files) == 1 {
			return one, err
		}
		fmt.Fprintf(all, "%s  %s\n", one, filepath.Base(f.path))
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}
