package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	"luthier/data"
	"luthier/model"
)

// prompting is classification by a question to a language model: the template and words of --template and --verbalizer, or of the adapter.
type prompting struct {
	verbalizer data.Verbalizer
	given      string // the verbalizer as it was given
	data.Prompt
	scores int // scored tokens a sequence, of the sets read so far
}

func (in *inputs) promptFlags(f *pflag.FlagSet) {
	f.StringVar(&in.template, "template", "", "classify by a prompt: text with {text} (or {sentence1}, {sentence2}) and {mask} where the class's word stands; none to leave out that of the adapter")
	f.StringVar(&in.verbalizer, "verbalizer", "", "the classes' words in the order of the labels, or LABEL=WORD, with commas between")
}

// promptOf is the prompt of the flags, or of what the adapter or model was trained with; nil without one.
func (s *source) promptOf(in *inputs) (*prompting, error) {
	task, err := parseTask(in.task)
	if err != nil {
		return nil, err
	}
	classify := task == "" || task == model.Classify
	template, words := in.template, in.verbalizer
	if classify && s.record.Task == model.Score {
		template, words = or(template, s.record.Template), or(words, s.record.Verbalizer)
	}
	switch {
	case template == "" && words == "", template == "none":
		return nil, nil
	case template != "" && !strings.ContainsAny(template, "{}"):
		return nil, usage("--template %s: has no {text}, and chat templates are not read yet: leave it out, and write prompts as the model wants them", template)
	case !classify:
		return nil, usage("--template and --verbalizer are for --task classify, not %s", task)
	case template == "":
		return nil, usage("--verbalizer wants --template, such as --template '{text} It was {mask}.'")
	case words == "":
		return nil, usage("--template wants --verbalizer: the word that stands for each label, in the order of the labels or as LABEL=WORD, such as --verbalizer terrible,great")
	}
	spec, _ := model.SpecOf(s.config.ModelType)
	p := &prompting{given: words}
	p.Masked = spec.Head(model.Score) == model.MaskedLM
	if p.Template, err = data.ParseTemplate(template); err != nil {
		return nil, usage("--template: %v", err)
	}
	if p.verbalizer, err = data.ParseVerbalizer(words); err != nil {
		return nil, usage("--verbalizer: %v", err)
	}
	return p, nil
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// encode turns examples into questions. labels are the class names, nil for those of the verbalizer or, where it names none, of the data.
func (p *prompting) encode(d *dataset, tok data.Tokenizer, length int, labels []string, unlabeled bool) ([]string, error) {
	var err error
	switch {
	case labels != nil && !unlabeled:
		numbered(d.examples, labels)
	case labels != nil:
	case p.verbalizer.Labels != nil:
		labels = p.verbalizer.Names()
		if err := p.covers(d, labels); err != nil {
			return nil, err
		}
	default:
		if labels, err = data.LabelSet(d.examples); err != nil {
			return nil, fmt.Errorf("%s: %w", d.path, err)
		}
	}
	if p.Words, err = p.verbalizer.Order(labels); err != nil {
		return nil, &data.PromptError{Flag: "verbalizer", Problem: err.Error()}
	}
	if err := p.Check(tok); err != nil {
		return nil, err
	}
	var classes []int32
	if !unlabeled {
		if classes, err = data.ClassIDs(d.path, d.examples, labels); err != nil {
			return nil, err
		}
	}
	if d.seqs, d.encoded, err = data.EncodePrompts(tok, &p.Prompt, d.examples, classes, length); err != nil {
		return nil, err
	}
	p.scores = max(p.scores, data.ScoresOf(d.seqs))
	return labels, nil
}

// covers tells whether each label of the data has a word.
func (p *prompting) covers(d *dataset, labels []string) error {
	have := map[string]bool{}
	for _, l := range labels {
		have[l] = true
	}
	for _, e := range d.examples {
		if e.HasLabel && !have[e.Label] {
			return &data.PromptError{Flag: "verbalizer", Problem: fmt.Sprintf("label %q (%s:%d) has no word: add %s=WORD", e.Label, d.path, e.Line, e.Label)}
		}
	}
	return nil
}

// scored is the loader's option: how many tokens of a sequence are asked for.
func (p *prompting) scored() int {
	if p == nil {
		return 0
	}
	return p.scores
}

// String is the prompt with its words, for the header.
func (p *prompting) String() string {
	words := make([]string, len(p.Words))
	for i, w := range p.Words {
		words[i] = fmt.Sprintf("%q", w)
	}
	return fmt.Sprintf("%q with %s", p.Template.Source, strings.Join(words, ", "))
}

// glued tells that a word would stick to the text before it.
func (p *prompting) glued() bool {
	before, _, _ := strings.Cut(strings.ReplaceAll(p.Template.Source, "{label}", "{mask}"), "{mask}")
	if p.Masked || before == "" || len(p.Words) == 0 || before[len(before)-1] == '}' {
		return false
	}
	last, first := rune(before[len(before)-1]), []rune(p.Words[0])[0]
	return last < unicode.MaxASCII && unicode.IsLetter(last) && unicode.IsLetter(first)
}

// head is the task whose head and PEFT type serve the job.
func (j *job) head() model.Task {
	spec, _ := model.SpecOf(j.src.config.ModelType)
	return spec.Head(j.task)
}

// untrainedHead refuses to train below a head that the checkpoint lacks and that the run would not keep. shapes are the trained tensors.
func (j *job) untrainedHead(shapes map[string][]int) error {
	if j.task == model.MaskedLM {
		for _, name := range j.src.weights.Untrained() {
			if _, trained := shapes[name]; !trained {
				return usage("%s has no %s, and this run would not train it: train it too, or choose a checkpoint with the language model's head", j.src.dir, name)
			}
		}
	}
	if j.task != model.Score {
		return nil
	}
	for _, name := range j.src.weights.Started() {
		if _, trained := shapes[name]; !trained {
			return badData(fmt.Errorf("%s has no %s: its words would be scored by a random head; choose a checkpoint with the language model's head, or leave --template out",
				j.src.dir, name))
		}
	}
	return nil
}

// promptFits refuses what a prompt does not go with. gradient says that the optimizer wants one: the score of an option is made on the host.
func (j *job) promptFits(s *trainSettings, gradient bool) error {
	switch {
	case j.task != model.Score:
		return nil
	case j.train == nil:
		return usage("--template: give --data: its labels and the words' tokens decide the size of a batch")
	case gradient:
		return usage("--template: a prompt is trained by forward passes, and --optim %s wants gradients: give --optim mezo, or leave --template out to train a classification head",
			s.optim)
	case s.smoothing > 0:
		return usage("--label-smoothing: there is none with --template: leave it out")
	}
	return nil
}

// perRow is how many sequences of a batch a row of the data takes: one for each option where a prompt's options want their own.
func (j *job) perRow() int {
	if j.loader == nil {
		return 1
	}
	return j.loader.BatchRows() / j.loader.Options().BatchSize
}

// promptAdvice suggests a prompt to a run of forward passes only that trains a new classification head; empty where there is nothing to say.
// Without a prompt the objective is too far from what the model knows for an estimate of so few directions (Malladi et al. 2023, section 4).
func (j *job) promptAdvice() string {
	if j.task != model.Classify {
		return ""
	}
	spec, _ := model.SpecOf(j.src.config.ModelType)
	field := "{text}"
	if j.train != nil && len(j.train.examples) > 0 && j.train.examples[0].HasPair {
		field = "{sentence1} {sentence2}"
	}
	template, words := fmt.Sprintf("'%s It was {mask}.'", field), "WORD,WORD"
	if spec.Head(model.Score) == model.CausalLM {
		template, words = fmt.Sprintf("'%s It was'", field), "' WORD, WORD'"
	}
	if n := len(j.labels); n > 0 && n <= 6 {
		var pairs []string
		for _, l := range j.labels {
			word := "=WORD"
			if spec.Head(model.Score) == model.CausalLM {
				word = "= WORD"
			}
			pairs = append(pairs, l+word)
		}
		words = "'" + strings.Join(pairs, ",") + "'"
	}
	return fmt.Sprintf("without a prompt most tasks are hardly learnt from forward passes alone: consider --template %s --verbalizer %s, with a word for each label",
		template, words)
}
