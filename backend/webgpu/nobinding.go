//go:build !cgo

package webgpu

import "errors"

// Without cgo there is no library: every adapter question says so.
var library binding = none{}

type none struct{}

var errNoCgo = errors.New("this binary was built without cgo")

func (none) adapters() ([]candidate, error) { return nil, errNoCgo }

func (none) open(int) (gpu, error) { return nil, errNoCgo }
