package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exitCodes ends the help of luthier itself.
var exitCodes = "{{if not .HasParent}}" + `
Exit codes:
` + codeLines() + "{{end}}"

// codeTitles are the exit codes but that of success, in the order of the documents.
var codeTitles = []struct {
	code  int
	title string
}{
	{exitUsage, "usage or config"}, {exitData, "data, tokenizer or model file"}, {exitAdapter, "no usable adapter"}, {exitMemory, "out of memory, planned or real"},
	{exitDiverged, "diverged"}, {exitLost, "device lost"}, {exitCheckpoint, "checkpoint does not match or is damaged"}, {exitInterrupted, "interrupted"},
	{exitOther, "another failure"},
}

func codeLines() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %3d  done\n  %3d  a failure that is none of those below\n", exitDone, exitOther)
	for _, c := range codeTitles {
		if c.code != exitOther {
			fmt.Fprintf(&b, "  %3d  %s\n", c.code, c.title)
		}
	}
	return b.String()
}

// group is a titled part of a command's flags.
type group struct {
	title string
	flags *pflag.FlagSet
}

// grouped adds flags to c in titled groups, which its help keeps apart.
func grouped(c *cobra.Command, gs ...group) {
	for _, g := range gs {
		g.flags.SortFlags = false
		c.Flags().AddFlagSet(g.flags)
	}
	c.SetUsageFunc(func(c *cobra.Command) error {
		w := c.OutOrStderr()
		fmt.Fprintf(w, "Usage:\n  %s\n", c.UseLine())
		if len(c.Aliases) > 0 {
			fmt.Fprintf(w, "\nAliases:\n  %s\n", c.NameAndAliases())
		}
		if c.HasExample() {
			fmt.Fprintf(w, "\nExamples:\n%s\n", c.Example)
		}
		shown := pflag.NewFlagSet("", pflag.ContinueOnError)
		for _, g := range gs {
			section(w, g.title, g.flags)
			shown.AddFlagSet(g.flags)
		}
		rest := pflag.NewFlagSet("", pflag.ContinueOnError)
		for _, set := range []*pflag.FlagSet{c.LocalFlags(), c.InheritedFlags()} {
			set.VisitAll(func(f *pflag.Flag) {
				if shown.Lookup(f.Name) == nil && rest.Lookup(f.Name) == nil {
					rest.AddFlag(f)
				}
			})
		}
		section(w, "Every command", rest)
		if c.Flags().Lookup("method") != nil {
			fmt.Fprintf(w, "\nOther methods and optimizers have other settings: luthier %s --method NAME --optim NAME --help\n"+
				"Names that other tools give them are understood too: docs/settings.md\n", c.Name())
		}
		return nil
	})
}

func section(w io.Writer, title string, f *pflag.FlagSet) {
	if s := f.FlagUsagesWrapped(110); strings.TrimSpace(s) != "" {
		fmt.Fprintf(w, "\n%s:\n%s", title, s)
	}
}
