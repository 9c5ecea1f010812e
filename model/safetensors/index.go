package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	singleName = "model.safetensors"
	indexName  = "model.safetensors.index.json"
)

// readIndex returns tensor name -> shard file name of the index at path. Shards must lie beside the index: a name
// that leads elsewhere is refused, since an index comes from whoever made the model.
func readIndex(path string) (map[string]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Size() > maxHeader {
		return nil, &FormatError{File: path, Problem: fmt.Sprintf("%d bytes are too many for an index", st.Size()), Remedy: damaged}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if problem, remedy := otherFormat(text); problem != "" {
		return nil, &FormatError{File: path, Problem: problem, Remedy: remedy}
	}
	shardOf, err := decodeIndex(text)
	if err != nil {
		return nil, &FormatError{File: path, Problem: err.Error(), Remedy: damaged}
	}
	for name, shard := range shardOf {
		if !plainName(shard) {
			return nil, &FormatError{path, name, fmt.Sprintf("shard %q is not the name of a file beside the index", shard),
				"do not use this model unless you trust its source, and correct the index"}
		}
	}
	return shardOf, nil
}

func decodeIndex(text []byte) (map[string]string, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	shardOf := map[string]string{}
	err := decodeObject(dec, func(key string) error {
		if key == "weight_map" {
			return decodeStrings(dec, shardOf)
		}
		var rest json.RawMessage // metadata.total_size: not relied on, many published indexes have it wrong
		if err := dec.Decode(&rest); err != nil {
			return jsonError(err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, end := dec.Token(); end != io.EOF {
		return nil, fmt.Errorf("something follows the JSON object")
	}
	if len(shardOf) == 0 {
		return nil, fmt.Errorf("weight_map is missing or empty")
	}
	return shardOf, nil
}

// plainName refuses directories in both systems' spelling, and device names on Windows.
func plainName(name string) bool {
	return name != "." && !strings.ContainsAny(name, `/\:`) && strings.IndexByte(name, 0) < 0 && filepath.IsLocal(name)
}
