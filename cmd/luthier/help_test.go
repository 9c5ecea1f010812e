package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Help shows examples and other names of a command, the way to the settings of other methods, and what the exit codes mean.
func TestHelp(t *testing.T) {
	_, out, _ := luthier(t, "train", "--help")
	for _, s := range []string{"train, sft, finetune", "luthier train --model MODEL", "luthier train --method NAME --optim NAME --help", "--lora-r"} {
		require.Contains(t, out, s)
	}
	_, out, _ = luthier(t, "train", "--help", "--optim", "mezo")
	require.Contains(t, out, "--directions")
	_, out, _ = luthier(t, "merge", "--help")
	require.Contains(t, out, "merge, fuse")
	require.NotContains(t, out, "--method NAME")
	_, out, _ = luthier(t, "--help")
	for _, c := range codeTitles {
		if c.code != exitOther {
			require.Regexp(t, `\d  `+c.title, out)
		}
	}
	_, out, _ = luthier(t, "version", "--help")
	require.NotContains(t, out, "Exit codes")
}
