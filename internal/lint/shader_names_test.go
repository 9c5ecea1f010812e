package lint

import (
	"regexp"
	"strings"
	"testing"
)

// Words of Metal's and HLSL's languages that WGSL leaves free. The library's translators rename those on their lists, which lack some: a
// `let half` did not compile on Metal, which no test on Vulkan sees.
var reservedWords = strings.Fields(`half half2 half3 half4 short ushort uchar char long ulong size_t ptrdiff_t float2 float3 float4 int2 int3 int4 uint2 uint3
uint4 thread threadgroup threadgroup_imageblock device constant kernel vertex fragment sampler texture metal packed_float4 simdgroup quad as_type
min16float min16int min16uint dword double vector matrix point line triangle lineadj linear centroid nointerpolation precise row_major column_major
groupshared shared snorm unorm string pass technique export input output register packoffset cbuffer tbuffer buffer inline static auto union
unsigned signed class template typename this new delete operator private public protected namespace using virtual volatile goto try catch throw
asm extern sizeof typedef xor or and not bool2 bool3 bool4 main0`)

var declared = regexp.MustCompile(`\b(?:let|var(?:<[^>]*>)?|const|fn|struct|override|alias)\s+([A-Za-z_]\w*)|([A-Za-z_]\w*)\s*:\s*(?:u32|i32|f32|bool|vec|mat|array|ptr)`)

func TestLintShaderNames(t *testing.T) {
	reserved := map[string]bool{}
	for _, w := range reservedWords {
		reserved[w] = true
	}
	found := 0
	for _, p := range paths(t, ".wgsl") {
		for i, line := range strings.Split(string(read(t, p)), "\n") {
			code, _, _ := strings.Cut(line, "//")
			for _, m := range declared.FindAllStringSubmatch(code, -1) {
				found++
				if name := m[1] + m[2]; reserved[name] {
					t.Errorf("%s:%d: %s is a word of Metal or HLSL: choose another name", p, i+1, name)
				}
			}
		}
	}
	if found < 500 {
		t.Fatalf("only %d names are declared: the pattern is wrong", found)
	}
}
