package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"sort"
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
			if err := yaml.NodeToValue(p.Value, &v); err != nil {
				return nil, usage("%s:%d: %s: %v", path, e.line, e.key, err)
			}
			if v == nil {
				continue
			}
			if e.value, err = flat(v, true); err != nil {
				return nil, usage("%s:%d: %s: %v", path, e.line, e.key, err)
			}
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
	case map[string]any:
		for k, x := range v {
			s, err := flat(x, false)
			if err != nil {
				return "", err
			}
			parts = append(parts, k+"="+s)
		}
		sort.Strings(parts)
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
	seen := map[string]entry{}
	for _, e := range entries {
		name := plainName(e.key)
		if f.Lookup(name) == nil && command == "eval" && ofTraining(name) {
			continue // run.yaml of a run, given to a command that measures what it made
		}
		if f.Lookup(name) == nil || name == "config" || name == "help" {
			return fmt.Errorf("%s:%d: %w", path, e.line, unknown("key ", e.key, f, command))
		}
		if old, ok := seen[name]; ok {
			return usage("%s:%d: %s and %s (line %d) are two names of one setting: give one", path, e.line, e.key, old.key, old.line)
		}
		seen[name] = e
		if f.Changed(name) {
			continue // the command line wins
		}
		if err := f.Set(name, e.value); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", path, e.line, e.key, flagError(nil, err))
		}
	}
	return nil
}

// ofTraining tells whether luthier train has the setting, with one method and optimizer or another.
func ofTraining(name string) bool {
	c, err := choose(nil)
	return err == nil && ((&app{choice: c}).trainCmd().Flags().Lookup(name) != nil || ownerOf(name) != "")
}

// notOfRun are flags that say how a command is run and not what it computes.
var notOfRun = map[string]bool{"config": true, "dry-run": true, "help": true, "json": true, "force": true, "overwrite": true, "resume": true}

// resolved writes every setting in force as YAML that --config takes back.
func resolved(f *pflag.FlagSet) []byte {
	var items yaml.MapSlice
	f.VisitAll(func(x *pflag.Flag) {
		if notOfRun[x.Name] || noEffect[x.Name] != "" {
			return
		}
		items = append(items, yaml.MapItem{Key: strings.ReplaceAll(x.Name, "-", "_"), Value: typed(x)})
	})
	sort.Slice(items, func(i, j int) bool { return items[i].Key.(string) < items[j].Key.(string) })
	var b bytes.Buffer
	if err := yaml.NewEncoder(&b).Encode(items); err != nil {
		panic(err) // strings and numbers always encode
	}
	return b.Bytes()
}

// number is written as it stands.
type number string

func (n number) MarshalYAML() ([]byte, error) { return []byte(n), nil }

func typed(x *pflag.Flag) any {
	s := x.Value.String()
	switch x.Value.Type() {
	case "bool", "int", "uint64", "float64":
		if s != "" {
			return number(s)
		}
	case "stringSlice", "intSlice":
		s = strings.Trim(s, "[]")
	case "stringToInt", "stringToString": // a map, printed in no order
		parts := strings.Split(strings.Trim(s, "[]"), ",")
		sort.Strings(parts)
		s = strings.Join(parts, ",")
	}
	if s == "" {
		return nil
	}
	return s
}
