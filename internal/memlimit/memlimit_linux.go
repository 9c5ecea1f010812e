package memlimit

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Can tells whether Address works on this system.
const Can = true

// Address leaves this process n more bytes of address space; false where that cannot be had.
func Address(n uint64) bool {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return false
	}
	pages, err := strconv.ParseUint(strings.Fields(string(b))[0], 10, 64)
	if err != nil {
		return false
	}
	most := pages*uint64(os.Getpagesize()) + n
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: most, Max: most}) == nil
}
