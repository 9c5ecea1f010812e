package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

const canLimitAddressSpace = true

// limitAddressSpace leaves this process n more bytes of address space.
func limitAddressSpace(n uint64) bool {
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
