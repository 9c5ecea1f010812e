// Package gpucheck holds the kernels against AMD's real compiler, without a GPU: each instance that a GPU may run is compiled through
// wgpu-native and Mesa's RADV, whose null device stands in for the chip, and registers, spills, waves and the instruction mix of the
// hottest loop are read from the machine code.
//
// No spill and no scratch memory is allowed to any kernel, and at least 4 waves a SIMD are asked for; further limits stand in comments of
// the WGSL file (see Limits). The figures are upper bounds on speed: nothing runs, and memory is not modelled.
//
// RADV runs behind icd/gpucheck_icd.c, a Vulkan driver that passes calls on to it, fakes the memory and the queues that the null device
// lacks, and writes what each pipeline compiled to. It is built with cc when the check starts. Since a Vulkan driver lives as long as its
// process, each chip is compiled for in a child process: the program runs itself again with GPUCHECK_CHILD set, and must call Child first.
//
// It is the only package beside backend/webgpu that may use cgo: it makes pipelines through the same wgpu module. Needed, by their Debian
// names: mesa-vulkan-drivers, libvulkan1, libvulkan-dev, gcc.
package gpucheck
