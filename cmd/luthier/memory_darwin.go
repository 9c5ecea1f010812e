package main

import "golang.org/x/sys/unix"

// hostMemory is two thirds of all, about what Metal recommends that a process uses of a machine's memory.
func hostMemory() (bytes int64, what string) {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0, ""
	}
	return int64(n / 3 * 2), "two thirds of the memory"
}
