package main

import (
	"bytes"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"luthier/model"
	"luthier/peft"
)

// notOfRun are flags that say how a command is run and not what it computes.
var notOfRun = map[string]bool{"config": true, "dry-run": true, "help": true, "json": true, "force": true, "overwrite": true, "resume": true}

// resolved lists every setting in force, as --config takes them back: what was left open as the model and the data settled it.
func (a *app) resolved(s *trainSettings, j *job) yaml.MapSlice {
	settled, without := a.settled(s, j), a.unsaid(s)
	var items yaml.MapSlice
	s.flags.VisitAll(func(x *pflag.Flag) {
		if notOfRun[x.Name] || noEffect[x.Name] != "" || without[x.Name] {
			return
		}
		value, ok := settled[x.Name]
		if !ok {
			value = typed(x)
		}
		items = append(items, yaml.MapItem{Key: strings.ReplaceAll(x.Name, "-", "_"), Value: value})
	})
	sort.Slice(items, func(i, j int) bool { return items[i].Key.(string) < items[j].Key.(string) })
	return items
}

// yamlText is settings as a file.
func yamlText(items yaml.MapSlice) []byte {
	var b bytes.Buffer
	if err := yaml.NewEncoder(&b).Encode(items); err != nil {
		panic(err) // strings and numbers always encode
	}
	return b.Bytes()
}

// settled are the settings that are found out where nobody gives them. Seeds stay open: they follow --seed, also in the next run.
func (a *app) settled(s *trainSettings, j *job) map[string]any {
	out := map[string]any{"model": j.src.dir, "method": j.method.Name(), "optim": a.choice.optimizer.Name(), "task": string(j.task), "max-length": j.length,
		"metric": s.metric, "greater-is-better": s.options().Greater, "eval-batch-size": s.evalBatchSize}
	if j.task == model.Score { // a prompt is one way to classify
		out["task"] = string(model.Classify)
	}
	if s.metric == "" {
		out["metric"] = "loss"
	}
	if s.evalBatchSize == 0 {
		out["eval-batch-size"] = s.batchSize
	}
	if n := j.classes(); n > 0 {
		out["labels"] = n
	}
	if j.prompt != nil {
		out["template"], out["verbalizer"] = j.prompt.Template.Source, j.prompt.given
	}
	config := map[string]any{}
	if flatten(config, j.method.Config()) != nil {
		return out
	}
	for _, key := range []string{"target_modules", "init_lora_weights"} {
		f := s.flags.Lookup(strings.ReplaceAll(key, "_", "-"))
		text, err := flat(config[key], true)
		if f != nil && f.Value.String() == "" && config[key] != nil && err == nil {
			out[f.Name] = text
		}
	}
	return out
}

// unsaid are settings that a later run must not be told, since it would refuse them: those of a method that --init-adapter brings, and
// clipping where there are no gradients.
func (a *app) unsaid(s *trainSettings) map[string]bool {
	out := map[string]bool{"max-grad-norm": a.forward()}
	if s.initAdapter != "" {
		if m, err := peft.New(a.choice.method.Name()); err == nil { // a fresh one: to register flags is to reset them
			set(m.Flags).VisitAll(func(f *pflag.Flag) { out[f.Name] = true })
		}
	}
	return out
}

// number is written as it stands.
type number string

func (n number) MarshalYAML() ([]byte, error) { return []byte(n), nil }
func (n number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

func typed(x *pflag.Flag) any {
	s := x.Value.String()
	switch x.Value.Type() {
	case "bool", "int", "uint64", "float64":
		if s != "" {
			return number(s)
		}
	case "stringSlice", "intSlice":
		s = strings.Trim(s, "[]")
	}
	if s == "" {
		return nil
	}
	return s
}
