package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// tidy prepares the arguments for pflag and refuses what it would not: `--flag true` of switches (as transformers' parser takes them)
// becomes `--flag=true`, `--resume DIR` becomes `--resume=DIR`, an unknown flag is answered with what helps or the nearest known one, and one
// setting given by two names is an error.
func tidy(root *cobra.Command, args []string) ([]string, error) {
	cmd, _, err := root.Find(args)
	if err != nil || cmd == root {
		return args, nil // help, a version or a completion
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SetNormalizeFunc(normalize)
	cmd.InitDefaultHelpFlag()
	flags.AddFlagSet(cmd.Flags())
	flags.AddFlagSet(cmd.InheritedFlags())
	written := map[string]string{}
	var out []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			return append(out, args[i:]...), nil
		}
		if !strings.HasPrefix(a, "--") {
			out = append(out, a)
			continue
		}
		name, value, joined := strings.Cut(a[2:], "=")
		f := flags.Lookup(name)
		if f == nil {
			switch {
			case joined:
			case i+1 < len(args) && !strings.HasPrefix(args[i+1], "--"):
				i++
				value = args[i]
			default:
				value = "true"
			}
			if asksNothing(name, value) {
				continue
			}
			return nil, unknown("flag --", name, flags, cmd.Name())
		}
		if before, ok := written[f.Name]; ok && before != name {
			return nil, usage("--%s and --%s are two names of one setting: give one", before, name)
		}
		written[f.Name] = name
		next := i+1 < len(args)
		switch {
		case joined:
			a = "--" + name + "=" + value
		case f.NoOptDefVal == "":
			out = append(out, a)
			if i++; next {
				out = append(out, args[i])
			}
			continue
		case next && takes(f, args[i+1]):
			i++
			a += "=" + args[i]
		}
		out = append(out, a)
	}
	return out, nil
}

// takes tells whether a flag with an optional value means the argument behind it.
func takes(f *pflag.Flag, next string) bool {
	if f.Value.Type() != "bool" {
		return !strings.HasPrefix(next, "-")
	}
	switch strings.ToLower(next) {
	case "true", "false":
		return true
	}
	return false
}

// unknown is the error of a name that is no setting of the command.
func unknown(kind, name string, f *pflag.FlagSet, command string) error {
	if owner := ownerOf(plainName(name)); owner != "" {
		return usage("unknown %s%s here: it belongs to %s", kind, name, owner)
	}
	bare := kind[strings.Index(kind, " ")+1:]
	if r, ok := remedyOf(name); ok {
		return usage("%s%s: %s", bare, name, r.text)
	}
	if near := suggest(name, f); near != "" {
		return usage("unknown %s%s: did you mean %s%s? (luthier %s --help lists them)", kind, name, bare, near, command)
	}
	return usage("unknown %s%s (luthier %s --help lists them)", kind, name, command)
}
