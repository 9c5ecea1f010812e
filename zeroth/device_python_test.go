package zeroth

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend/webgpu"
	"luthier/internal/testdev"
	"luthier/model/safetensors"
)

// The log of a run on the device, in the hands of a program of 60 lines that does not know the rule adam: the run's bytes.
func TestPythonReplaysTheDevice(t *testing.T) {
	python := testdev.Numpy(t)
	dev := testdev.Open(t, webgpu.Options{})
	for _, m := range []golden{bertFull, llamaBF16} {
		bs := m.batches(t, 4)
		for _, variant := range []string{"mezo", "mezo-momentum", "lozo", "sparse-mezo"} {
			dir := t.TempDir()
			base, out := filepath.Join(dir, "base.safetensors"), filepath.Join(dir, "out.safetensors")
			start, want, log := logged(t, dev, m, options(t, variant, nil), bs, 2, 2e-3)
			require.NotEqual(t, start, want)
			writeSafetensors(t, base, start)
			said, err := exec.Command(python, "../scripts/replay.py", base, log, out).CombinedOutput()
			require.NoError(t, err, "%s", said)
			f, err := safetensors.Open(out)
			require.NoError(t, err)
			for i := range want {
				got, ok := f.Tensor(want[i].Name)
				require.True(t, ok)
				require.Equal(t, elements(t, &want[i]), got.Data, "%s, %s: %s", m, variant, want[i].Name)
			}
			require.NoError(t, f.Close())
		}
	}
}
