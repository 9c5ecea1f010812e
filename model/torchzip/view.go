package torchzip

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"luthier/model/safetensors"
)

// storage is a flat array that tensors are views of.
type storage struct {
	dtype string
	width int
	data  []byte
}

// dtypes are torch's storage classes.
var dtypes = map[string]struct {
	name  string
	width int
}{
	"FloatStorage": {safetensors.F32, 4}, "HalfStorage": {safetensors.F16, 2}, "BFloat16Storage": {safetensors.BF16, 2}, "DoubleStorage": {safetensors.F64, 8},
	"LongStorage": {safetensors.I64, 8}, "IntStorage": {safetensors.I32, 4}, "ShortStorage": {safetensors.I16, 2}, "CharStorage": {safetensors.I8, 1},
	"ByteStorage": {safetensors.U8, 1}, "BoolStorage": {safetensors.BOOL, 1},
}

// open reads the storage that a persistent id names: ("storage", class, key, device, elements).
func (a *archive) open(id any) (*storage, error) {
	t, ok := id.(tuple)
	if !ok || len(t) != 5 || t[0] != any("storage") {
		return nil, errors.New("names a persistent object that is no storage")
	}
	class, isClass := t[1].(global)
	key, isKey := t[2].(string)
	n, isCount := t[4].(int64)
	d, known := dtypes[strings.TrimPrefix(string(class), "torch.")]
	if !isClass || !isKey || !isCount || !known {
		return nil, fmt.Errorf("has a storage of a kind that is not known (%v)", class)
	}
	if s := a.storages[key]; s != nil {
		return s, nil
	}
	data, err := a.read(a.root+"/data/"+key, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > int64(len(data)) || n*int64(d.width) != int64(len(data)) {
		return nil, fmt.Errorf("storage %s has %d bytes, its %d elements want %d each", key, len(data), n, d.width)
	}
	s := &storage{d.name, d.width, data}
	a.storages[key] = s
	return s, nil
}

// shared is how many times its size the tensors of a file may take, as views are counted and as they stand in the dictionary: weights tied to
// each other share a storage, but a small file of many names for one storage would fill the memory.
const shared = 8

// take counts the bytes of a tensor.
func (a *archive) take(n int) error {
	if a.room -= int64(n); a.room < 0 {
		return fmt.Errorf("has tensors that share storages and take more than %d times its size", shared)
	}
	return nil
}

// view is a contiguous copy of a strided view, or the storage's own bytes where they are that already.
func (a *archive) view(s *storage, offset int64, shape, stride []int64) (*safetensors.Tensor, error) {
	if len(shape) != len(stride) || len(shape) > 8 {
		return nil, fmt.Errorf("has a tensor of shape %v and strides %v", shape, stride)
	}
	total := int64(len(s.data) / s.width)
	elems, last, flat := int64(1), offset, true
	dims := make([]int, len(shape))
	for i := len(shape) - 1; i >= 0; i-- {
		n, d := shape[i], stride[i]
		if n < 0 || n > total || d < 0 || d > total || offset < 0 || offset > total {
			return nil, fmt.Errorf("has a tensor of shape %v and strides %v beyond its storage of %d", shape, stride, total)
		}
		if (n > 1 && d > total/(n-1)) || (n > 0 && elems > total/n) { // an expanded view is no larger than the file either
			return nil, fmt.Errorf("has a tensor of shape %v and strides %v on a storage of %d", shape, stride, total)
		}
		flat = flat && (n == 1 || d == elems)
		dims[i] = int(n)
		last += max(0, n-1) * d
		elems *= n
	}
	if elems > 0 && last >= total {
		return nil, fmt.Errorf("has a tensor that reaches element %d of a storage of %d", last, total)
	}
	t := &safetensors.Tensor{DType: s.dtype, Shape: dims, File: a.path}
	if err := a.take(int(elems) * s.width); err != nil {
		return nil, err
	}
	if flat {
		t.Data = s.data[offset*int64(s.width) : (offset+elems)*int64(s.width)]
		return t, nil
	}
	t.Data = make([]byte, 0, elems*int64(s.width))
	at := make([]int64, len(shape))
	for range elems {
		from := offset
		for i, k := range at {
			from += k * stride[i]
		}
		t.Data = append(t.Data, s.data[from*int64(s.width):(from+1)*int64(s.width)]...)
		for i := len(at) - 1; i >= 0; i-- {
			if at[i]++; at[i] < shape[i] {
				break
			}
			at[i] = 0
		}
	}
	return t, nil
}
