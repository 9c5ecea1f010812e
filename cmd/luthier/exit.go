package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"luthier/backend"
	"luthier/data"
	"luthier/internal/atomicfile"
	"luthier/model/safetensors"
	"luthier/train"
)

// Exit codes, part of the command line's contract.
const (
	exitDone        = 0
	exitOther       = 1
	exitUsage       = 2
	exitData        = 3 // data, tokenizer or model file
	exitAdapter     = 4 // no usable adapter, or a kernel failed its self-test
	exitMemory      = 5 // planned or real
	exitDiverged    = 6
	exitLost        = 7
	exitCheckpoint  = 8
	exitInterrupted = 130 // a run saves its step first
)

// codeError is an error whose exit code is known where it arises.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string { return e.err.Error() }
func (e *codeError) Unwrap() error { return e.err }

// usage is an error of flags or config.
func usage(format string, args ...any) error {
	return &codeError{exitUsage, fmt.Errorf(format, args...)}
}

// badData is an error of a data, tokenizer or model file. More specific errors inside keep their own code.
func badData(err error) error {
	if err == nil {
		return nil
	}
	return &codeError{exitData, err}
}

// exitCode finds the code of an error by its type; the specific types win over where the error passed through.
func exitCode(err error) int {
	var (
		diverged   *train.DivergedError
		nonFinite  *safetensors.NonFiniteError
		mismatch   *train.MismatchError
		checkpoint *train.CheckpointError
		limit      *backend.LimitError
		format     *safetensors.FormatError
		busy       *atomicfile.BusyError
		option     *train.OptionError
		prompt     *data.PromptError
		known      *codeError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, train.ErrInterrupted), errors.Is(err, context.Canceled), errors.Is(err, errEarly), errors.Is(err, stepping.aborted):
		return exitInterrupted
	case errors.As(err, &diverged), errors.As(err, &nonFinite):
		return exitDiverged
	case errors.Is(err, backend.ErrDeviceLost):
		return exitLost
	case errors.Is(err, backend.ErrOutOfMemory), errors.As(err, &limit):
		return exitMemory
	case errors.As(err, &mismatch), errors.As(err, &checkpoint):
		return exitCheckpoint
	case errors.Is(err, backend.ErrNoAdapter):
		return exitAdapter
	case errors.As(err, &option), errors.As(err, &prompt):
		return exitUsage
	case errors.As(err, &busy):
		return exitOther
	case errors.As(err, &known):
		return known.code
	case errors.As(err, &format), errors.Is(err, data.ErrNoData), errors.Is(err, data.ErrOneClass):
		return exitData
	}
	return exitOther
}

// explain is the message with a remedy, where the error does not bring one.
func explain(err error) string {
	msg := err.Error()
	if errors.Is(err, context.Canceled) {
		msg = "interrupted"
	}
	remedy := ""
	var limit *backend.LimitError
	var nonFinite *safetensors.NonFiniteError
	switch {
	case errors.Is(err, backend.ErrDeviceLost):
		remedy = "go on with --resume; if it happens again, try a smaller --batch-size or --max-length, or another --device"
	case errors.Is(err, backend.ErrOutOfMemory) && !strings.Contains(msg, "--"):
		remedy = "try a smaller --batch-size or --max-length, --recompute, or --accumulate with smaller batches; `luthier plan` shows what fits"
	case errors.As(err, &limit):
		remedy = "try a smaller --batch-size, --eval-batch-size or --max-length"
	case errors.As(err, &nonFinite) && !strings.Contains(msg, "--"):
		remedy = "it comes from the files that were read: fetch them again"
	case errors.Is(err, data.ErrOneClass):
		remedy = "the data needs rows of at least two labels; name the column with --label-column"
	case errors.Is(err, data.ErrNoData):
		remedy = "give a file with at least one row"
	case errors.Is(err, train.ErrInterrupted) && !strings.Contains(msg, "--"):
		remedy = "saved; go on with --resume"
	case errors.Is(err, syscall.ENOSPC) && !strings.Contains(msg, "free some"):
		remedy = "free some space and try again"
	case (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)) && !strings.Contains(msg, "--"):
		remedy = "make it writable, and go on with --resume; or choose another --out"
	case errors.Is(err, fs.ErrNotExist) && !strings.Contains(msg, "(") && !strings.Contains(msg, "--"):
		remedy = "check the path"
	}
	if remedy == "" {
		return msg
	}
	return msg + "\n  " + remedy
}

// stray is cobra's error of an argument to a command that takes none.
var stray = regexp.MustCompile(`^unknown command (".*") for "luthier ([\w-]+)"$`)

// worded is an error of cobra's own argument checks as a user understands it.
func worded(err error) error {
	if m := stray.FindStringSubmatch(err.Error()); m != nil {
		if name := strings.Trim(m[1], `"`); yamlFile(name) {
			return usage("%s: settings of a file are given as --config %s", m[1], name)
		}
		return usage("%s: luthier %s takes settings only, as --name value (luthier %s --help lists them)", m[1], m[2], m[2])
	}
	return usage("%v (luthier --help lists all commands, and luthier COMMAND --help what each takes)", err)
}

// isCobra tells errors of cobra's own argument checks, which have no type, from those of commands.
func isCobra(err error) bool {
	for _, p := range []string{"unknown command", "unknown flag", "unknown shorthand", "flag needs an argument", "invalid argument", "accepts ",
		"requires at least", "bad flag syntax", "required flag"} {
		if strings.HasPrefix(err.Error(), p) {
			return true
		}
	}
	return false
}

// flagError words pflag's errors, those of c's command line or of a config file.
func flagError(c *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) && c != nil { // nil: a config file's
		return usage("%v (%s --help lists all)", err, c.CommandPath())
	}
	if bad == nil {
		return usage("%v", err)
	}
	want := map[string]string{"int": "a whole number", "uint64": "a whole number of at least 0", "float64": "a number", "bool": "true or false",
		"pattern":  "NAME=NUMBER, with commas between",
		"intSlice": "whole numbers, with commas between"}[bad.GetFlag().Value.Type()]
	if want == "" {
		return usage("%v", err)
	}
	return usage("--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), want)
}
