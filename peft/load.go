package peft

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"luthier/model/safetensors"
	"luthier/model/torchzip"
)

// readTensors reads the weights of an adapter directory. Values are copied: no file stays open.
func readTensors(dir string) (out []Tensor, path string, err error) {
	path = filepath.Join(dir, WeightsFile)
	if pickle := filepath.Join(dir, PickleFile); !isFile(path) && isFile(pickle) {
		ts, err := torchzip.Read(pickle)
		if err != nil {
			return nil, pickle, err
		}
		out, err = leaves(ts)
		return out, pickle, err
	}
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, path, err
	}
	defer f.Close()
	var ts []safetensors.Tensor
	for _, name := range f.Names() {
		t, _ := f.Tensor(name)
		ts = append(ts, t)
	}
	out, err = leaves(ts)
	return out, path, err
}

// Fingerprint identifies the weights of an adapter directory, as safetensors.Fingerprint does, or a pickle by all its bytes.
func Fingerprint(dir string) (string, error) {
	path := filepath.Join(dir, WeightsFile)
	pickle := filepath.Join(dir, PickleFile)
	if isFile(path) || !isFile(pickle) {
		return safetensors.Fingerprint(path)
	}
	f, err := os.Open(pickle)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// again tells whether a key is one that PEFT writes beside another, and computes nothing with: the module that a saved one stands for, the
// saved one by its inner name (of biases), and tied weights.
func again(key string, there map[string]bool) bool {
	if strings.Contains(key, ".original_module.") {
		return true
	}
	for inner, plain := range map[string]string{".modules_to_save.": ".", "cls.predictions.decoder.bias": "cls.predictions.bias"} {
		if strings.Contains(key, inner) && there[strings.Replace(key, inner, plain, 1)] {
			return true
		}
	}
	return false
}

// leaves are the tensors of a file by the names of leaves.
func leaves(ts []safetensors.Tensor) (out []Tensor, err error) {
	there := map[string]bool{}
	for _, t := range ts {
		there[t.Name] = true
	}
	for _, t := range ts {
		if again(t.Name, there) {
			continue
		}
		leaf, base, ok := leafOf(t.Name)
		if !ok {
			return nil, fmt.Errorf("%s: tensor %s: a PEFT adapter's names start with %s", t.File, t.Name, prefix)
		}
		x := make([]float32, t.Elems())
		if err := t.Float32(x); err != nil {
			return nil, err
		}
		if i, bad := safetensors.FirstNonFiniteFloat32(x); bad {
			return nil, fmt.Errorf("%s: tensor %s: element %d is not finite", t.File, t.Name, i)
		}
		shape := t.Shape
		if transposedInFile(leaf) && len(shape) == 2 {
			x, shape = transpose(x, shape[0], shape[1]), []int{shape[1], shape[0]}
		}
		out = append(out, Tensor{leaf, shape, x, base})
	}
	return out, nil
}

// checkTwice refuses two keys of one weight.
func checkTwice(path string, ts []Tensor) error {
	seen := map[string]bool{}
	for _, t := range ts {
		if seen[t.Name] {
			return fmt.Errorf("%s: two tensors are %s", path, t.Name)
		}
		seen[t.Name] = true
	}
	return nil
}

// leafOf is the leaf's name of a key in a file: additions keep PEFT's prefix, base weights lose it, and the parts by which PEFT tells what
// it wraps. base says that the weight is not trained.
func leafOf(key string) (leaf string, base, ok bool) {
	rest, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return "", false, false
	}
	for _, part := range []string{".lora_A.", ".lora_B.", ".lora_embedding_A", ".lora_embedding_B"} {
		if strings.Contains(rest, part) {
			return key, false, true
		}
	}
	for _, part := range []string{".modules_to_save.default.", ".modules_to_save."} { // of files that older versions wrote
		rest = strings.Replace(rest, part, ".", 1)
	}
	base = strings.HasSuffix(rest, ".base_layer.weight")
	return strings.Replace(rest, ".base_layer.", ".", 1), base, true
}
