package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"github.com/spf13/cobra"

	"luthier/model/safetensors"
)

func (a *app) inspectCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect DIR",
		Short: "Show a model, an adapter, a checkpoint or a safetensors file: settings, tensors, types, shapes, counts",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("inspect wants one model, adapter or checkpoint directory, or one .safetensors file")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return badData(a.inspect(args[0])) },
	}
}

// tensorRow is one tensor of a file.
type tensorRow struct {
	File  string `json:"file"`
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
}

// describing are the JSON files that say what a directory is.
var describing = []string{"config.json", "adapter_config.json", recordFile, "manifest.json"}

func (a *app) inspect(path string) error {
	paths := []string{path}
	settings := map[string]any{}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		if paths, err = filepath.Glob(filepath.Join(path, "*.safetensors")); err != nil {
			return err
		}
		sort.Strings(paths)
		for _, name := range describing {
			if err := readJSON(filepath.Join(path, name), settings, name); err != nil {
				return err
			}
		}
		if len(paths) == 0 && len(settings) == 0 {
			return fmt.Errorf("%s: holds no model, adapter or checkpoint (no *.safetensors, config.json or adapter_config.json)", path)
		}
	}
	rows, total, types, err := tensorRows(paths)
	if err != nil {
		return err
	}
	if a.json {
		a.emit(map[string]any{"path": path, "settings": settings, "tensors": rows, "parameters": total, "by_dtype": types})
		return nil
	}
	return a.showInspection(settings, rows, total, types)
}

// readJSON adds the file's object to settings, where there is such a file.
func readJSON(path string, settings map[string]any, name string) error {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	settings[name] = v
	return nil
}

func tensorRows(paths []string) (rows []tensorRow, total int64, types map[string]int64, err error) {
	types = map[string]int64{}
	for _, p := range paths {
		f, err := safetensors.Open(p)
		if err != nil {
			return nil, 0, nil, err
		}
		for _, n := range f.Names() {
			t, _ := f.Tensor(n)
			rows = append(rows, tensorRow{filepath.Base(p), n, t.DType, t.Shape})
			total += int64(t.Elems())
			types[t.DType] += int64(t.Elems())
		}
		if err := f.Close(); err != nil {
			return nil, 0, nil, err
		}
	}
	return rows, total, types, nil
}

func (a *app) showInspection(settings map[string]any, rows []tensorRow, total int64, types map[string]int64) error {
	for _, name := range describing {
		v, ok := settings[name].(map[string]any)
		if !ok {
			continue
		}
		a.say("%s", name)
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		cells := [][]string{}
		for _, k := range keys {
			raw, err := json.Marshal(v[k])
			if err != nil {
				return err
			}
			s := string(raw)
			if len(s) > 100 {
				s = s[:97] + "..."
			}
			cells = append(cells, []string{"  " + k, s})
		}
		a.table(cells)
	}
	cells := [][]string{{"tensor", "type", "shape", "values"}}
	for _, r := range rows {
		n := int64(1)
		for _, d := range r.Shape {
			n *= int64(d)
		}
		cells = append(cells, []string{r.Name, r.DType, fmt.Sprint(r.Shape), thousands(n)})
	}
	if len(rows) > 0 {
		a.table(cells)
	}
	a.say("%d tensors, %s values", len(rows), thousands(total))
	for _, t := range sortedNames(types) {
		a.say("  %s %s", t, thousands(types[t]))
	}
	return nil
}

func sortedNames[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
