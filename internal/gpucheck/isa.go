package gpucheck

import (
	"regexp"
	"strings"
)

// class is what an instruction of RDNA or GCN is to us.
type class int

const (
	fma      class = iota
	ldsLoad        // workgroup memory
	ldsStore       // workgroup memory
	mem            // buffers and descriptors
	vector         // other vector arithmetic, address computation and moves
	scalar
	wait   // for memory and barriers
	branch // and loop ends
	hint   // takes no issue slot of its own
	classes
)

// prefixes are looked through in order.
var prefixes = []struct {
	of    class
	names []string
}{
	{fma, []string{"v_fma_", "v_fmac_", "v_fmaak_", "v_fmamk_", "v_mac_", "v_mad_f", "v_madak_", "v_madmk_", "v_dual_fm"}},
	{ldsLoad, []string{"ds_read", "ds_load"}},
	{ldsStore, []string{"ds_"}},
	{mem, []string{"buffer_", "global_", "flat_", "scratch_", "s_load", "s_buffer_load"}},
	{wait, []string{"s_waitcnt", "s_wait_", "s_barrier"}},
	{hint, []string{"s_delay_alu", "s_nop", "s_clause", "s_sleep", "s_set_inst"}},
	{branch, []string{"s_cbranch", "s_branch"}},
	{vector, []string{"v_"}},
}

func classify(instruction string) class {
	for _, p := range prefixes {
		for _, n := range p.names {
			if strings.HasPrefix(instruction, n) {
				return p.of
			}
		}
	}
	return scalar
}

type counts [classes]int

// issued is the number of instructions without hints.
func (c counts) issued() int {
	n := 0
	for k, v := range c {
		if class(k) != hint {
			n += v
		}
	}
	return n
}

func count(code []string) counts {
	c := counts{}
	for _, l := range code {
		if n := strings.Count(l, "v_dual_fm"); n > 0 {
			c[fma] += n // RDNA3 may put two in one instruction
			continue
		}
		c[classify(l)]++
	}
	return c
}

// loop is a backward branch: instructions from up to and with to.
type loop struct{ from, to int }

var (
	reLabel  = regexp.MustCompile(`^\s*(BB\d+):`)
	reBranch = regexp.MustCompile(`^s_c?branch\S*\s+(BB\d+)`)
)

// parse splits a disassembly into instructions and finds its loops.
func parse(asm string) (code []string, loops []loop) {
	label, end := map[string]int{}, map[int]int{}
	for _, l := range strings.Split(asm, "\n") {
		if m := reLabel.FindStringSubmatch(l); m != nil {
			label[m[1]] = len(code)
			continue
		}
		l, _, _ = strings.Cut(l, ";")
		if l = strings.TrimSpace(l); l != "" {
			code = append(code, l)
		}
	}
	for i, l := range code {
		if m := reBranch.FindStringSubmatch(l); m != nil {
			if at, ok := label[m[1]]; ok && at <= i {
				end[at] = i
			}
		}
	}
	for from, to := range end {
		loops = append(loops, loop{from, to})
	}
	return code, loops
}

// hottest is the loop with most multiply-adds, the innermost of equals; the whole program if it has no loop. A loop of which another inside
// holds three quarters of the multiply-adds gives way to that one: staging may have some of its own.
func hottest(code []string, loops []loop) loop {
	best, most := loop{0, len(code) - 1}, -1
	for _, l := range loops {
		n := count(code[l.from : l.to+1])[fma]
		if inner(code, loops, l, n) {
			continue
		}
		if n > most || n == most && l.to-l.from < best.to-best.from {
			best, most = l, n
		}
	}
	return best
}

// inner tells whether a loop inside l has at least three quarters of its n multiply-adds, and fewer instructions.
func inner(code []string, loops []loop, l loop, n int) bool {
	for _, in := range loops {
		if in.from >= l.from && in.to <= l.to && in != l && 4*count(code[in.from : in.to+1])[fma] >= 3*n && n > 0 {
			return true
		}
	}
	return false
}

// share is the part of multiply-adds among the issued instructions of the hottest loop; with tile, the multiply-adds of one turn of the
// loop around it, among the instructions of that turn.
func share(code []string, loops []loop, tile int) float64 {
	hot := hottest(code, loops)
	c := count(code[hot.from : hot.to+1])
	if c[fma] == 0 {
		return 0
	}
	around := loop{-1, 0}
	for _, l := range loops {
		if l.from < hot.from && l.to >= hot.to && l.from > around.from {
			around = l
		}
	}
	if tile <= c[fma] || around.from < 0 {
		return float64(c[fma]) / float64(c.issued())
	}
	turns := float64(tile) / float64(c[fma])
	rest := count(code[around.from:around.to+1]).issued() - c.issued()
	return float64(tile) / (turns*float64(c.issued()) + float64(rest))
}
