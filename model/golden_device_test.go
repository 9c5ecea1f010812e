package model

import (
	"testing"

	"luthier/backend"
	"luthier/backend/webgpu"
	"luthier/internal/testdev"
)

// TestGoldenDevice is TestGolden on the adapter, in float32.
func TestGoldenDevice(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, c := range goldens {
		t.Run(c.dir, func(t *testing.T) { c.check(t, dev, "", 1e-4) })
	}
	t.Run("llama_tied padded on the left", func(t *testing.T) { goldens[0].check(t, dev, "left.", 1e-4) })
}

// gpu passes a software adapter off as a GPU, so that whole models run through the kernels that GPUs get.
type gpu struct{ backend.Device }

func (g gpu) Info() backend.Info {
	i := g.Device.Info()
	i.Class = backend.NVIDIA
	return i
}

// TestGoldenGPUKernels is TestGoldenDevice with the kernel table of GPUs.
func TestGoldenGPUKernels(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, c := range goldens {
		t.Run(c.dir, func(t *testing.T) { c.check(t, gpu{dev}, "", 1e-4) })
	}
}
