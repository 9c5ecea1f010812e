//go:build !unix

package main

// plainFileSizeLimit does nothing where there is no such limit.
func plainFileSizeLimit() {}
