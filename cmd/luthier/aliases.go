package main

import (
	"sort"
	"strings"

	"github.com/spf13/pflag"
)

// aliases maps a setting's own name to the other names it answers to: transformers' TrainingArguments, PEFT's configs, and those that
// Axolotl, LLaMA-Factory, TRL and mlx-lm use. Kebab case; snake case is accepted everywhere.
var aliases = map[string][]string{
	"model":             {"model-name-or-path", "model-path", "model-name", "base-model", "base-model-name-or-path"},
	"data":              {"dataset", "dataset-name", "train-file", "train-data", "train-dataset", "data-path"},
	"out":               {"output-dir", "output", "output-path", "save-path"},
	"method":            {"peft", "peft-type", "finetuning-type", "fine-tune-type", "train-type", "tuner-type"},
	"task":              {"task-type"},
	"lr":                {"learning-rate"},
	"batch-size":        {"per-device-train-batch-size", "train-batch-size", "micro-batch-size"},
	"eval-batch-size":   {"per-device-eval-batch-size"},
	"epochs":            {"num-train-epochs", "num-epochs"},
	"max-steps":         {"iters", "max-iters"},
	"max-length":        {"max-seq-length", "max-seq-len", "cutoff-len", "sequence-len", "model-max-length", "block-size"},
	"eval-data":         {"eval-dataset", "eval-file", "validation-file", "val-data", "valid-data"},
	"accumulate":        {"gradient-accumulation-steps", "grad-accumulation-steps", "grad-accum"},
	"schedule":          {"lr-scheduler-type", "lr-scheduler", "lr-schedule"},
	"max-grad-norm":     {"grad-clip", "gradient-clip", "clip-grad-norm"},
	"log-steps":         {"logging-steps", "steps-per-report"},
	"eval-steps":        {"steps-per-eval"},
	"save-steps":        {"save-every", "checkpoint-save-steps"},
	"eval-strategy":     {"evaluation-strategy"},
	"save-total-limit":  {"save-limit"},
	"load-best":         {"load-best-model-at-end"},
	"metric":            {"metric-for-best-model"},
	"patience":          {"early-stopping-patience"},
	"lora-r":            {"lora-rank", "r", "rank"},
	"lora-alpha":        {"alpha"},
	"lora-bias":         {"bias"},
	"target-modules":    {"lora-target", "lora-targets", "lora-target-modules", "lora-modules"},
	"use-rslora":        {"rslora"},
	"label-smoothing":   {"label-smoothing-factor"},
	"recompute":         {"gradient-checkpointing", "grad-checkpoint", "activation-checkpointing"},
	"optim":             {"optimizer"},
	"drop-last":         {"dataloader-drop-last"},
	"resume":            {"resume-from-checkpoint"},
	"overwrite":         {"overwrite-output-dir"},
	"init-adapter":      {"adapter-name-or-path", "lora-model-dir"},
	"text-column":       {"text-field", "dataset-text-field"},
	"pack":              {"packing", "sample-packing"},
	"max-new-tokens":    {"max-tokens", "n-predict"},
	"adam-epsilon":      {"adam-eps"},
	"greater-is-better": {"greater"},
	"eps":               {"zo-eps"},
	"temperature":       {"temp"},
	"train-on-prompts":  {"train-on-inputs"},
}

var canonical = func() map[string]string {
	m := map[string]string{}
	for name, others := range aliases {
		for _, o := range others {
			m[o] = name
		}
	}
	return m
}()

// plainName gives the setting's own name for any of its names.
func plainName(name string) string {
	name = strings.ReplaceAll(name, "_", "-")
	if own, ok := canonical[name]; ok {
		return own
	}
	return name
}

// normalize lets pflag find a flag by any name.
func normalize(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(plainName(name))
}

// suggest names the known flag nearest to an unknown one, or nothing where none is near.
func suggest(name string, f *pflag.FlagSet) string {
	name = strings.ReplaceAll(name, "_", "-")
	var known []string
	f.VisitAll(func(x *pflag.Flag) {
		known = append(append(known, x.Name), aliases[x.Name]...)
	})
	sort.Strings(known)
	best, least := "", 1+len(name)/3
	for _, k := range known {
		if d := distance(name, k); d < least || (d == least && best == "") {
			best, least = k, d
		}
	}
	if best == "" {
		for _, k := range known {
			if len(name) > 2 && strings.HasPrefix(k, name) {
				return k
			}
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
