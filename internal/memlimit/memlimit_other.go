//go:build !linux

package memlimit

// Can tells whether Address works on this system.
const Can = false

// Address does nothing here.
func Address(uint64) bool { return false }
