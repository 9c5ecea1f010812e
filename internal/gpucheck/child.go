package gpucheck

import (
	"fmt"
	"os"
	"strings"

	"github.com/rajveermalviya/go-webgpu/wgpu"
)

// Lines by which the child process talks to its parent.
const (
	saysAdapter = "@ADAPTER "
	saysError   = "@ERROR "
)

// Child does the work of a child process and ends it; in any other process it returns at once.
func Child() {
	if os.Getenv("GPUCHECK_CHILD") == "" {
		return
	}
	if err := compileAll(os.Getenv("GPUCHECK_FILTER")); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	os.Exit(0) // nothing is torn down: the fake device would not survive it
}

// compileAll makes a pipeline of every job. The driver writes its results under the name in GPUCHECK_NAME.
func compileAll(filter string) error {
	jobs, err := Jobs(filter)
	if err != nil {
		return err
	}
	adapter, err := wgpu.CreateInstance(&wgpu.InstanceDescriptor{Backends: wgpu.InstanceBackend_Vulkan}).
		RequestAdapter(&wgpu.RequestAdapterOptions{PowerPreference: wgpu.PowerPreference_HighPerformance})
	if err != nil {
		return err
	}
	dev, err := adapter.RequestDevice(&wgpu.DeviceDescriptor{RequiredLimits: &wgpu.RequiredLimits{Limits: adapter.GetLimits().Limits}})
	if err != nil {
		return err
	}
	fmt.Println(saysAdapter + adapter.GetProperties().Name)
	for _, j := range jobs {
		os.Setenv("GPUCHECK_NAME", j.Name)
		if err := pipeline(dev, j); err != nil {
			fmt.Println(saysError + j.Name + " " + strings.ReplaceAll(err.Error(), "\n", " / "))
		}
	}
	return nil
}

// pipeline compiles the source as backend/webgpu does, or with GPUCHECK_PLAIN as the file declares its buffers.
func pipeline(dev *wgpu.Device, j Job) error {
	src := j.Kernel.DeviceSource()
	if os.Getenv("GPUCHECK_PLAIN") != "" {
		src = j.Kernel.Source
	}
	module, err := dev.CreateShaderModule(&wgpu.ShaderModuleDescriptor{
		Label: j.Name, WGSLDescriptor: &wgpu.ShaderModuleWGSLDescriptor{Code: src}})
	if err != nil {
		return err
	}
	_, err = dev.CreateComputePipeline(&wgpu.ComputePipelineDescriptor{
		Label: j.Name, Compute: wgpu.ProgrammableStageDescriptor{Module: module, EntryPoint: "main"}})
	return err
}
