package safetensors

import (
	"errors"
	"fmt"
	"io"
)

// checked passes a tensor's bytes on, counts them, and looks for non-finite elements (lanes.bits 0: does not look).
// A write may end inside an element; the part waits in rest.
type checked struct {
	w     io.Writer
	left  int
	lanes lanes
	rest  []byte
	seen  int // elements looked at
	index int
	found bool
}

var errNonFinite = errors.New("NaN or infinite")

func (c *checked) Write(p []byte) (int, error) {
	if len(p) > c.left {
		return 0, fmt.Errorf("%d bytes more than its shape holds", len(p)-c.left)
	}
	if c.lanes.bits != 0 && !c.look(p) {
		return 0, errNonFinite
	}
	n, err := c.w.Write(p)
	c.left -= n
	return n, err
}

// look reports whether the elements that p completes are finite.
func (c *checked) look(p []byte) bool {
	size := int(c.lanes.bits / 8)
	if len(c.rest) > 0 {
		n := min(size-len(c.rest), len(p))
		c.rest = append(c.rest, p[:n]...)
		p = p[n:]
		if len(c.rest) < size {
			return true
		}
		if !c.scan(c.rest, size) {
			return false
		}
		c.rest = c.rest[:0]
	}
	whole := len(p) / size * size
	if !c.scan(p[:whole], size) {
		return false
	}
	c.rest = append(c.rest, p[whole:]...)
	return true
}

func (c *checked) scan(p []byte, size int) bool {
	i, found := c.lanes.first(p, c.lanes.inf)
	if found {
		c.index, c.found = c.seen+i, true
	}
	c.seen += len(p) / size
	return !found
}
