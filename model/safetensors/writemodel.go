package safetensors

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// DefaultShardBytes is the size of a shard that Hugging Face writes.
const DefaultShardBytes = 5_000_000_000

// writeBuffer is large enough that small tensors do not cost a system call each.
const writeBuffer = 1 << 20

// WriteModel writes tensors into dir in Hugging Face's layout: model.safetensors where all fit maxShardBytes (0:
// DefaultShardBytes), else shards named model-00001-of-0000N.safetensors, filled in the order given, and their index.
// A tensor larger than maxShardBytes has a shard of its own. dir must exist and hold no weights. Nothing is synced and
// what was written before an error stays: build dir beside its place and rename it when whole.
func WriteModel(dir string, tensors []Out, maxShardBytes int64) error {
	if maxShardBytes < 0 {
		return fmt.Errorf("shard size %d is negative: give bytes, or 0 for %d", maxShardBytes, int64(DefaultShardBytes))
	}
	if maxShardBytes == 0 {
		maxShardBytes = DefaultShardBytes
	}
	if old, _ := filepath.Glob(filepath.Join(escapeGlob(dir), "model*.safetensors*")); len(old) > 0 {
		return fmt.Errorf("%s: holds weights already (%s): write into an empty directory", dir, few(baseNames(old)))
	}
	shards, err := fillShards(tensors, maxShardBytes)
	if err != nil {
		return err
	}
	if len(shards) == 1 {
		return writeShard(filepath.Join(dir, singleName), shards[0])
	}
	shardOf := map[string]string{}
	total := int64(0)
	for i, shard := range shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		for _, t := range shard {
			size, _ := t.check() // fillShards has looked at the error
			total += int64(size)
			if shardOf[t.Name] != "" {
				return fmt.Errorf("tensor %q: this name is given twice", t.Name)
			}
			shardOf[t.Name] = name
		}
		if err := writeShard(filepath.Join(dir, name), shard); err != nil {
			return err
		}
	}
	return writeIndex(filepath.Join(dir, indexName), shardOf, total)
}

// fillShards puts tensors in order into as few shards as that order allows; there is at least one.
func fillShards(tensors []Out, maxBytes int64) ([][]Out, error) {
	shards := [][]Out{nil}
	used := int64(0)
	for _, t := range tensors {
		size, err := t.check()
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		last := len(shards) - 1
		if len(shards[last]) > 0 && used+int64(size) > maxBytes {
			shards = append(shards, nil)
			last, used = last+1, 0
		}
		shards[last] = append(shards[last], t)
		used += int64(size)
	}
	return shards, nil
}

func writeShard(path string, tensors []Out) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, writeBuffer)
	if err := Write(w, tensors, nil); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return w.Flush()
}

func writeIndex(path string, shardOf map[string]string, total int64) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(struct {
		Metadata  map[string]int64  `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"` // encoded in order of name
	}{map[string]int64{"total_size": total}, shardOf})
	if err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o666)
}
