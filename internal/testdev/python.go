package testdev

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// Numpy is a Python with numpy 2 and safetensors: $LUTHIER_PYTHON, which must have them, or what the system calls python3. Without one the test
// is skipped.
func Numpy(t *testing.T) string {
	t.Helper()
	python, set := os.LookupEnv("LUTHIER_PYTHON")
	if !set {
		python = "python3"
	}
	const need = "import numpy, safetensors; numpy.bitwise_count, safetensors.deserialize"
	if out, err := exec.Command(python, "-c", need).CombinedOutput(); err != nil {
		require.False(t, set, "LUTHIER_PYTHON=%s: %v: %s", python, err, out)
		t.Skipf("no Python with numpy 2 and safetensors here (set LUTHIER_PYTHON to one): %v", err)
	}
	return python
}
