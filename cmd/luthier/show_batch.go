package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"luthier/data"
	"luthier/model"
)

// showing is what show-batch is told beyond the settings of a run.
type showing struct {
	batches int
	color   string
}

func (a *app) showBatchCmd() *cobra.Command {
	s, o := &trainSettings{}, &showing{}
	c := &cobra.Command{
		Use:   "show-batch",
		Short: "Show the tokens of a run's first batches, which of them are trained on, and what is cut away",
		Long: "show-batch prints the batches that luthier train would begin with, given the same settings: each token, whether the loss looks at it,\n" +
			"labels, padding, and what --max-length cuts away. It wants no adapter and no weights.",
		Example: "  luthier show-batch --model MODEL --data train.jsonl --max-length 512",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s.flags = c.Flags()
			if err := s.settle(c.Name()); err != nil {
				return err
			}
			a.notes(s)
			return a.showBatches(s, o)
		},
	}
	show := set(func(f *pflagSet) {
		f.IntVar(&o.batches, "batches", 1, "batches to show")
		f.StringVar(&o.color, "color", "auto", "colours instead of marks: auto (in a terminal, unless NO_COLOR is set), always, never")
	})
	grouped(c, group{"Show", show}, group{"Model", s.modelFlags()}, group{"Data", s.trainDataFlags()},
		group{"Method " + a.choice.method.Name(), s.methodFlags(a.choice)}, group{"Optimizer " + a.choice.optimizer.Name(), s.optimFlags(a.choice)},
		group{"Run", s.runFlags()})
	c.Flags().AddFlagSet(ignoredFlags())
	return c
}

func (a *app) showBatches(s *trainSettings, o *showing) error {
	p, err := a.paint(o.color)
	switch {
	case err != nil:
		return err
	case o.batches < 1:
		return usage("--batches %d: want at least 1", o.batches)
	case s.model == "" && s.initAdapter == "":
		return usage("--model: give a model directory; show-batch reads its tokenizer and config.json")
	case s.data == "":
		return usage("--data: give training data")
	}
	if err := s.check(); err != nil {
		return err
	}
	j := &job{method: a.choice.method}
	defer func() {
		if j.src != nil {
			j.close()
		}
	}()
	if err := j.read(s); err != nil {
		return err
	}
	a.showSet(j, p)
	for n := 0; n < o.batches; {
		b, more := j.loader.Next()
		if !more {
			continue // the next one begins another epoch
		}
		n++
		a.showBatch(j, b, n, p)
	}
	return nil
}

// paint settles the colours.
func (a *app) paint(when string) (painter, error) {
	switch when {
	case "always":
		return painter{color: true}, nil
	case "never":
		return painter{}, nil
	case "auto":
		_, plain := os.LookupEnv("NO_COLOR")
		return painter{color: !plain && os.Getenv("TERM") != "dumb" && terminal(a.out)}, nil
	}
	return painter{}, usage("--color %s: want auto, always or never", when)
}

// showSet is what holds for the whole data set.
func (a *app) showSet(j *job, p painter) {
	audit := auditOf(j)
	if a.json {
		a.emit(map[string]any{"event": "data", "model": j.src.dir, "task": j.task, "labels": j.labels, "max_length": j.length, "train": setJSON(j.train),
			"tokens_cut": j.train.encoded.Lost, "rows_left_out": audit.leftOut, "tokens_trained": audit.trained, "double_bos": audit.doubleBOS,
			"ends_trained": audit.endsTrained, "batches": j.loader.Batches()})
		return
	}
	a.say("model:    %s (%s)", j.src.dir, j.src.config.ModelType)
	a.say("task:     %s%s, at most %d tokens", j.task, labelText(j.labels), j.length)
	if j.prompt != nil {
		a.say("prompt:   %s", j.prompt)
	}
	a.say("data:     %s", j.train.summary())
	a.say("cut:      %s", cutText(j.train.encoded, len(j.train.seqs)+audit.leftOut, j.length))
	for _, line := range audit.lines(j) {
		a.say("%s", line)
	}
	a.say("marks:    %s", p.legend(j.task))
}

// cutText says what cutting took from the rows of a file.
func cutText(r data.Report, rows, length int) string {
	if r.Truncated == 0 {
		return fmt.Sprintf("nothing (the longest has %d of %d tokens)", r.Longest, length)
	}
	return fmt.Sprintf("%d of %d rows, which lose %d tokens (%.1f %% of all); the longest has %d of %d", r.Truncated, rows, r.Lost,
		100*float64(r.Lost)/float64(r.Tokens+r.Lost), r.Longest, length)
}

// audit is what usually goes wrong with the ends of texts, counted over all sequences.
type audit struct {
	leftOut     int // rows of the file of which nothing is trained on
	trained     int // tokens that the loss looks at
	ends        int // sequences that end with EOS
	endsTrained int // whose EOS is trained on
	doubleBOS   int // that begin with two
	packed      bool
}

func auditOf(j *job) (x audit) {
	special := j.src.tok.Special()
	for i := range j.train.seqs {
		s := &j.train.seqs[i]
		n := len(s.IDs)
		for _, l := range s.Labels {
			if l != data.Ignore {
				x.trained++
			}
		}
		if n > 1 && special.BOS >= 0 && s.IDs[0] == special.BOS && s.IDs[1] == special.BOS {
			x.doubleBOS++
		}
		if special.EOS >= 0 && s.IDs[n-1] == special.EOS {
			x.ends++
			if n > 1 && s.Labels != nil && s.Labels[n-2] == special.EOS {
				x.endsTrained++
			}
		}
		x.packed = x.packed || s.Line == 0
	}
	if !x.packed {
		x.leftOut = max(0, j.train.read.Rows-len(j.train.seqs))
	}
	return x
}

// lines say what is worth saying.
func (x audit) lines(j *job) (out []string) {
	n := len(j.train.seqs)
	if j.task == model.CausalLM {
		out = append(out, fmt.Sprintf("loss on:  %d of %d tokens (%.1f %%)", x.trained, j.train.encoded.Tokens, 100*float64(x.trained)/float64(j.train.encoded.Tokens)))
		if !x.packed {
			out = append(out, fmt.Sprintf("ends:     %d of %d sequences end with the EOS token, which is trained on in %d", x.ends, n, x.endsTrained))
		}
	}
	if x.leftOut > 0 {
		out = append(out, fmt.Sprintf("left out: %s with no token to train on: a larger --max-length may keep them", plural(float64(x.leftOut), "row")))
	}
	if x.doubleBOS > 0 {
		out = append(out, fmt.Sprintf("bos:      %d sequences begin with two BOS tokens: take the one out of the data", x.doubleBOS))
	}
	return out
}
