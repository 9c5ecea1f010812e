package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// interruptedEarly signals a command while it hangs in a driver, where nothing looks at a context: it must end, and soon, leave nothing, and
// tell as --json says.
func interruptedEarly(t *testing.T, signal os.Signal, line string) (code int, errs, outs string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that one process could send to another as Ctrl-C")
	}
	c := startChild(t, ".", []string{spoilEnv + "=stuck"}, strings.Fields(line)...)
	require.True(t, c.until("opening"), "%s", &c.errOut)
	began := time.Now()
	require.NoError(t, c.cmd.Process.Signal(signal))
	for c.lines.Scan() {
		outs += c.lines.Text()
	}
	code, errs = c.end()
	require.Less(t, time.Since(began), patience+5*time.Second)
	require.NoDirExists(t, "out")
	return code, errs, outs
}

func TestInterruptedEarly(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("rows.tsv", []byte("text\tlabel\n"), 0o600))
	for _, c := range []struct {
		line   string
		signal os.Signal
	}{
		{"train --model bert --data rows.tsv --out out/deep", syscall.SIGTERM}, {"eval --model bert --data rows.tsv --json", os.Interrupt},
		{"predict --model bert hello", syscall.SIGTERM}, {"generate --model llama hello", os.Interrupt},
	} {
		t.Run(c.line, func(t *testing.T) {
			code, errs, out := interruptedEarly(t, c.signal, c.line)
			assert.Equal(t, exitInterrupted, code)
			assert.Equal(t, "luthier: interrupted: nothing was written", lastMessage(errs))
			assert.Equal(t, strings.Contains(c.line, "--json"), strings.Contains(out, `"exit_code":130`), out)
		})
	}
}

// A merge that is interrupted leaves no part of a model.
func TestInterruptedMerge(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	dir := filepath.Join(t.TempDir(), "out")
	args := []string{"merge", "--model", tinyModel(t, "bert"), "--out", dir}
	require.Equal(t, exitInterrupted, run(ctx, args, strings.NewReader(""), &out, &errs), errs.String())
	require.Contains(t, errs.String(), "luthier: interrupted")
	require.NoDirExists(t, dir)
}
