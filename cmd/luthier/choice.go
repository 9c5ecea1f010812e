package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"luthier/optim"
	"luthier/peft"
)

// choice is what decides which flags there are: the method and the optimizer bring their own.
type choice struct {
	method    peft.Method
	optimizer optimizer
}

// choose looks ahead for --method, --optim, --recipe and --config.
func choose(args []string) (choice, error) {
	names := map[string]string{"method": "lora", "optim": "adamw", "recipe": ""}
	config := ""
	given := map[string]bool{}
	for i, a := range args {
		if a == "--" {
			break
		}
		if !strings.HasPrefix(a, "--") {
			continue
		}
		name, value, joined := strings.Cut(a[2:], "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		switch name = plainName(name); name {
		case "method", "optim", "recipe":
			names[name], given[name] = value, true
		case "config":
			config = value
		}
	}
	if config != "" {
		entries, err := readConfig(config)
		if err != nil {
			return choice{}, err
		}
		for _, e := range entries {
			n := plainName(e.key)
			if e.fault != nil {
				continue // applyConfig tells, with the line
			}
			if _, known := names[n]; known && !given[n] {
				names[n], given[n] = e.value, true
			}
		}
	}
	if names["recipe"] != "" {
		r, err := optim.RecipeOf(names["recipe"])
		if err != nil {
			return choice{}, usage("--recipe: %v", err)
		}
		for _, n := range []string{"method", "optim"} {
			if v, ok := r.Value(n); ok && !given[n] {
				names[n] = v
			}
		}
	}
	method, err := peft.New(strings.ToLower(names["method"]))
	if err != nil {
		return choice{}, usage("--method: %v", err)
	}
	if text := refusedOptim(names["optim"]); text != "" {
		return choice{}, usage("--optim %s: %s", names["optim"], text)
	}
	optimizer, err := newOptimizer(optimName(names["optim"]))
	if err != nil {
		return choice{}, usage("--optim: %v", err)
	}
	return choice{method, optimizer}, nil
}

// optimName takes transformers' names: adamw_torch, adamw_hf, adamw_torch_fused are one algorithm.
func optimName(s string) string {
	s = strings.ToLower(s)
	if head, _, _ := strings.Cut(strings.ReplaceAll(s, "-", "_"), "_"); head == "adamw" && !strings.Contains(s, "bit") {
		return "adamw"
	}
	return s
}

// ownerOf names the method or optimizer that has the flag, where the chosen ones do not.
func ownerOf(flag string) string {
	var owners []string
	for _, n := range peft.Names() {
		m, _ := peft.New(n)
		if has(m.Flags, flag) {
			owners = append(owners, fmt.Sprintf("--method %s", n))
		}
	}
	for _, n := range optimizerNames() {
		o, _ := newOptimizer(n)
		if has(o.Flags, flag) {
			owners = append(owners, fmt.Sprintf("--optim %s", n))
		}
	}
	return strings.Join(owners, ", ")
}

func has(flags func(*pflag.FlagSet), name string) bool {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags(f)
	return f.Lookup(name) != nil
}

// about names the optimizer, and what a run without gradients perturbs by.
func (c choice) about() string {
	if f, ok := c.optimizer.(*forwardOnly); ok {
		return fmt.Sprintf("%s (forward passes only), eps %g", f.Name(), f.o.Eps)
	}
	return c.optimizer.Name()
}
