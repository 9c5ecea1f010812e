package webgpu

// Uniform blocks never change, so equal ones share a slot: slots of 256 bytes in pages, bound once a page and told apart by the
// dynamic offset.
const (
	slotSize  = align
	pageSlots = 1024
)

type slot struct {
	page handle
	id   int // of the page
	off  uint32
	refs int
	text string
}

type uniforms struct {
	byText map[string]*slot
	pages  []handle
	free   []*slot
}

func (u *uniforms) init() { u.byText = map[string]*slot{} }

func (u *uniforms) release() {
	for _, p := range u.pages {
		p.release()
	}
}

// uniformSlot returns the slot that holds block, writing it if it is new.
func (d *Device) uniformSlot(block []byte) (*slot, error) {
	u := &d.uniforms
	if s := u.byText[string(block)]; s != nil {
		s.refs++
		return s, nil
	}
	if len(u.free) == 0 {
		page, err := d.gpu.buffer(slotSize*pageSlots, uniform)
		if err != nil {
			return nil, err
		}
		d.stats.Buffers++
		u.pages = append(u.pages, page)
		for i := pageSlots - 1; i >= 0; i-- {
			u.free = append(u.free, &slot{page: page, id: len(u.pages), off: uint32(i * slotSize)})
		}
	}
	s := u.free[len(u.free)-1]
	if err := d.gpu.write(s.page, int64(s.off), block); err != nil {
		return nil, err
	}
	u.free = u.free[:len(u.free)-1]
	s.refs, s.text = 1, string(block)
	u.byText[s.text] = s
	return s, nil
}

func (u *uniforms) unref(s *slot) {
	if s.refs--; s.refs == 0 {
		delete(u.byText, s.text)
		u.free = append(u.free, s)
	}
}
