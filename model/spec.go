// Package model builds pretrained transformers as graphs: one file an architecture, named after Hugging Face's model_type.
//
// A Builder holds what one build needs; an architecture is a few functions that call its methods in the order of their equations. Every
// weight passes through a Site, the seam at which fine-tuning methods (package peft) act. Weights come from safetensors files in Hugging
// Face's layout, mapped and not copied.
package model

import (
	"fmt"
	"sort"

	"luthier/backend"
	"luthier/graph"
)

// Task is what a model is trained to do.
type Task string

// Tasks, by the names that the command line takes.
const (
	CausalLM Task = "clm"
	MaskedLM Task = "mlm"
	Classify Task = "classify"
	Regress  Task = "regress"
	// TokenClassify gives each word of a text a class.
	TokenClassify Task = "token-classify"
	// Score asks a language model for the log-probabilities of given words: classification by a prompt.
	Score Task = "score"
)

// PEFTType is PEFT's name of the task, for adapter_config.json.
func (t Task) PEFTType() string {
	switch t {
	case CausalLM:
		return "CAUSAL_LM"
	case Classify, Regress:
		return "SEQ_CLS"
	case TokenClassify:
		return "TOKEN_CLS"
	}
	return ""
}

// Spec describes an architecture.
type Spec struct {
	Type       string
	Prefix     string          // of the base model's weights in a checkpoint with a head; a bare base model's file lacks it
	Classes    map[Task]string // transformers' class by task
	Targets    []string        // linear modules that LoRA adapts by default, as PEFT has them
	Heads      []string        // modules that a checkpoint may lack: they start fresh
	MaskedHead []string        // those of them under the vocabulary that a method of few parameters trains whole where they start fresh
	Pooler     []string        // the same before the classes of whole texts
	Decoder    bool            // generates text
	TokenTypes bool            // reads token_type_ids, from a table of type_vocab_size rows
	// Table is the word embedding, to which the vocabulary head HeadWeight may be tied.
	Table, HeadWeight string
	HeadBias          string        // of a tied head; one of its own has it beside the weight
	Defaults          func(*Config) // what transformers' config class has where config.json says nothing and zero would be wrong
	Check             func(*Config) error
	Hidden            func(*Builder) *graph.Node                               // last hidden states, [B*T, d]
	Vocab             func(*Builder, *graph.Node) (h, table, bias *graph.Node) // what the vocabulary head multiplies
	Labels            func(b *Builder, h *graph.Node, labels int) *graph.Node  // classification logits, [B, labels]
	Tokens            func(b *Builder, h *graph.Node, labels int) *graph.Node  // those of each token, [B*T, labels]
}

// Head is the task whose head serves t: scoring words is done by the language model's own.
func (s Spec) Head(t Task) Task {
	switch {
	case t != Score:
		return t
	case s.Decoder:
		return CausalLM
	}
	return MaskedLM
}

// Has tells whether models of the architecture do t.
func (s Spec) Has(t Task) bool { return s.Classes[s.Head(t)] != "" }

var specs = map[string]Spec{}

func register(s Spec) bool {
	specs[s.Type] = s
	return true
}

// Types lists the supported model_type values, sorted.
func Types() []string {
	var out []string
	for t := range specs {
		out = append(out, t)
	}
	sort.Strings(out)
	return out
}

// SpecOf is the architecture of a model_type.
func SpecOf(modelType string) (Spec, bool) {
	s, ok := specs[modelType]
	return s, ok
}

// Outputs are the values of a built model.
type Outputs struct {
	Loss   *graph.Node // [1]: loss_scale times the sum of Rows
	Rows   *graph.Node // loss of each token or sequence
	Logits *graph.Node // [B, labels], of each token [B*T, labels], or nil for language models
	Hits   *graph.Node // of a masked language model that is not training: 1 at each token that it names right, else 0, as many as Rows; else nil
}

// Loss builds the model with the loss of the task. labels is the number of classes (1 for regression). Inputs beside those of the model:
// labels u32 [B*T] or [B] (graph.Ignored for none), or targets and target_weights f32 [B]; loss_scale f32 [1]. Score has score_rows and
// score_labels u32 [B*Scores]: token rows (b*T + t) and the id that each shall predict; Rows are minus their log-probabilities. MaskedLM with
// Builder.Masked has masked_rows and masked_labels instead of labels.
func (b *Builder) Loss(task Task, labels int, smoothing float32) (Outputs, error) {
	s := specs[b.Config.ModelType]
	if !s.Has(task) {
		return Outputs{}, fmt.Errorf("%s: a %s model has no task %s", b.Config.File, s.Type, task)
	}
	h := s.Hidden(b)
	scale := b.G.InputOf("loss_scale", backend.F32, 1)
	out := Outputs{}
	switch task {
	case CausalLM, MaskedLM:
		labels := b.labels(&h)
		h, table, bias := s.Vocab(b, h)
		if task == MaskedLM && !b.Train && smoothing == 0 {
			out.Loss, out.Rows, out.Hits = graph.VocabHits(h, table, bias, labels, scale)
		} else {
			out.Loss, out.Rows = graph.VocabLoss(h, table, bias, labels, scale, smoothing)
		}
	case Score:
		n := b.B * max(1, b.Scores)
		h, table, bias := s.Vocab(b, graph.GatherRows(h, b.G.InputOf("score_rows", backend.U32, n)))
		out.Loss, out.Rows = graph.VocabLoss(h, table, bias, b.G.InputOf("score_labels", backend.U32, n), scale, 0)
	case Classify:
		out.Logits = s.Labels(b, h, labels)
		out.Loss, out.Rows = graph.CrossEntropy(out.Logits, b.G.InputOf("labels", backend.U32, b.B), scale, smoothing)
	case TokenClassify:
		out.Logits = s.Tokens(b, h, labels)
		out.Loss, out.Rows = graph.CrossEntropy(out.Logits, b.G.InputOf("labels", backend.U32, b.Rows()), scale, smoothing)
	case Regress:
		out.Logits = s.Labels(b, h, 1)
		out.Loss, out.Rows = graph.MSE(out.Logits, b.G.InputOf("targets", backend.F32, b.B), b.G.InputOf("target_weights", backend.F32, b.B), scale)
	}
	return out, b.err()
}

// labels of a language model's tokens. Of a masked one most have none, and the head sees but the rows of h that masked_rows u32 [B*Masked]
// lists, each once; masked_labels are theirs.
func (b *Builder) labels(h **graph.Node) *graph.Node {
	if b.Masked == 0 {
		return b.G.InputOf("labels", backend.U32, b.Rows())
	}
	n := b.B * b.Masked
	*h = graph.GatherRows(*h, b.G.InputOf("masked_rows", backend.U32, n))
	return b.G.InputOf("masked_labels", backend.U32, n)
}

// Logits builds the model with the logits of picked rows: pick u32 [n] are token rows (b * T + t). A language model gives [n, vocab].
func (b *Builder) Logits(n int) (*graph.Node, error) {
	s := specs[b.Config.ModelType]
	h := graph.GatherRows(s.Hidden(b), b.G.InputOf("pick", backend.U32, n))
	h, table, bias := s.Vocab(b, h)
	y := graph.Linear(h, table, bias)
	return y, b.err()
}

func (b *Builder) err() error {
	if b.Weights.err != nil {
		return b.Weights.err
	}
	return b.G.Err()
}
