package main

import (
	"slices"
	"strings"
)

// remedy is what helps who gives a setting that other tools have and luthier has not.
type remedy struct {
	text string
	fine []string // values from which nothing follows, accepted so that other tools' configs run
}

var (
	off         = []string{"false", "none", "null", "no", "0", "0.0", ""}
	fourBits    = remedy{"weights are not quantized to train on: frozen ones stay bf16 where the file has them so; leave it out", off}
	devices     = remedy{"one device trains, the one of --device: leave it out", slices.Concat(off, []string{"-1"})}
	dora        = remedy{"luthier has none: `luthier methods` lists what there is", off}
	split       = remedy{"nothing is split off: split the file, and give the part to measure on as --eval-data", off}
	cut         = remedy{"cut the file instead, such as with head -n", slices.Concat(off, []string{"-1"})}
	chats       = remedy{"chats (messages) are not read yet: write rows of prompt and completion, formatted as the model wants them", off}
	completions = remedy{"is the default: leave it out; --train-on-prompts is the other way", []string{"true", "auto", "null"}}
	storage     = remedy{"weights are read as the file has them: leave it out; luthier merge --dtype writes a model of another type", []string{"auto", "null"}}
	upload      = remedy{"nothing is uploaded: `hf upload` does that with what --out holds", off}
	place       = remedy{"give the file's own path as --data", nil}
	often       = remedy{"give --eval-steps and --save-steps, or leave it out for once an epoch", off}
)

// refused are other tools' settings whose nearest name here would be the wrong one. They are looked up where a command has no such setting,
// before a near one is suggested.
var refused = map[string]remedy{
	"use-dora": dora, "qlora": dora, "dora": dora, "neftune-noise-alpha": dora, "use-galore": dora, "use-badam": dora, "pissa-init": dora, "loraplus-lr-ratio": dora,
	"load-in-4bit": fourBits, "load-in-8bit": fourBits, "quantization-bit": fourBits, "bnb-4bit-quant-type": fourBits,
	"local-rank": devices, "deepspeed": devices, "fsdp": devices, "num-processes": devices, "num-gpus": devices, "ddp-": devices,
	"use-cpu":       {"name the device: --device float64 is the reference on the processor, slow; `luthier doctor --list` shows the adapters", off},
	"val-set-size":  split,
	"val-size":      split,
	"test-size":     split,
	"max-samples":   cut,
	"chat-template": chats, "messages": chats,
	"max-train-samples": cut, "max-eval-samples": cut,
	"mask-prompt": completions, "completion-only-loss": completions, "assistant-only-loss": completions, "assistant-loss-only": completions,
	"torch-dtype": storage, "dtype": storage, "model-dtype": storage,
	"push-to-hub": upload, "hub-model-id": upload,
	"datasets": place, "dataset-dir": place, "data-dir": place,
	"evals-per-epoch": often, "saves-per-epoch": often,
	"adapter":              {"the method is --method, such as --method lora; an adapter to start from is --init-adapter", nil},
	"adapter-path":         {"where a run writes is --out; an adapter to use is --adapter of eval, predict, generate and merge, or --init-adapter to train on", nil},
	"adapter-file":         {"give the adapter's directory: --adapter, or --init-adapter to train on", nil},
	"resume-adapter-file":  {"--resume goes on with a run; --init-adapter starts from an adapter's directory", []string{"null"}},
	"num-layers":           {"--layers-to-transform names the layers to adapt, by numbers from 0", []string{"-1"}},
	"lora-layers":          {"--layers-to-transform names the layers to adapt, by numbers from 0", []string{"-1"}},
	"lora-parameters":      {"give its parts: lora_r, lora_alpha (scale times rank), lora_dropout, target_modules", nil},
	"lora-target-linear":   {"give --target-modules all-linear", off},
	"special-tokens":       {"the tokenizer's own files say which they are: leave it out", nil},
	"auto-find-batch-size": {"`luthier plan` shows the largest batch that fits", off},
	"stage":                {"luthier trains by next tokens, hidden tokens or labels: there is no dpo, ppo, kto and no reward model", []string{"sft", "pt"}},
	"rl":                   {"luthier trains by next tokens, hidden tokens or labels: there is no dpo, ppo, kto and no reward model", off},
	"streaming":            {"data is read whole: leave it out", off},
	"test":                 {"luthier eval measures, after the run", off},
}

// remedyOf finds the entry of a name in any writing. An entry that ends in - is for all that begin so.
func remedyOf(name string) (remedy, bool) {
	name = plainName(name)
	if r, ok := refused[name]; ok {
		return r, true
	}
	head, _, more := strings.Cut(name, "-")
	r, ok := refused[head+"-"]
	return r, ok && more
}

// asksNothing tells that name, which the command does not have, is a setting of another tool with a value from which nothing follows.
func asksNothing(name, value string) bool {
	r, ok := remedyOf(name)
	return ok && slices.Contains(r.fine, strings.ToLower(value))
}

// refusedOptim is what to say of another tool's optimizer, or nothing.
func refusedOptim(name string) string {
	name = strings.ToLower(name)
	if strings.Contains(name, "adamw") && (strings.Contains(name, "bit") || strings.Contains(name, "paged")) {
		return "its moments are not quantized and not paged here: give adamw"
	}
	return ""
}
