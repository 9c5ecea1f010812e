package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// noEffect lists settings of other tools that are accepted, so that their configs run, with the reason why nothing follows from them.
var noEffect = map[string]string{
	"bf16":                          "arithmetic is f32; frozen weights stay bf16 where the file has them so",
	"fp16":                          "arithmetic is f32",
	"tf32":                          "arithmetic is f32",
	"do-train":                      "the command says it",
	"do-eval":                       "--eval-data says it",
	"train":                         "the command says it",
	"use-peft":                      "--method says it",
	"plot-loss":                     "loss.svg is always written",
	"dataloader-num-workers":        "data is read ahead of the device",
	"dataloader-pin-memory":         "there is no pinned memory to choose",
	"preprocessing-num-workers":     "the tokenizer is not the bottleneck",
	"remove-unused-columns":         "columns are found by name",
	"ddp-timeout":                   "one device trains",
	"overwrite-cache":               "there is no cache",
	"dataset-prepared-path":         "there is no cache",
	"trust-remote-code":             "no code of models is run",
	"flash-attn":                    "there is one attention",
	"flash-attention":               "there is one attention",
	"attn-implementation":           "there is one attention",
	"logging-first-step":            "the first step is logged by --log-steps 1",
	"disable-tqdm":                  "plain lines are printed where the output is no terminal",
	"save-safetensors":              "always",
	"include-num-input-tokens-seen": "always logged",
}

// ignoredFlags are the settings of noEffect, hidden.
func ignoredFlags() *pflag.FlagSet {
	return set(func(f *pflag.FlagSet) {
		for name := range noEffect {
			f.String(name, "", "")
			f.Lookup(name).NoOptDefVal = "true"
			f.Lookup(name).Hidden = true
		}
	})
}

// notes tells of settings that were given and have no effect, or another than elsewhere.
func (a *app) notes(s *trainSettings) {
	for _, n := range notes(s.flags) {
		a.warn("%s", n)
	}
	if text := s.warmupNote(); text != "" {
		a.warn("%s", text)
	}
}

// notes says which settings were given that have no effect.
func notes(f *pflag.FlagSet) []string {
	var out []string
	f.Visit(func(x *pflag.Flag) {
		why := noEffect[x.Name]
		switch strings.ToLower(x.Value.String()) {
		case "", "false", "none", "no":
			why = ""
		}
		if why != "" {
			out = append(out, fmt.Sprintf("--%s has no effect: %s", x.Name, why))
		}
	})
	return out
}
