package gpucheck

import (
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/shaders"
)

// A loop of K tiles: two instructions of staging, an inner loop of 2 multiply-adds among 5 instructions and a hint, one at its end.
const listing = `; ISA
BB0:
	s_mov_b32 s0, 0                     ; be800080
BB1:
	buffer_load_dwordx4 v[0:3], v4, s[0:3], 0 offen ; e8501000
	ds_store_b128 v5, v[0:3]
BB2:
	ds_load_b128 v[0:3], v5 offset:16
	s_delay_alu instid0(VALU_DEP_1)
	v_fmac_f32_e32 v6, v0, v1
	v_fma_f32 v7, v2, v3, v7
	s_add_u32 s0, s0, 1
	s_cbranch_scc1 BB2
	s_branch BB1
BB4:
	s_endpgm
`

func TestISA(t *testing.T) {
	code, loops := parse(listing)
	require.Len(t, code, 11)
	require.ElementsMatch(t, []loop{{3, 8}, {1, 9}}, loops)
	hot := hottest(code, loops)
	require.Equal(t, loop{3, 8}, hot)
	require.Equal(t, counts{fma: 2, ldsLoad: 1, scalar: 1, branch: 1, hint: 1}, count(code[hot.from:hot.to+1]))
	require.InDelta(t, 2.0/5, share(code, loops, 0), 1e-12)
	require.InDelta(t, 8.0/(4*5+3), share(code, loops, 8), 1e-12, "four turns of the inner loop and three instructions around them")
}

func TestCounts(t *testing.T) {
	c := count([]string{"v_dual_fmac_f32 v0, v1, v2 :: v_dual_fmac_f32 v3, v4, v5", "v_mov_b32 v0, v1", "s_waitcnt lgkmcnt(0)", "ds_write_b32 v0, v1"})
	require.Equal(t, counts{fma: 2, vector: 1, wait: 1, ldsStore: 1}, c)
}

func TestLimits(t *testing.T) {
	k := &shaders.Kernel{Name: "k", Source: "// gpucheck: tile_fma=512 min_fma=70 skip=navi21\n// gpucheck vega10: min_waves=2 (few registers)\n"}
	l, err := limitsOf(k, "navi31")
	require.NoError(t, err)
	require.Equal(t, Limits{TileFMA: 512, MinFMA: 70, MinWaves: 4, MaxLDS: 16384}, l)
	l, err = limitsOf(k, "vega10")
	require.NoError(t, err)
	require.Equal(t, 2, l.MinWaves)
	l, err = limitsOf(k, "navi21")
	require.NoError(t, err)
	require.True(t, l.Skip)
	_, err = limitsOf(&shaders.Kernel{Name: "k", Source: "// gpucheck: min_waves=many"}, "")
	require.ErrorContains(t, err, "shaders/k.wgsl")
	_, err = limitsOf(&shaders.Kernel{Name: "k", Source: "// gpucheck: min_wave=3"}, "")
	require.ErrorContains(t, err, "no limit is called min_wave")
}

// A kernel that spills, one wave short, too large and slow: each limit says so.
func TestBroken(t *testing.T) {
	r := Row{Chip: "navi31"}
	st := statistics("Executable 0: CS; subgroup size=64\nVGPRs=256\nSpilled VGPRs=3\nScratch size=512\nLDS size=20000\nSubgroups per SIMD=6\n")
	r.fill(st, listing, Limits{MinFMA: 50, MinWaves: 4, MaxLDS: 16384})
	require.Equal(t, 3, r.Waves, "Mesa counts halves of a wave on RDNA")
	require.Equal(t, []string{"spills 3 registers, 512 bytes", "3 waves, want 4", "20000 bytes of workgroup memory, at most 16384",
		"40.0 % multiply-adds, want 50"}, r.Broken)
	r = Row{Chip: "vega10"}
	r.fill(st, listing, Limits{MinWaves: 4, MaxLDS: 20000})
	require.Equal(t, []string{"spills 3 registers, 512 bytes"}, r.Broken)
}
