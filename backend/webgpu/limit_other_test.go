//go:build !linux

package webgpu

func limitAddressSpace(uint64) bool { return false }
