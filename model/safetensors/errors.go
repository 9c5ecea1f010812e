package safetensors

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// FormatError says what is wrong with a weight file, in which tensor, and what probably helps.
type FormatError struct {
	File    string
	Tensor  string // "" where the fault is the file's
	Problem string
	Remedy  string // "" where there is none to name
}

func (e *FormatError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Tensor != "" {
		fmt.Fprintf(&b, ": tensor %q", e.Tensor)
	}
	b.WriteString(": " + e.Problem)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

const (
	damaged   = "the file is damaged: download or write it again"
	notOurs   = "give a .safetensors file"
	faultyGen = "the program that wrote this file is at fault: save the model again with safetensors"
)

// Guard runs fn, which reads the Data of tensors of file, and turns a fault of the mapping into an error: a file that
// another program cuts short, a disk or network share that goes away, and Data used after Close would otherwise end
// the process. The methods of Tensor are guarded already.
func Guard(file string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		// Only a memory fault at a given address has Addr; any other panic is ours and goes on.
		if _, ok := r.(interface {
			runtime.Error
			Addr() uintptr
		}); !ok {
			panic(r)
		}
		err = &FormatError{File: file, Problem: "could not be read to its end: it was changed, cut short or closed while in use, or its disk failed",
			Remedy: "check the file and the disk, then start again"}
	}()
	return fn()
}
