//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// plainFileSizeLimit turns a write beyond the limit of file sizes (ulimit -f) into an error. Its signal would end the process with a trace.
func plainFileSizeLimit() { signal.Ignore(syscall.SIGXFSZ) }
