package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/pflag"
)

// entry is one setting of a config file.
type entry struct {
	key, value string
	line       int
	fault      error // the value is none that a setting can have
}

// yamlPlace is how the parser writes line and column.
var yamlPlace = regexp.MustCompile(`^: \[(\d+):(\d+)\] `)

// readConfig reads a YAML file of settings: the same names as flags, in kebab or snake case. Lists become names with commas between, a
// map of scalars becomes NAME=VALUE with commas between; null leaves a setting alone.
func readConfig(path string) ([]entry, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("--config: %v", err)
	}
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		text := strings.TrimSpace(yaml.FormatError(err, false, false))
		return nil, usage("%s", path+yamlPlace.ReplaceAllString(": "+text, ":$1:$2: "))
	}
	var out []entry
	for _, doc := range file.Docs {
		var pairs []*ast.MappingValueNode
		switch n := doc.Body.(type) {
		case nil, *ast.NullNode, *ast.CommentGroupNode:
			continue
		case *ast.MappingNode:
			pairs = n.Values
		case *ast.MappingValueNode:
			pairs = []*ast.MappingValueNode{n}
		default:
			return nil, usage("%s: want lines of `name: value`", path)
		}
		for _, p := range pairs {
			e := entry{key: p.Key.String(), line: p.Key.GetToken().Position.Line}
			var v any
			if err := yaml.NodeToValue(p.Value, &v, yaml.UseOrderedMap()); err != nil {
				return nil, usage("%s:%d: %s: %v", path, e.line, e.key, err)
			}
			if v == nil {
				continue
			}
			e.value, e.fault = flat(v, true)
			out = append(out, e)
		}
	}
	return out, nil
}

// flat writes a YAML value as the flag would be given.
func flat(v any, deep bool) (string, error) {
	var parts []string
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			s, err := flat(x, false)
			if err != nil {
				return "", err
			}
			parts = append(parts, s)
		}
		if deep {
			return strings.Join(parts, ","), nil
		}
	case yaml.MapSlice: // in the file's order, which counts where several patterns match
		for _, item := range v {
			s, err := flat(item.Value, false)
			if err != nil {
				return "", err
			}
			parts = append(parts, fmt.Sprintf("%v=%s", item.Key, s))
		}
		if deep {
			return strings.Join(parts, ","), nil
		}
	default:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("is nested too deep: want a value, a list, or names with values")
}

// applyConfig sets the flags that a config file names and the command line does not.
func applyConfig(path string, f *pflag.FlagSet, command string) error {
	if path == "" {
		return nil
	}
	entries, err := readConfig(path)
	if err != nil {
		return err
	}
	given := map[string]bool{}
	f.Visit(func(x *pflag.Flag) { given[x.Name] = true })
	seen := map[string]entry{}
	for _, e := range entries {
		name := plainName(e.key)
		if f.Lookup(name) == nil && command == "eval" && ofTraining(name) {
			continue // run.yaml of a run, given to a command that measures what it made
		}
		if f.Lookup(name) == nil && e.fault == nil && asksNothing(name, e.value) {
			continue
		}
		if f.Lookup(name) == nil || name == "config" || name == "help" {
			return fmt.Errorf("%s:%d: %w", path, e.line, unknown("key ", e.key, f, command))
		}
		if e.fault != nil {
			return usage("%s:%d: %s: %v", path, e.line, e.key, e.fault)
		}
		if old, ok := seen[name]; ok {
			return usage("%s:%d: %s and %s (line %d) are two names of one setting: give one", path, e.line, e.key, old.key, old.line)
		}
		seen[name] = e
		if f.Changed(name) || givesWay(name, given) {
			continue // the command line wins
		}
		if err := f.Set(name, e.value); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", path, e.line, e.key, flagError(nil, err))
		}
	}
	return nil
}

// follows names, for settings of a config file, those that decide in their place where the command line gives them.
var follows = map[string][]string{"greater-is-better": {"metric"}, "eval-strategy": {"eval-steps"}, "save-strategy": {"save-steps"},
	"warmup-steps": {"warmup-ratio"}, "warmup-ratio": {"warmup-steps"}, "max-steps": {"epochs"}}

// givesWay tells whether a config file's value of a setting is overruled by another setting that the command line gives.
func givesWay(name string, given map[string]bool) bool {
	return slices.ContainsFunc(follows[name], func(n string) bool { return given[n] })
}

// ofTraining tells whether luthier train has the setting, with one method and optimizer or another.
func ofTraining(name string) bool {
	c, err := choose(nil)
	return err == nil && ((&app{choice: c}).trainCmd().Flags().Lookup(name) != nil || ownerOf(name) != "")
}
