package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/data"
	"luthier/internal/atomicfile"
	"luthier/model/safetensors"
	"luthier/train"
)

// TestExitCodes holds the contract of exit codes, by error type and through wrapping.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{&atomicfile.BusyError{Dir: "d"}, 1},
		{usage("x"), 2},
		{&train.OptionError{Err: errors.New("x")}, 2},
		{badData(errors.New("x")), 3},
		{data.ErrNoData, 3},
		{data.ErrOneClass, 3},
		{&safetensors.FormatError{File: "f"}, 3},
		{backend.ErrNoAdapter, 4},
		{backend.ErrOutOfMemory, 5},
		{&memoryError{}, 5},
		{&backend.LimitError{}, 5},
		{&train.DivergedError{Tensor: "loss"}, 6},
		{badData(&safetensors.NonFiniteError{}), 6},
		{badData(backend.ErrDeviceLost), 7},
		{&train.MismatchError{}, 8},
		{&train.CheckpointError{Err: errors.New("x")}, 8},
		{train.ErrInterrupted, 130},
		{errors.Join(train.ErrInterrupted, errors.New("close")), 130},
	} {
		require.Equal(t, c.code, exitCode(c.err), "%v", c.err)
		if c.err != nil {
			require.Equal(t, c.code, exitCode(fmt.Errorf("in: %w", c.err)), "%v", c.err)
		}
	}
}

// stopAt cancels when a text is written.
type stopAt struct {
	bytes.Buffer
	text   string
	cancel func()
}

func (s *stopAt) Write(p []byte) (int, error) {
	n, err := s.Buffer.Write(p)
	if strings.Contains(s.String(), s.text) {
		s.cancel()
	}
	return n, err
}

// TestE2EInterrupted stops a run, which exits with 130 after saving; resumed it ends in the bytes of a run never stopped. A checkpoint of
// other settings is refused with 8.
func TestE2EInterrupted(t *testing.T) {
	device := adapter(t) // float64 would lose bits in the f32 of a checkpoint
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 24)
	args := func(out string, more ...string) []string {
		return append([]string{"train", "--model", dir, "--data", rows, "--out", out, "--epochs", "3", "--log-steps", "1", "--lora-dropout", "0.1",
			"--device", device}, more...)
	}
	straight, stopped := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	var none, errs bytes.Buffer
	require.Zero(t, run(context.Background(), args(straight), strings.NewReader(""), &none, &errs), errs.String())

	ctx, cancel := context.WithCancel(context.Background())
	require.Equal(t, 130, run(ctx, args(stopped), strings.NewReader(""), &stopAt{text: "step 4/", cancel: cancel}, &errs), errs.String())
	require.Contains(t, errs.String(), "--resume")
	require.NoFileExists(t, filepath.Join(stopped, "adapter_model.safetensors"))

	errs.Reset()
	require.Equal(t, 8, run(context.Background(), args(stopped, "--resume", "--lr", "1"), strings.NewReader(""), &none, &errs))
	require.Contains(t, errs.String(), "lr was")

	require.Zero(t, run(context.Background(), args(stopped, "--resume"), strings.NewReader(""), &none, &errs), errs.String())
	want, err := os.ReadFile(filepath.Join(straight, "adapter_model.safetensors"))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(stopped, "adapter_model.safetensors"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
}
