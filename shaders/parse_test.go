package shaders

import (
	"testing"

	"github.com/gogpu/naga/hlsl"
	"github.com/gogpu/naga/msl"
	"github.com/gogpu/naga/spirv"
	"github.com/stretchr/testify/require"

	"github.com/gogpu/naga"
)

// Every instance of every kernel parses, translates to SPIR-V, MSL and HLSL, and stays within the portable limits of WebGPU.
func TestEveryInstanceTranslates(t *testing.T) {
	for _, name := range Names() {
		all, err := Instances(name)
		require.NoError(t, err)
		for _, c := range all {
			k, err := Load(name, c)
			require.NoError(t, err)
			t.Run(k.Key, func(t *testing.T) {
				require.LessOrEqual(t, k.Shared, uint32(16384), "workgroup memory")
				require.LessOrEqual(t, len(k.Bindings), 8, "storage buffers")
				require.LessOrEqual(t, k.Workgroup[0]*k.Workgroup[1]*k.Workgroup[2], uint32(256), "threads")
				m, err := k.Module()
				require.NoError(t, err)
				_, err = naga.GenerateSPIRV(m, spirv.DefaultOptions())
				require.NoError(t, err)
				_, _, err = msl.Compile(m, msl.DefaultOptions())
				require.NoError(t, err)
				_, _, err = hlsl.Compile(m, hlsl.DefaultOptions())
				require.NoError(t, err)
			})
		}
	}
}
