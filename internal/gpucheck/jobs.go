package gpucheck

import (
	"fmt"
	"strconv"
	"strings"

	"luthier/shaders"
)

// Job is a kernel instance to be compiled.
type Job struct {
	Name   string // file name of its results: the instance's key with _ for blanks
	Kernel *shaders.Kernel
}

// Jobs lists the instances that GPUs run, those whose key contains filter. Instances of 8 threads are for software adapters, and files
// with "gpucheck: skip=all" too.
func Jobs(filter string) ([]Job, error) {
	jobs := []Job{}
	for _, name := range shaders.Names() {
		sets, err := shaders.Instances(name)
		if err != nil {
			return nil, err
		}
		for _, c := range sets {
			k, err := shaders.Load(name, c)
			if err != nil {
				return nil, err
			}
			l, err := limitsOf(k, "")
			if err != nil {
				return nil, err
			}
			if l.Skip || k.Workgroup[0]*k.Workgroup[1]*k.Workgroup[2] <= 8 || !strings.Contains(k.Key, filter) {
				continue
			}
			jobs = append(jobs, Job{strings.NewReplacer(" ", "_", "/", "_").Replace(k.Key), k})
		}
	}
	return jobs, nil
}

// Limits are what a kernel must keep to on one chip. They stand in comments of the WGSL file, and //#if may choose among them:
//
//	// gpucheck: tile_fma=512 min_fma=70 min_waves=4 max_lds=16384
//	// gpucheck vega10: min_waves=2
//	// gpucheck: skip=all
//
// A line that names a chip holds for that chip only. What follows that is no NAME=VALUE is a remark.
type Limits struct {
	TileFMA  int  // multiply-adds of a thread in one turn of the loop around the hottest, so that staging counts; 0: the hottest alone
	MinFMA   int  // least share of multiply-adds among the instructions of that turn, in percent
	MinWaves int  // least waves of 64 lanes a SIMD; 4 unless told
	MaxLDS   int  // bytes of workgroup memory; 16384 unless told, which is what WebGPU grants everywhere
	Skip     bool // never runs on this chip
}

func limitsOf(k *shaders.Kernel, chip string) (Limits, error) {
	l := Limits{MinWaves: 4, MaxLDS: 16384}
	for _, line := range strings.Split(k.Source, "\n") {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "// gpucheck")
		if !ok {
			continue
		}
		on, text, ok := strings.Cut(rest, ":")
		if !ok {
			return l, fmt.Errorf("shaders/%s.wgsl: want \"// gpucheck: NAME=VALUE ...\", have %q", k.Name, line)
		}
		if on = strings.TrimSpace(on); on != "" && on != chip {
			continue
		}
		for _, f := range strings.Fields(text) {
			if err := l.set(f, chip); err != nil {
				return l, fmt.Errorf("shaders/%s.wgsl: %q: %w", k.Name, line, err)
			}
		}
	}
	return l, nil
}

func (l *Limits) set(field, chip string) error {
	name, value, ok := strings.Cut(field, "=")
	if !ok {
		return nil
	}
	if name == "skip" {
		for _, c := range strings.Split(value, ",") {
			l.Skip = l.Skip || c == "all" || c == chip && chip != ""
		}
		return nil
	}
	to, ok := map[string]*int{"tile_fma": &l.TileFMA, "min_fma": &l.MinFMA, "min_waves": &l.MinWaves, "max_lds": &l.MaxLDS}[name]
	if !ok {
		return fmt.Errorf("no limit is called %s", name)
	}
	n, err := strconv.Atoi(value)
	*to = n
	return err
}
