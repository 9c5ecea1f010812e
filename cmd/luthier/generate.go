package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"luthier/model"
	"luthier/train"
)

// sampling says how generate chooses tokens.
type sampling struct {
	temperature float64
	topK        int
	topP        float64
	newTokens   int
	prompt      string
}

func (a *app) generateCmd() *cobra.Command {
	in, s := &inputs{batchSize: 1}, &sampling{}
	c := &cobra.Command{
		Use:     "generate [PROMPT...]",
		Short:   "Continue prompts: of arguments, a file, or lines of standard input",
		Example: "  luthier generate --model MODEL --adapter my-adapter \"Once upon a time\"",
		RunE:    func(c *cobra.Command, args []string) error { return a.generate(c.Context(), in, s, args) },
	}
	files := set(func(f *pflagSet) {
		f.StringVar(&in.model, "model", "", "model directory")
		in.adapterFlag(f)
		f.StringVar(&in.data, "data", "", "file with one prompt a line")
		f.StringVar(&s.prompt, "prompt", "", "one prompt")
	})
	choice := set(func(f *pflagSet) {
		f.IntVar(&s.newTokens, "max-new-tokens", 64, "tokens to add at most")
		f.Float64Var(&s.temperature, "temperature", 0, "0 takes the most probable token; above, chance grows")
		f.IntVar(&s.topK, "top-k", 0, "choose among so many tokens; 0 for all")
		f.Float64Var(&s.topP, "top-p", 1, "choose among the most probable tokens that have this share together")
		f.Uint64Var(&in.seed, "seed", 42, "seed of the choice")
	})
	grouped(c, group{"Model", files}, group{"Sampling", choice})
	return c
}

func (s *sampling) check() error {
	switch {
	case s.newTokens < 1 || s.newTokens > 1<<20:
		return usage("--max-new-tokens %d: want 1 to 1048576", s.newTokens)
	case !(s.temperature >= 0) || s.temperature > 100:
		return usage("--temperature %g: want 0 to 100", s.temperature)
	case s.topK < 0:
		return usage("--top-k %d: want a number of at least 0", s.topK)
	case !(s.topP > 0 && s.topP <= 1):
		return usage("--top-p %g: want a share above 0, to 1", s.topP)
	}
	return nil
}

func (a *app) generate(ctx context.Context, in *inputs, s *sampling, args []string) error {
	if err := s.check(); err != nil {
		return err
	}
	in.task = string(model.CausalLM)
	prompts, err := a.prompts(in, s, args)
	if err != nil {
		return err
	}
	j, err := a.openJob(in, "")
	if j != nil {
		defer j.close()
	}
	if err != nil {
		return err
	}
	if t := j.src.record.Task; t != "" && t != model.CausalLM {
		return usage("%s was trained for %s, and generate continues texts: use predict", cmp.Or(in.adapter, in.model), t)
	}
	ids, most := make([][]int32, len(prompts)), 0
	for i, p := range prompts {
		ids[i] = j.src.tok.Encode(p, true)
		if n := len(ids[i]); n > 0 && ids[i][n-1] == j.src.tok.Special().EOS && n > 1 {
			ids[i] = ids[i][:n-1] // the text goes on
		}
		most = max(most, len(ids[i]))
	}
	j.start(in.seed, j.src.config.MaxPositions)
	j.engine.Budget = j.budget.bytes
	g, err := train.NewGenerator(j.engine, most+s.newTokens)
	if err != nil {
		return err
	}
	if err := j.placed(); err != nil {
		return err
	}
	for i, p := range prompts {
		if err := a.continueText(ctx, j, g, s, in.seed, p, ids[i]); err != nil {
			return err
		}
	}
	return nil
}

// continueText prints a prompt and what follows; on a terminal as it comes.
func (a *app) continueText(ctx context.Context, j *job, g *train.Generator, s *sampling, seed uint64, prompt string, ids []int32) error {
	began := time.Now()
	sampler := train.NewSampler(s.temperature, s.topK, s.topP, seed)
	var all []int32
	shown := 0
	stream := func(id int32) bool {
		all = append(all, id)
		text := j.src.tok.Decode(all, true)
		for shown < len(text) && utf8.FullRuneInString(text[shown:]) {
			r, n := utf8.DecodeRuneInString(text[shown:])
			if r == utf8.RuneError {
				break // the rest of a character may come with the next token
			}
			fmt.Fprint(a.out, text[shown:shown+n])
			shown += n
		}
		return ctx.Err() == nil
	}
	if a.json {
		stream = func(int32) bool { return ctx.Err() == nil }
	} else {
		fmt.Fprint(a.out, prompt)
	}
	out, err := g.Generate(ctx, ids, s.newTokens, j.stops(), sampler.Pick, stream)
	if err != nil {
		return err
	}
	if a.json {
		a.emit(map[string]any{"prompt": prompt, "text": j.src.tok.Decode(out, true), "ids": out, "prompt_tokens": len(ids), "new_tokens": len(out),
			"tokens_per_s": float64(len(out)) / time.Since(began).Seconds()})
		return ctx.Err()
	}
	if text := j.src.tok.Decode(out, true); shown < len(text) {
		fmt.Fprint(a.out, text[shown:])
	}
	fmt.Fprintln(a.out)
	return ctx.Err()
}

// stops are the tokens that end a text: the tokenizer's, the config's and the generation config's.
func (j *job) stops() []int32 {
	out := model.IDs(j.src.config.EOSID)
	if e := j.src.tok.Special().EOS; e >= 0 {
		out = append(out, e)
	}
	var c struct {
		EOS any `json:"eos_token_id"`
	}
	raw, err := os.ReadFile(filepath.Join(j.src.dir, "generation_config.json"))
	if err == nil && json.Unmarshal(raw, &c) == nil {
		out = append(out, model.IDs(c.EOS)...)
	}
	return out
}

// prompts come from arguments, --prompt, a file, or standard input.
func (a *app) prompts(in *inputs, s *sampling, args []string) ([]string, error) {
	var err error
	switch {
	case s.prompt != "":
		args = append([]string{s.prompt}, args...)
	case in.data != "":
		args, err = fileLines(in.data)
	case len(args) == 0:
		args, err = readLines(a.in)
	}
	if err != nil {
		return nil, badData(err)
	}
	if len(args) == 0 {
		return nil, usage("generate: give a prompt")
	}
	return args, nil
}
