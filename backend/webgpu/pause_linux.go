package webgpu

import (
	"syscall"
	"time"
)

// pause sleeps in the kernel: time.Sleep in a program with nothing else to do lasts a millisecond at least, as long as many a dispatch.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal ends it early, which does no harm
}
