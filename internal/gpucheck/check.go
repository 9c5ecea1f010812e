package gpucheck

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed icd/gpucheck_icd.c
var icdSource []byte

// Chips are the ones checked: RDNA 3, RDNA 2 and GCN 5, by the names of RADV_FORCE_FAMILY.
var Chips = []string{"navi31", "navi21", "vega10"}

// mesa22 are the names that Mesa 22 has for chips which later versions call otherwise.
var mesa22 = map[string]string{"navi31": "gfx1100"}

// ErrUnavailable says that this machine lacks a part of the tool chain.
var ErrUnavailable = errors.New("gpucheck: not available here")

// Checker compiles for chips by a driver that Open builds.
type Checker struct {
	Filter string // only instances whose key contains it
	Keep   string // directory for machine code, SPIR-V and statistics; empty for none
	Plain  bool   // buffers as the files declare them, not all read_write as pipelines are made
	dir    string
	radv   string
}

// Open finds RADV and builds the driver before it. Close removes what it made.
func (c *Checker) Open() error {
	found, _ := filepath.Glob("/usr/lib/*/libvulkan_radeon.so")
	if found == nil {
		found, _ = filepath.Glob("/usr/lib*/libvulkan_radeon.so")
	}
	if found == nil {
		return fmt.Errorf("%w: no libvulkan_radeon.so (Debian: apt-get install mesa-vulkan-drivers libvulkan1)", ErrUnavailable)
	}
	dir, err := os.MkdirTemp("", "gpucheck")
	if err != nil {
		return err
	}
	c.dir, c.radv = dir, found[0]
	if err := c.build(); err != nil {
		c.Close()
		return err
	}
	return nil
}

func (c *Checker) build() error {
	so, source := filepath.Join(c.dir, "libgpucheck_icd.so"), filepath.Join(c.dir, "icd.c")
	if err := os.WriteFile(source, icdSource, 0o644); err != nil {
		return err
	}
	if out, err := exec.Command("cc", "-O1", "-w", "-shared", "-fPIC", "-o", so, source, "-ldl").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: cc: %v (Debian: apt-get install gcc libvulkan-dev)\n%s", ErrUnavailable, err, out)
	}
	manifest := fmt.Sprintf(`{"file_format_version":"1.0.0","ICD":{"library_path":%q,"api_version":"1.3.0"}}`, so)
	return os.WriteFile(filepath.Join(c.dir, "icd.json"), []byte(manifest), 0o644)
}

// Close removes the temporary directory.
func (c *Checker) Close() error { return os.RemoveAll(c.dir) }

// Check compiles every job for a chip.
func (c *Checker) Check(chip string) ([]Row, error) {
	jobs, err := Jobs(c.Filter)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(c.dir, chip)
	if c.Keep != "" {
		if out, err = filepath.Abs(filepath.Join(c.Keep, chip)); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	log, err := c.run(chip, out)
	if strings.Contains(log, "Unknown family") && mesa22[chip] != "" {
		log, err = c.run(mesa22[chip], out)
	}
	adapter, failures := listen(log)
	if err != nil || !strings.Contains(strings.ToLower(adapter), "null hardware") {
		return nil, fmt.Errorf("gpucheck: %s: %v, adapter %q, want RADV's null device\n%s", chip, err, adapter, tail(log))
	}
	rows := []Row{}
	for _, j := range jobs {
		rows = append(rows, read(j, chip, out, failures[j.Name]))
	}
	return rows, nil
}

// run runs this program again as a child that compiles for family.
func (c *Checker) run(family, out string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(self)
	icd := filepath.Join(c.dir, "icd.json")
	cmd.Env = append(os.Environ(), "GPUCHECK_CHILD=1", "GPUCHECK_FILTER="+c.Filter, "GPUCHECK_OUT="+out, "GPUCHECK_DRIVER="+c.radv,
		"RADV_FORCE_FAMILY="+family, "VK_ICD_FILENAMES="+icd, "VK_DRIVER_FILES="+icd,
		"VK_LOADER_LAYERS_DISABLE=~all~", "NODEVICE_SELECT=1", "MESA_SHADER_CACHE_DISABLE=true", "RADV_DEBUG=nocache")
	if c.Plain {
		cmd.Env = append(cmd.Env, "GPUCHECK_PLAIN=1")
	}
	log, err := cmd.CombinedOutput()
	return string(log), err
}

// listen reads the child's lines: the adapter, and errors by job name.
func listen(log string) (adapter string, failures map[string]string) {
	failures = map[string]string{}
	for _, l := range strings.Split(log, "\n") {
		if s, ok := strings.CutPrefix(l, saysAdapter); ok {
			adapter = s
		} else if s, ok := strings.CutPrefix(l, saysError); ok {
			name, what, _ := strings.Cut(s, " ")
			failures[name] = what
		}
	}
	return adapter, failures
}

func tail(s string) string { return s[max(0, len(s)-2000):] }
