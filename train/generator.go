package train

import (
	"context"
	"fmt"

	"luthier/backend"
	"luthier/data"
	"luthier/graph"
	"luthier/model"
)

// Generator continues token sequences with a key/value cache: one program reads the prompt and fills the cache, one takes a token at a
// time. One sequence at once.
type Generator struct {
	e        *Engine
	capacity int // positions of the cache
	prompts  map[int]*logitsProgram
	step     *logitsProgram
}

type logitsProgram struct {
	*graph.Program
	logits *graph.Node
}

// NewGenerator plans both programs for sequences of up to capacity tokens, prompt included.
func NewGenerator(e *Engine, capacity int) (*Generator, error) {
	s, ok := model.SpecOf(e.Config.ModelType)
	if !ok || !s.Decoder {
		return nil, &OptionError{fmt.Errorf("%s: a %s model does not generate text", e.Config.File, e.Config.ModelType)}
	}
	if capacity > e.Config.MaxPositions {
		return nil, &OptionError{fmt.Errorf("%d tokens: the model knows %d positions (max_position_embeddings); shorten the prompt or --max-new-tokens",
			capacity, e.Config.MaxPositions)}
	}
	g := &Generator{e: e, capacity: data.Bucket(capacity), prompts: map[int]*logitsProgram{}}
	long, err := g.draft(g.capacity, false)
	if err != nil {
		return nil, err
	}
	step, err := g.draft(1, true)
	if err != nil {
		return nil, err
	}
	if n := max(long.Plan.Total(), step.Plan.Total()); e.Budget > 0 && n > e.Budget {
		return nil, fmt.Errorf("%w: %d tokens take %d bytes, there are %d: shorten the prompt or --max-new-tokens", backend.ErrOutOfMemory, capacity, n, e.Budget)
	}
	if err := e.Store.Reserve(long.Draft.Plan, step.Draft.Plan); err != nil {
		return nil, err
	}
	g.step, err = step.bind(e)
	return g, err
}

type logitsDraft struct {
	*graph.Draft
	logits *graph.Node
}

func (g *Generator) draft(t int, step bool) (*logitsDraft, error) {
	gr := graph.New()
	b := g.e.builder(gr, Shape{1, t}, false)
	b.Cache, b.Step = g.capacity, step
	y, err := b.Logits(1)
	if err != nil {
		return nil, err
	}
	gr.Output(y)
	d, err := g.e.prepare(gr, graph.Options{Trace: g.e.Trace})
	return &logitsDraft{d, y}, err
}

func (d *logitsDraft) bind(e *Engine) (*logitsProgram, error) {
	p, err := d.Bind(e.Store)
	return &logitsProgram{p, d.logits}, err
}

// Generate continues ids by up to n tokens, each chosen by pick from the logits. It stops before a token of stop, and when each returns
// false. It returns the new tokens.
func (g *Generator) Generate(ctx context.Context, ids []int32, n int, stop []int32, pick func(logits []float32) int32, each func(id int32) bool) ([]int32, error) {
	if len(ids) == 0 {
		return nil, fmt.Errorf("generate: the prompt has no tokens")
	}
	if len(ids)+n > g.capacity {
		return nil, fmt.Errorf("generate: %d prompt tokens and %d new ones, planned for %d", len(ids), n, g.capacity)
	}
	logits, err := g.prompt(ctx, ids)
	var out []int32
	for err == nil && len(out) < n {
		id := pick(logits)
		for _, s := range stop {
			if id == s {
				return out, nil
			}
		}
		out = append(out, id)
		if (each != nil && !each(id)) || len(out) == n {
			return out, nil
		}
		logits, err = g.next(ctx, id, len(ids)+len(out)-1)
	}
	return out, err
}

// prompt runs the whole prompt and returns the logits behind its last token.
func (g *Generator) prompt(ctx context.Context, ids []int32) ([]float32, error) {
	t := data.Bucket(len(ids))
	p := g.prompts[t]
	if p == nil {
		d, err := g.draft(t, false)
		if err != nil {
			return nil, err
		}
		if p, err = d.bind(g.e); err != nil {
			return nil, err
		}
		g.prompts[t] = p
	}
	tokens, mask, at := make([]int32, t), make([]int32, t), make([]int32, t)
	for i := range at {
		at[i] = int32(i)
		if i < len(ids) {
			tokens[i], mask[i] = ids[i], 1
		}
	}
	return g.run(ctx, p, map[string][]int32{"input_ids": tokens, "position_ids": at, "attention_mask": mask, "cache_rows": at,
		"pick": {int32(len(ids) - 1)}})
}

// next runs one token at a position and returns the logits behind it.
func (g *Generator) next(ctx context.Context, id int32, at int) ([]float32, error) {
	mask := make([]int32, g.capacity)
	for i := range at + 1 {
		mask[i] = 1
	}
	return g.run(ctx, g.step, map[string][]int32{"input_ids": {id}, "position_ids": {int32(at)}, "cache_mask": mask, "cache_rows": {int32(at)}, "pick": {0}})
}

func (g *Generator) run(ctx context.Context, p *logitsProgram, in map[string][]int32) ([]float32, error) {
	for name, x := range in {
		if err := p.Write(name, words(x)); err != nil {
			return nil, err
		}
	}
	if err := p.Run(ctx); err != nil {
		return nil, err
	}
	raw, err := p.Read(ctx, p.logits)
	if err != nil {
		return nil, err
	}
	return floats(raw), nil
}
