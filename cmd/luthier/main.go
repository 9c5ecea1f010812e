// Command luthier fine-tunes pretrained transformers on any WebGPU adapter: a model directory and a data file in, an adapter out.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker where a release is built.
var version = "0.1.0-dev"

func main() {
	plainFileSizeLimit()
	ctx, stop := interruptible(context.Background(), os.Stderr)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// app is what every command shares.
type app struct {
	in       io.Reader
	out, err io.Writer
	json     bool // one JSON object, or one a line, on out
	device   string
	memory   string
	choice   choice
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) (code int) {
	a := &app{in: in, out: out, err: errOut}
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(errOut, "luthier: a fault of luthier itself: %v\n%s", p, debug.Stack())
			code = exitOther
		}
	}()
	signals := interruptsOf(ctx)
	signals.tells(a.failed)
	err := a.execute(ctx, args)
	if !signals.ends() {
		select {} // a signal has ended the process
	}
	if err == nil {
		return exitDone
	}
	return a.failed(err)
}

// failed tells of an error, and gives the exit code.
func (a *app) failed(err error) int {
	code := exitCode(err)
	if a.json {
		a.emit(map[string]any{"error": explain(err), "exit_code": code})
	}
	fmt.Fprintf(a.err, "luthier: %s\n", explain(err))
	return code
}

// execute parses the arguments and runs the command they name.
func (a *app) execute(ctx context.Context, args []string) (err error) {
	given := args
	defer func() { a.json = a.json || err != nil && asksJSON(given) }() // an error of the flags comes before --json is read
	if a.choice, err = choose(nil); err != nil {
		return err
	}
	if err = commandThere(a.root(), args); err != nil {
		return err
	}
	if a.choice, err = choose(args); err != nil {
		return err
	}
	root := a.root()
	if args, err = tidy(root, args); err != nil {
		return err
	}
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetIn(a.in)
	err = root.ExecuteContext(ctx)
	var known *codeError
	if errors.As(err, &known) || err == nil || !isCobra(err) {
		return err
	}
	return worded(err)
}

// asksJSON tells whether --json stands among arguments that may not have been parsed.
func asksJSON(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "luthier",
		Short:         "Fine-tune pretrained transformers on any WebGPU adapter",
		Long:          "luthier fine-tunes pretrained transformers through WebGPU compute: Vulkan, Metal or DX12, without Python and without CUDA.",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          known,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetGlobalNormalizationFunc(normalize)
	p := root.PersistentFlags()
	p.BoolVar(&a.json, "json", false, "machine output: JSON on standard output")
	p.StringVar(&a.device, "device", "auto", "adapter: auto, an index that luthier doctor --list shows, a part of a name, or float64 (the slow reference)")
	p.StringVar(&a.memory, "memory", "", "cap of device memory, such as 4GiB (default: what the adapter is known to have)")
	root.SetFlagErrorFunc(flagError)
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(a.trainCmd(), a.evalCmd(), a.predictCmd(), a.generateCmd(), a.mergeCmd(), a.replayCmd(), a.planCmd(), a.showBatchCmd(), a.doctorCmd(), a.inspectCmd(), a.gradientsCmd(), a.tokenizeCmd(),
		a.benchCmd(), a.methodsCmd(), a.modelsCmd(), a.versionCmd())
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetUsageTemplate(root.UsageTemplate() + exitCodes)
	return root
}
