package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openTerminal gives both ends of a terminal of so many columns.
func openTerminal(t *testing.T, columns int) (near, far *os.File) {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { near.Close() })
	fd := int(near.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: uint16(columns)}))
	far, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return near, far
}

var controls = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// On a terminal a run is one line that is drawn over itself, as wide as the terminal at most, with the numbers that fit; what stays are the header,
// the evaluations and the end.
func TestProgressOnATerminal(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 32)
	for columns, wanted := range map[int][]string{60: {"loss "}, 100: {"loss ", "lr ", "tok/s", "ETA "}, 160: {"loss ", "lr ", "tok/s", "ETA ", "iB", "grad ", "epoch "}} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			near, far := openTerminal(t, columns)
			cmd := exec.Command(os.Args[0], "train", "--model", dir, "--data", rows, "--eval-data", rows, "--max-steps", "200", "--log-steps", "1", "--eval-steps", "100",
				"--batch-size", "4", "--out", filepath.Join(t.TempDir(), "out"))
			cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), childEnv, "TERM=xterm"), far, far
			require.NoError(t, cmd.Start())
			require.NoError(t, far.Close())
			var drawn bytes.Buffer
			_, _ = io.Copy(&drawn, near) // ends with an error when nobody holds the other end any more
			require.NoError(t, cmd.Wait(), drawn.String())
			text := controls.ReplaceAllString(drawn.String(), "")
			frames := 0
			for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
				if !strings.Contains(line, "/200)") {
					continue
				}
				require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, " ")), columns, "%q would wrap", line)
				whole := true
				for _, w := range wanted {
					whole = whole && strings.Contains(line, w)
				}
				if whole {
					frames++
				}
			}
			require.Positive(t, frames, "no line with %v in %q", wanted, text)
			require.NotContains(t, text, "step 100/200", "a plain line beside the one that moves")
			for _, stays := range []string{"model:", "eval at step 100: loss", "done:     200 steps", "written:"} {
				require.Contains(t, text, stays)
			}
		})
	}
}
