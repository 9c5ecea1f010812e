package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childEnv makes the test binary behave as luthier: what a signal, an environment or a kill does needs a process of its own.
const childEnv = "LUTHIER_TEST_CHILD=1"

func TestMain(m *testing.M) {
	if os.Getenv(strings.TrimSuffix(childEnv, "=1")) == "1" {
		spoilAdapter(os.Getenv(spoilEnv))
		main()
	}
	os.Exit(m.Run())
}

// child is a luthier in a process of its own.
type child struct {
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	errOut bytes.Buffer
}

// startChild starts a command line in dir, with more environment.
func startChild(t *testing.T, dir string, env []string, args ...string) *child {
	t.Helper()
	return startCommand(t, dir, env, exec.Command(os.Args[0], args...))
}

// startCommand starts a command that ends in this binary as luthier.
func startCommand(t *testing.T, dir string, env []string, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{cmd: cmd}
	c.cmd.Dir, c.cmd.Env = dir, append(append(os.Environ(), childEnv), env...)
	c.cmd.Stderr = &c.errOut
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	c.lines = bufio.NewScanner(out)
	alarm := time.AfterFunc(4*time.Minute, func() { _ = c.cmd.Process.Kill() }) // a hang is a failure, not a wait
	t.Cleanup(func() {
		alarm.Stop()
		_ = c.cmd.Process.Kill() // in vain where it has ended
	})
	return c
}

// until reads lines up to one that contains text; false at the end of the output.
func (c *child) until(text string) bool {
	for c.lines.Scan() {
		if strings.Contains(c.lines.Text(), text) {
			return true
		}
	}
	return false
}

// end reads the rest and waits: the exit code, -1 for a process that was killed.
func (c *child) end() (code int, errOut string) {
	for c.lines.Scan() {
	}
	_ = c.cmd.Wait() // its error repeats the code
	return c.cmd.ProcessState.ExitCode(), c.errOut.String()
}
