//go:build !linux

package main

const canLimitAddressSpace = false

func limitAddressSpace(uint64) bool { return false }
