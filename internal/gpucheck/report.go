package gpucheck

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Row is what one instance compiled to on one chip.
type Row struct {
	Job    Job
	Chip   string
	VGPRs  int // vector registers of a lane
	Spill  int // registers spilled
	Bytes  int // scratch memory of a lane
	LDS    int // workgroup memory
	Waves  int // waves of 64 lanes that one SIMD can hold
	Code   int // bytes of machine code
	Hot    counts
	Share  float64  // of multiply-adds, see Limits
	Broken []string // limits that do not hold, or why there is no result
}

// read makes the row of j from the files that the driver wrote to dir.
func read(j Job, chip, dir, failure string) Row {
	r := Row{Job: j, Chip: chip}
	if failure != "" {
		r.Broken = []string{failure}
		return r
	}
	stats, err := os.ReadFile(filepath.Join(dir, j.Name+".stats"))
	if err != nil {
		r.Broken = []string{"the driver gave no statistics"}
		return r
	}
	asm, err := os.ReadFile(filepath.Join(dir, j.Name+".asm"))
	if err != nil {
		r.Broken = []string{"the driver gave no machine code"}
		return r
	}
	l, err := limitsOf(j.Kernel, chip)
	if err != nil {
		r.Broken = []string{err.Error()}
		return r
	}
	r.fill(statistics(string(stats)), string(asm), l)
	return r
}

// statistics reads lines NAME=NUMBER; the subgroup size stands in the line that names the executable.
func statistics(text string) map[string]int {
	st := map[string]int{}
	for _, l := range strings.Split(text, "\n") {
		name, value, ok := strings.Cut(l, "=")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if !ok || err != nil {
			continue
		}
		if strings.HasPrefix(name, "Executable") {
			name = "lanes"
		}
		st[name] = n
	}
	return st
}

func (r *Row) fill(st map[string]int, asm string, l Limits) {
	r.VGPRs, r.Spill, r.Bytes = st["VGPRs"], st["Spilled VGPRs"]+st["Spilled SGPRs"], st["Scratch size"]
	r.LDS, r.Waves, r.Code = st["LDS size"], st["Subgroups per SIMD"], st["Code size"]
	if strings.HasPrefix(r.Chip, "navi") && st["lanes"] > 0 {
		r.Waves = r.Waves * 32 / st["lanes"] // Mesa counts in halves of 32 lanes there
	}
	code, loops := parse(asm)
	hot := hottest(code, loops)
	r.Hot, r.Share = count(code[hot.from:hot.to+1]), share(code, loops, l.TileFMA)
	if l.Skip {
		return
	}
	if r.Spill > 0 || r.Bytes > 0 {
		r.Broken = append(r.Broken, fmt.Sprintf("spills %d registers, %d bytes", r.Spill, r.Bytes))
	}
	if r.Waves < l.MinWaves {
		r.Broken = append(r.Broken, fmt.Sprintf("%d waves, want %d", r.Waves, l.MinWaves))
	}
	if r.LDS > l.MaxLDS {
		r.Broken = append(r.Broken, fmt.Sprintf("%d bytes of workgroup memory, at most %d", r.LDS, l.MaxLDS))
	}
	if 100*r.Share < float64(l.MinFMA) {
		r.Broken = append(r.Broken, fmt.Sprintf("%.1f %% multiply-adds, want %d", 100*r.Share, l.MinFMA))
	}
}

// Head names the columns of Row.String.
const Head = "chip   kernel                                              VGPR spill   LDS waves   code | FMA LDSld LDSst mem vec scal wait br | FMA%"

func (r Row) String() string {
	h := r.Hot
	s := fmt.Sprintf("%-6s %-51s %4d %5d %5d %5d %6d | %3d %5d %5d %3d %3d %4d %4d %2d | %4.1f", r.Chip, r.Job.Kernel.Key, r.VGPRs, r.Spill, r.LDS,
		r.Waves, r.Code, h[fma], h[ldsLoad], h[ldsStore], h[mem], h[vector], h[scalar], h[wait], h[branch], 100*r.Share)
	if len(r.Broken) > 0 {
		s += "  BROKEN: " + strings.Join(r.Broken, "; ")
	}
	return s
}
