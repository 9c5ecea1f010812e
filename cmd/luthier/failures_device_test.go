package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/webgpu"
	"luthier/internal/memlimit"
)

// spoilEnv says what is wrong with the adapter of a child: "lacking", "short", "stuck", or "lost:N".
const spoilEnv = "LUTHIER_TEST_SPOIL"

// deviceStages are failures of the adapter, each in a process of its own.
var deviceStages = []stage{
	{failure{"an adapter without the limits", "", 4, []string{"no usable adapter", "ADAPTER", "4 storage buffers", "luthier needs 8", "--device"}}, lackingAdapter},
	{failure{"memory that the driver refuses", "", 5, []string{"out of device memory", "the driver of ADAPTER refused", "--batch-size"}}, refusedMemory},
	{failure{"a device lost in mid-step", "", 7, []string{"device lost", "--resume"}}, lostDevice},
}

func itoa(n int) string { return strconv.Itoa(n) }

// spoilAdapter puts a spoiled adapter in the place of the one that a command opens.
func spoilAdapter(how string) {
	how, at, _ := strings.Cut(how, ":")
	open := openAdapter
	switch how {
	case "lacking":
		openAdapter = func(sel string, o webgpu.Options) (backend.Device, error) {
			o.Claims = func(l *backend.Limits) { l.Storage = 4 }
			return open(sel, o)
		}
	case "short":
		openAdapter = func(sel string, o webgpu.Options) (backend.Device, error) {
			d, err := open(sel, o)
			if err == nil && !memlimit.Address(400<<20) {
				err = fmt.Errorf("no way to run short of memory here")
			}
			return d, err
		}
	case "stuck":
		openAdapter = func(string, webgpu.Options) (backend.Device, error) {
			fmt.Println("opening")
			time.Sleep(time.Hour)
			return nil, backend.ErrNoAdapter
		}
	case "lost":
		openAdapter = func(sel string, o webgpu.Options) (backend.Device, error) {
			d, err := webgpu.Open(sel, o)
			n, _ := strconv.Atoi(at) //nolint:errcheck // the test's own text
			return &losing{Device: d, left: n}, err
		}
	}
}

// losing is a device that is lost once it has run so many recordings.
type losing struct {
	*webgpu.Device
	left int
}

func (d *losing) Run(ctx context.Context, r *backend.Recording) error {
	if d.left--; d.left == 0 {
		d.Lose()
	}
	return d.Device.Run(ctx, r)
}

// nameless has the name of the adapter, which differs from machine to machine, replaced.
func nameless(t *testing.T, device, errs string) string {
	t.Helper()
	d, err := webgpu.Open(device, webgpu.Options{})
	require.NoError(t, err)
	defer d.Close()
	return strings.ReplaceAll(errs, d.Info().Name, "ADAPTER")
}

func lackingAdapter(t *testing.T) (int, string) {
	device := adapter(t)
	code, errs := startChild(t, ".", []string{spoilEnv + "=lacking"}, append(strings.Fields(refusedRun), "--device", device)...).end()
	require.NoDirExists(t, "out")
	return code, nameless(t, device, errs)
}

// refusedMemory has little address space left when a plan that fits by what --memory says is allocated.
func refusedMemory(t *testing.T) (int, string) {
	device := adapter(t)
	d, err := webgpu.Open(device, webgpu.Options{})
	require.NoError(t, err)
	class := d.Info().Class
	require.NoError(t, d.Close())
	if class != backend.Software || !memlimit.Can {
		t.Skip("no way to run short of memory here")
	}
	var rows bytes.Buffer
	rows.WriteString("text\tlabel\n")
	for i := range 16384 {
		fmt.Fprintf(&rows, "good wood number %d\t%s\n", i, []string{"positive", "negative"}[i%2])
	}
	require.NoError(t, os.WriteFile("many.tsv", rows.Bytes(), 0o644))
	code, errs := startChild(t, ".", []string{spoilEnv + "=short"}, "train", "--model", "bert", "--data", "many.tsv", "--out", "refused", "--batch-size", "16384",
		"--memory", "64GiB", "--device", device).end()
	require.NoFileExists(t, "refused/adapter_model.safetensors")
	return code, nameless(t, device, errs)
}

// lostDevice loses the device between the two batches of a step. The last checkpoint is whole, and the run that goes on from it ends in
// the bytes of one that lost nothing.
func lostDevice(t *testing.T) (int, string) {
	device := adapter(t)
	args := func(out string, more ...string) []string {
		return append(runLine(out, "--epochs", "4", "--batch-size", "4", "--accumulate", "2", "--lora-dropout", "0.1", "--device", device), more...)
	}
	code, errs := startChild(t, ".", nil, args("kept")...).end()
	require.Zero(t, code, errs)
	code, lost := startChild(t, ".", []string{spoilEnv + "=lost:16"}, args("losing")...).end()
	at := last(t, "losing")
	require.Positive(t, at)
	require.NoFileExists(t, "losing/adapter_model.safetensors")
	again, errs := startChild(t, ".", nil, args("losing", "--resume")...).end()
	require.Zero(t, again, errs)
	for _, name := range []string{"adapter_model.safetensors", "checkpoint-12/optimizer.safetensors"} {
		want, err := os.ReadFile(filepath.Join("kept", name))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join("losing", name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), name)
	}
	t.Logf("lost behind step %d", at)
	return code, nameless(t, device, lost)
}
