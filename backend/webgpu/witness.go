package webgpu

import (
	"context"
	"encoding/binary"
	"fmt"

	"luthier/backend"
	"luthier/shaders"
)

// witness is a word on the device that each submit of dispatches counts up, and the number that it should have. Metal tells the library that a
// command buffer is done even where the system has ended it for its length or for want of memory: what was read back would be the values
// of an earlier step. A readback brings the count with it.
type witness struct {
	word  handle
	pipe  *pipeline
	group handle
	sent  uint32
}

const wordBytes = 16 // of a library buffer for the word, and behind what is read back

// testify makes the witness. The word is cleared here: see settle.
func (d *Device) testify() error {
	k, err := shaders.Load("tick", nil)
	if err != nil {
		return err
	}
	w := &witness{}
	if w.pipe, err = d.pipelineOf(k); err != nil {
		return err
	}
	if w.word, err = d.gpu.buffer(wordBytes, storage); err != nil {
		return err
	}
	d.stats.Buffers++
	d.witness = w
	if w.group, err = d.gpu.group(w.pipe.layout, []entry{{k.Bindings[0].Index, w.word, 0, wordBytes}}); err != nil {
		return err
	}
	d.stats.BindGroups++
	e, err := d.gpu.encoder()
	if err != nil {
		return err
	}
	if err := e.clear(w.word, 0, wordBytes); err != nil {
		e.release()
		return err
	}
	return d.submit(context.Background(), e, 0)
}

// count has the pass of e count itself.
func (w *witness) count(e encoder) {
	if w != nil {
		e.dispatch(w.pipe.native, w.group, nil, [3]uint32{1, 1, 1})
		w.sent++
	}
}

// bytes is what a readback of n bytes is longer by.
func (w *witness) bytes() int64 {
	if w == nil {
		return 0
	}
	return wordBytes
}

// holds compares the count at the end of what was read back with that of the submits before it.
func (w *witness) holds(raw []byte, sent uint32) error {
	if w == nil {
		return nil
	}
	if ran := binary.LittleEndian.Uint32(raw[len(raw)-wordBytes:]); ran != sent {
		return fmt.Errorf("%w: of %d submits %d came to their end: the system stopped the others, for their length or for want of memory", backend.ErrDeviceLost,
			sent, ran)
	}
	return nil
}

func (w *witness) release() {
	if w == nil {
		return
	}
	if w.group != nil {
		w.group.release()
	}
	w.word.release()
}
