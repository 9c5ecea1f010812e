package fuzzcheck

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// spy is a test that is told of a failure.
type spy struct {
	testing.TB
	said string
}

func (s *spy) Helper() {}

func (s *spy) Fatalf(format string, args ...any) { s.said = fmt.Sprintf(format, args...) }

var sink []byte

func TestBounded(t *testing.T) {
	s := &spy{}
	Bounded(s, 100, func() { sink = make([]byte, base/2) })
	require.Empty(t, s.said)
	Bounded(s, 100, func() { sink = make([]byte, base+200*perByte) })
	require.Contains(t, s.said, "an input of 100 bytes allocates")
}
