package webgpu

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		vendor uint32
		name   string
		api    string
		cpu    bool
		want   backend.Class
	}{
		{0x10005, "llvmpipe (LLVM 15.0.6, 256 bits)", "Vulkan", true, backend.Software},
		{0x1ae0, "SwiftShader Device (LLVM 16.0.0)", "Vulkan", false, backend.Software},
		{0x1414, "Microsoft Basic Render Driver", "DX12", false, backend.Software},
		{0x10de, "NVIDIA H100 80GB HBM3", "Vulkan", false, backend.NVIDIA},
		{0, "NVIDIA GeForce RTX 3080", "Vulkan", false, backend.NVIDIA},
		{0x1002, "AMD Radeon RX 7900 XTX (RADV NAVI31)", "Vulkan", false, backend.AMD},
		{0x8086, "Intel(R) Arc(tm) A770 Graphics (DG2)", "Vulkan", false, backend.Intel},
		{0, "Apple M2 Pro", "Metal", false, backend.Apple},
		{0, "AMD Radeon Pro 5500M", "Metal", false, backend.AMD},
		{0x5143, "Adreno (TM) 690", "Vulkan", false, backend.OtherGPU},
	} {
		_, got := classify(c.vendor, c.name, c.api, c.cpu)
		require.Equal(t, c.want, got, c.name)
	}
}

func TestChoose(t *testing.T) {
	cs := []candidate{
		{info: backend.Info{Index: 0, Name: "llvmpipe"}, rank: 3, limits: needs},
		{info: backend.Info{Index: 1, Name: "Intel UHD"}, rank: 1, limits: needs},
		{info: backend.Info{Index: 2, Name: "NVIDIA A"}, rank: 0, limits: needs},
		{info: backend.Info{Index: 3, Name: "NVIDIA B"}, rank: 0, limits: needs},
	}
	for sel, want := range map[string]int{"": 2, "auto": 2, "0": 0, "3": 3, "nvidia b": 3, "NVIDIA": 2, "pipe": 0} {
		c, err := choose(cs, sel)
		require.NoError(t, err, sel)
		require.Equal(t, want, c.info.Index, sel)
	}
	for _, sel := range []string{"4", "-1", "radeon"} {
		_, err := choose(cs, sel)
		require.ErrorIs(t, err, backend.ErrNoAdapter)
		require.ErrorContains(t, err, "1 Intel UHD")
	}
	_, err := choose(nil, "auto")
	require.ErrorIs(t, err, backend.ErrNoAdapter)
	require.ErrorContains(t, err, "install_adapter.sh")
}

// An adapter without the limits that the kernels need is passed over, and refused where it is asked for or nothing else is there.
func TestChooseLacking(t *testing.T) {
	old := candidate{info: backend.Info{Index: 0, Name: "Old GPU"}, limits: needs}
	old.limits.Storage = 4
	soft := candidate{info: backend.Info{Index: 1, Name: "llvmpipe"}, rank: 3, limits: needs}
	for _, cs := range [][]candidate{{old, soft}, {soft, old}} {
		c, err := choose(cs, "auto")
		require.NoError(t, err)
		require.Equal(t, "llvmpipe", c.info.Name)
	}
	for _, sel := range []string{"0", "old"} {
		_, err := choose([]candidate{old, soft}, sel)
		require.ErrorIs(t, err, backend.ErrNoAdapter)
		require.ErrorContains(t, err, "Old GPU: it allows 4 storage buffers in a kernel, luthier needs 8")
	}
	_, err := choose([]candidate{old}, "auto")
	require.ErrorContains(t, err, "--device")
	few := needs
	few.Shared = 1
	require.Contains(t, candidate{limits: few}.lacks(), "workgroup memory")
	few = needs
	few.MaxThreads = 128
	require.Contains(t, candidate{limits: few}.lacks(), "threads")
}

// A machine without a driver gets an error with the remedy, not a panic.
func TestNoAdapter(t *testing.T) {
	if os.Getenv("LUTHIER_TEST_NONE") == "1" {
		is, err := List()
		require.NoError(t, err)
		if len(is) > 0 {
			t.Skip("adapters that need no Vulkan driver file: ", is)
		}
		_, err = Open("auto", Options{})
		require.ErrorIs(t, err, backend.ErrNoAdapter)
		require.ErrorContains(t, err, "install_adapter.sh")
		return
	}
	out, err := child(t, "TestNoAdapter", "LUTHIER_TEST_NONE=1", "VK_ICD_FILENAMES=/nonexistent.json", "VK_DRIVER_FILES=/nonexistent.json")
	require.NoError(t, err, out)
}

func TestList(t *testing.T) {
	d := openTest(t)
	is, err := List()
	require.NoError(t, err)
	require.NotEmpty(t, is)
	require.Equal(t, is[d.Info().Index], d.Info())
	require.NotEmpty(t, d.Info().Driver)
	for i, x := range is {
		require.Equal(t, i, x.Index)
		require.NotEmpty(t, x.Name)
		require.NotEmpty(t, x.Backend)
	}
}
