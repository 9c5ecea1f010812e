package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// verbs are other tools' commands, with the way to what they do.
var verbs = map[string]string{
	"export": "luthier merge", "merge-lora": "luthier merge", "merge-and-unload": "luthier merge", "merge-adapter": "luthier merge",
	"chat": "luthier generate, or luthier predict for classes", "infer": "luthier generate, or luthier predict for classes",
	"inference": "luthier generate, or luthier predict for classes", "run": "luthier train, or luthier generate",
	"env":             "luthier doctor",
	"devices":         "luthier doctor --list",
	"estimate-memory": "luthier plan", "estimate": "luthier plan", "memory": "luthier plan",
	"preprocess": "luthier show-batch",
	"lora":       "luthier train", "qlora": "luthier train", "tune": "luthier train", "fine-tune": "luthier train", "fit": "luthier train",
	"validate": "luthier train --dry-run", "config-schema": "luthier train --help", "lm-eval": "luthier eval", "test": "luthier eval",
	"download": "`hf download NAME --local-dir DIR`: luthier downloads nothing", "fetch": "`hf download NAME --local-dir DIR`: luthier downloads nothing",
	"upload":  "`hf upload`: luthier uploads nothing",
	"push":    "`hf upload`: luthier uploads nothing",
	"convert": "--model DIR as it is: Hugging Face's files (config.json, model.safetensors, tokenizer.json) of what luthier models lists",
	"dpo":     "luthier train, by next tokens, hidden tokens or labels alone", "ppo": "luthier train, by next tokens, hidden tokens or labels alone",
	"kto": "luthier train, by next tokens, hidden tokens or labels alone", "grpo": "luthier train, by next tokens, hidden tokens or labels alone",
	"reward": "luthier train, by next tokens, hidden tokens or labels alone",
}

// ofCobra are commands that cobra adds as it runs.
var ofCobra = []string{"help", "completion", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}

// commandThere refuses arguments that name no command, before their flags are looked at: those of a misspelt command are no flags of
// luthier's own.
func commandThere(root *cobra.Command, args []string) error {
	if cmd, _, err := root.Find(args); err == nil && cmd != root {
		return nil
	}
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.AddFlagSet(root.Flags())
	flags.AddFlagSet(root.PersistentFlags())
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		f := flags.Lookup(name)
		switch {
		case args[i] == "--":
			return nil
		case !strings.HasPrefix(args[i], "-"):
			if slices.Contains(ofCobra, args[i]) {
				return nil
			}
			return known(root, args[i:])
		case !strings.HasPrefix(args[i], "--"): // a shorthand, which takes no value
		case f == nil:
			return usage("--%s: name the command first, as in luthier train --%s (luthier --help lists the commands)", name, name)
		case f.NoOptDefVal == "" && !joined:
			i++
		}
	}
	return nil
}

// known refuses a command that is not there, with what other tools' commands are called here, or the nearest that there is.
func known(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	near := ""
	if way, ok := verbs[strings.ReplaceAll(strings.ToLower(args[0]), "_", "-")]; ok {
		near = ": it is " + way
	} else if s := root.SuggestionsFor(args[0]); len(s) > 0 {
		near = fmt.Sprintf(": did you mean %s?", s[0])
	} else if yamlFile(args[0]) {
		near = fmt.Sprintf(": settings are given as luthier train --config %s", args[0])
	}
	return usage("unknown command %q%s (luthier --help lists all)", args[0], near)
}

func yamlFile(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}
