package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
)

// float64Device is the --device of the reference: exact, and slow.
const float64Device = "float64"

// budget is how much device memory a run may take; 0 is unknown.
type budget struct {
	bytes int64
	from  string
}

// openAdapter is webgpu.Open. Tests put adapters in its place that lack something, or are lost in mid-step.
var openAdapter = func(sel string, o webgpu.Options) (backend.Device, error) { return webgpu.Open(sel, o) }

// openDevice opens what --device says.
func (a *app) openDevice() (backend.Device, budget, error) {
	limit, err := parseBytes(a.memory)
	if err != nil {
		return nil, budget{}, usage("--memory: %v", err)
	}
	if a.device == float64Device {
		return ref.New(), memoryOf(backend.Info{Class: backend.Software}, limit), nil
	}
	d, err := openAdapter(a.device, webgpu.Options{MemoryLimit: limit})
	if err != nil {
		return nil, budget{}, err
	}
	return d, memoryOf(d.Info(), limit), nil
}

// memoryOf finds what an adapter has: what the user says; the host's free memory for software adapters and for those that share it; what the
// kernel says of an AMD card. WebGPU itself does not tell.
func memoryOf(info backend.Info, limit int64) budget {
	switch {
	case limit > 0:
		return budget{limit, "--memory"}
	case info.Class == backend.Software:
		if n, what := hostMemory(); n > 0 {
			return budget{n, what + " of the host"}
		}
	case info.Integrated:
		if n, what := hostMemory(); n > 0 {
			return budget{n, what + " of the host, which the adapter shares"}
		}
	case info.Class == backend.AMD:
		if n := amdMemory("/sys/class/drm"); n > 0 {
			return budget{n, "free memory of the card"}
		}
	}
	return budget{}
}

// memAvailable reads MemAvailable of a meminfo file, 0 where there is none.
func memAvailable(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) >= 2 && fields[0] == "MemAvailable:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// amdMemory is what the only AMD card has left; 0 where there are none or several, of which nobody knows which was opened.
func amdMemory(root string) int64 {
	files, _ := filepath.Glob(filepath.Join(root, "card[0-9]*", "device", "mem_info_vram_total"))
	if len(files) != 1 {
		return 0
	}
	number := func(name string) int64 {
		raw, err := os.ReadFile(filepath.Join(filepath.Dir(files[0]), name))
		if err != nil {
			return 0
		}
		n, _ := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
		return n
	}
	return number("mem_info_vram_total") - number("mem_info_vram_used")
}

// parseBytes reads a size: 4GiB, 512MiB, 4G (binary too), or a number of bytes; empty is 0.
func parseBytes(s string) (int64, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, nil
	}
	digits := strings.TrimRight(s, "KMGTiBkmgtib ")
	unit := strings.ToLower(strings.TrimSpace(s[len(digits):]))
	shift, ok := map[string]int{"": 0, "b": 0, "k": 10, "kib": 10, "kb": 10, "m": 20, "mib": 20, "mb": 20, "g": 30, "gib": 30, "gb": 30,
		"t": 40, "tib": 40, "tb": 40}[unit]
	x, err := strconv.ParseFloat(digits, 64)
	if err != nil || !ok || !(x > 0) || x*math.Ldexp(1, shift) > 1<<60 {
		return 0, fmt.Errorf("%q is no size: want one such as 4GiB or 512MiB", s)
	}
	return int64(x * math.Ldexp(1, shift)), nil
}

// bytesText writes a size for people.
func bytesText(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}

// describe is an adapter in a line.
func describe(i backend.Info) string {
	s := fmt.Sprintf("%s (%s", i.Name, i.Backend)
	if i.Driver != "" {
		s += ", " + i.Driver
	}
	if i.Class == backend.Software && i.Backend != "float64" {
		s += ", software"
	}
	return s + ")"
}
