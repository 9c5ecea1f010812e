package main

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var globalMemoryStatusEx = windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")

// hostMemory is the physical memory that is free, by Windows' MEMORYSTATUSEX.
func hostMemory() (bytes int64, what string) {
	var m struct {
		length, load                                                                     uint32
		total, available, totalPage, availablePage, totalVirtual, availVirtual, extended uint64
	}
	m.length = uint32(unsafe.Sizeof(m))
	if ok, _, _ := globalMemoryStatusEx.Call(uintptr(unsafe.Pointer(&m))); ok == 0 {
		return 0, ""
	}
	return int64(m.available), "free memory"
}
