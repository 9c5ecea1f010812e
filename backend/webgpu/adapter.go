package webgpu

import (
	"fmt"
	"strconv"
	"strings"

	"luthier/backend"
)

// List describes the adapters of this machine, in the order of their Index. An empty list is no error.
func List() ([]backend.Info, error) {
	cs, err := library.adapters()
	if err != nil {
		return nil, err
	}
	out := make([]backend.Info, len(cs))
	for i, c := range cs {
		out[i] = c.info
	}
	return out, nil
}

const noAdapter = "%w: %s. Install a Vulkan driver (Mesa's software adapter will do: sh scripts/install_adapter.sh); macOS and Windows bring theirs"

// choose picks the adapter that sel means: "auto" or "" the most capable kind, an index of List, or a part of a name.
func choose(cs []candidate, sel string) (candidate, error) {
	if len(cs) == 0 {
		return candidate{}, fmt.Errorf(noAdapter, backend.ErrNoAdapter, "none found")
	}
	if sel == "" || sel == "auto" {
		best := cs[0]
		for _, c := range cs {
			if c.lacks() == "" && (best.lacks() != "" || c.rank < best.rank) {
				best = c
			}
		}
		return best, best.refused()
	}
	if i, err := strconv.Atoi(sel); err == nil {
		if i >= 0 && i < len(cs) {
			return cs[i], cs[i].refused()
		}
		return candidate{}, fmt.Errorf("%w: no adapter %d, there are: %s", backend.ErrNoAdapter, i, names(cs))
	}
	var hit []candidate
	for _, c := range cs {
		if strings.Contains(strings.ToLower(c.info.Name), strings.ToLower(sel)) {
			hit = append(hit, c)
		}
	}
	if len(hit) == 0 {
		return candidate{}, fmt.Errorf("%w: no adapter is called %q, there are: %s", backend.ErrNoAdapter, sel, names(cs))
	}
	return choose(hit, "auto")
}

func names(cs []candidate) string {
	var s []string
	for _, c := range cs {
		s = append(s, fmt.Sprintf("%d %s (%s)", c.info.Index, c.info.Name, c.info.Backend))
	}
	return strings.Join(s, ", ")
}

// classify names the vendor of an adapter and the class whose kernels it wants.
func classify(vendor uint32, name, api string, cpu bool) (string, backend.Class) {
	n := strings.ToLower(name)
	if cpu || strings.Contains(n, "llvmpipe") || strings.Contains(n, "swiftshader") || strings.Contains(n, "basic render") {
		return "software", backend.Software
	}
	switch {
	case vendor == 0x10de || strings.Contains(n, "nvidia"):
		return "NVIDIA", backend.NVIDIA
	case vendor == 0x1002 || strings.Contains(n, "amd ") || strings.Contains(n, "radeon"):
		return "AMD", backend.AMD
	case vendor == 0x8086 || strings.Contains(n, "intel"):
		return "Intel", backend.Intel
	case vendor == 0x106b || api == "Metal" || strings.Contains(n, "apple"):
		return "Apple", backend.Apple
	}
	return fmt.Sprintf("0x%04x", vendor), backend.OtherGPU
}
