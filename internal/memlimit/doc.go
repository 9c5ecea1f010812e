// Package memlimit makes memory short, for tests of what happens then.
package memlimit
