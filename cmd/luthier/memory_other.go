//go:build !linux && !darwin && !windows

package main

// hostMemory is not known here.
func hostMemory() (bytes int64, what string) { return 0, "" }
