package main

// hostMemory is what the kernel would give without swapping.
func hostMemory() (bytes int64, what string) { return memAvailable("/proc/meminfo"), "free memory" }
