package shaders

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoadReflects(t *testing.T) {
	k, err := Load("scale", Consts{"WG": 8})
	require.NoError(t, err)
	require.Equal(t, [3]uint32{8, 1, 1}, k.Workgroup)
	require.Equal(t, []Binding{{"x", 0, false, "vec4<f32>", 16}, {"y", 1, true, "vec4<f32>", 16}}, k.Bindings)
	require.Equal(t, []Field{{"n4", 0, false}, {"c", 4, true}}, k.Uniform)
	_, err = Load("scale", Consts{"NOPE": 1})
	require.ErrorContains(t, err, "NOPE")
}

func TestExpand(t *testing.T) {
	src := "//#const N 2\n//#for i 0 N\nlet a${i} = ${i*4+1}u;\n//#if i == 1 && N > 1\nlast\n//#else\nfirst\n//#end\n//#end"
	out, _, err := expand("x", src, nil, read)
	require.NoError(t, err)
	require.Equal(t, "let a0 = 1u;\nfirst\nlet a1 = 5u;\nlast\n", out)
	for _, c := range []struct{ src, want string }{
		{"//#for i 0 2\nx", "x.wgsl:1: no //#end"},
		{"a\n${Q}", "x.wgsl:2: expression \"Q\": Q is no constant"},
		{"//#import none", "no shaders/shared/none.wgsl"},
		{"//#for i 0 100000\nx\n//#end", "more than"},
		{"//#what", "unknown directive"},
	} {
		_, _, err := expand("x", c.src, nil, read)
		require.ErrorContains(t, err, c.want)
	}
}
