package peft

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"luthier/model"
)

// LoRAConfig is PEFT's LoraConfig; names are those of adapter_config.json. Keys that PEFT got lately are written only where they say
// something, so that older versions read the file too.
type LoRAConfig struct {
	PEFTType      string           `json:"peft_type"`
	TaskType      string           `json:"task_type,omitempty"`
	Base          string           `json:"base_model_name_or_path"`
	Revision      *string          `json:"revision"`
	InferenceMode bool             `json:"inference_mode"`
	R             int              `json:"r"`
	Alpha         float64          `json:"lora_alpha"`
	Dropout       float64          `json:"lora_dropout"`
	Targets       Targets          `json:"target_modules"`
	Exclude       Targets          `json:"exclude_modules,omitzero"`
	Bias          string           `json:"bias"`
	FanInFanOut   bool             `json:"fan_in_fan_out"`
	Init          any              `json:"init_lora_weights"`
	RSLoRA        bool             `json:"use_rslora"`
	DoRA          bool             `json:"use_dora"`
	RankPattern   Pattern[int]     `json:"rank_pattern"`
	AlphaPattern  Pattern[float64] `json:"alpha_pattern"`
	Save          []string         `json:"modules_to_save"`
	EnsureTying   bool             `json:"ensure_weight_tying,omitempty"`
	Layers        any              `json:"layers_to_transform"`
	LayersPattern any              `json:"layers_pattern"`
	// Order has the keys of the patterns by the pattern's name where they are not sorted: what was read into a map knows it by this alone. It
	// is in no adapter_config.json.
	Order map[string][]string `json:"pattern_order,omitempty"`
}

// gaussian is a value of init_lora_weights.
const gaussian = "gaussian"

// Flags adds the settings by PEFT's names.
func (l *LoRA) Flags(f *pflag.FlagSet) {
	f.IntVar(&l.R, "lora-r", l.R, "rank")
	f.Float64Var(&l.Alpha, "lora-alpha", l.Alpha, "scale: the addition is multiplied by alpha / r")
	f.Float64Var(&l.Dropout, "lora-dropout", l.Dropout, "dropout on the input of the addition")
	f.StringVar(&l.targets, "target-modules", "", "modules to adapt: names with commas, all-linear, or re:REGEX (default: as PEFT for the model type)")
	f.StringVar(&l.exclude, "exclude-modules", "", "modules to leave out of those: names with commas, or re:REGEX")
	f.StringVar(&l.save, "modules-to-save", "", "modules trained whole, names with commas (classification heads always are)")
	f.BoolVar(&l.EnsureTying, "ensure-weight-tying", l.EnsureTying, "with an embedding in --modules-to-save: the head tied to it stays tied")
	f.IntSliceVar(&l.layersFlag, "layers-to-transform", nil, "adapt these layers alone: numbers with commas, from 0")
	f.BoolVar(&l.RSLoRA, "use-rslora", l.RSLoRA, "scale by alpha / sqrt(r)")
	f.StringVar(&l.Bias, "lora-bias", l.Bias, "biases to train: none, all, lora_only")
	f.StringVar(&l.init, "init-lora-weights", "", "how A starts: true (uniform) or gaussian; B starts zero")
	f.Var(&patternFlag[int]{to: &l.RankPattern}, "rank-pattern", "ranks of single modules: NAME=R,..., the first match counts")
	f.Var(&patternFlag[float64]{to: &l.AlphaPattern}, "alpha-pattern", "alphas of single modules: NAME=ALPHA,..., the first match counts")
}

// Setup chooses default targets and the head.
func (l *LoRA) Setup(c *model.Config, task model.Task) error {
	spec, ok := model.SpecOf(c.ModelType)
	if !ok {
		return fmt.Errorf("model_type %q is not supported", c.ModelType)
	}
	if err := l.fromFlags(); err != nil {
		return err
	}
	if l.Targets.Empty() {
		l.Targets.List = spec.Targets
	}
	l.heads = spec.Heads
	l.TaskType = task.PEFTType()
	if l.TaskType == "SEQ_CLS" || l.TaskType == "TOKEN_CLS" { // as PEFT's PeftModelForSequenceClassification and its kin do
		for _, n := range []string{"classifier", "score"} {
			if !endsIn(n, l.Save) {
				l.Save = append(l.Save, n)
			}
		}
	}
	table := strings.TrimSuffix(spec.Table, ".weight")
	if c.TiedHead() {
		l.table, l.head = spec.Table, spec.HeadWeight
	}
	if l.EnsureTying && c.TiedHead() && spec.HeadBias != "" && l.headed() {
		return fmt.Errorf("ensure_weight_tying: not supported for a %s model, whose head has a bias that PEFT would drop", c.ModelType)
	}
	if l.EnsureTying && c.TiedHead() && l.hits(table) {
		return fmt.Errorf("ensure_weight_tying with an addition to %s: an addition to the vocabulary head is not supported; "+
			"train the embedding whole (modules_to_save), or leave the setting out", table)
	}
	return l.check()
}

// headed tells whether the task uses the vocabulary head.
func (l *LoRA) headed() bool { return l.TaskType != "SEQ_CLS" && l.TaskType != "TOKEN_CLS" }

// fromFlags reads the flags whose settings have another form in the file.
func (l *LoRA) fromFlags() (err error) {
	if l.targets != "" {
		if l.Targets, err = ParseTargets("target_modules", l.targets); err != nil {
			return err
		}
	}
	if l.exclude != "" {
		if l.Exclude, err = ParseTargets("exclude_modules", l.exclude); err != nil {
			return err
		}
	}
	if l.save != "" {
		l.Save = strings.Split(l.save, ",")
	}
	if len(l.layersFlag) > 0 {
		l.Layers = l.layersFlag
	}
	switch l.init {
	case "":
	case "true", "True":
		l.Init = true
	case gaussian:
		l.Init = gaussian
	default:
		return fmt.Errorf("init-lora-weights %q: want true or gaussian", l.init)
	}
	return nil
}

func (l *LoRA) check() error {
	switch {
	case l.R <= 0:
		return fmt.Errorf("lora-r %d: want a rank of at least 1", l.R)
	case !positive(l.Alpha):
		return fmt.Errorf("lora-alpha %g: want a positive number", l.Alpha)
	case !(l.Dropout >= 0 && l.Dropout < 1):
		return fmt.Errorf("lora-dropout %g: want a number in [0, 1)", l.Dropout)
	case l.Bias != "none" && l.Bias != "all" && l.Bias != "lora_only":
		return fmt.Errorf("lora-bias %q: want none, all or lora_only", l.Bias)
	case l.DoRA:
		return fmt.Errorf("use_dora: DoRA adapters are not supported")
	case l.Exclude.Expr == allLinear:
		return fmt.Errorf("exclude_modules all-linear: want names or a regular expression")
	}
	for _, c := range l.RankPattern {
		if c.Value <= 0 {
			return fmt.Errorf("rank_pattern %s=%d: want a rank of at least 1", c.Key, c.Value)
		}
	}
	for _, c := range l.AlphaPattern {
		if !positive(c.Value) {
			return fmt.Errorf("alpha_pattern %s=%g: want a positive number", c.Key, c.Value)
		}
	}
	l.patterns = map[string]*expression{}
	for _, k := range append(l.RankPattern.keys(), l.AlphaPattern.keys()...) {
		e, err := compile("rank_pattern or alpha_pattern", `(?:.*\.)?`, k)
		if err != nil {
			return err
		}
		l.patterns[k] = e
	}
	return l.checkLayers()
}

func positive(x float64) bool { return x > 0 && !math.IsInf(x, 0) }

// passive are keys of LoraConfig that say nothing about what an adapter computes: where it came from, how it was begun, and how PEFT runs it.
var passive = []string{"auto_mapping", "peft_version", "megatron_config", "megatron_core", "loftq_config", "eva_config", "corda_config",
	"lora_ga_config", "qalora_group_size", "runtime_config"}

// neutral are values that mean nothing.
var neutral = []string{"null", "false", "{}", "[]", `""`}

// loaded checks a config that PEFT wrote. A key that luthier does not know, and that is not neutral, would change what the adapter computes.
func (l *LoRA) loaded(raw []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	var own map[string]json.RawMessage
	known, err := json.Marshal(LoRAConfig{Exclude: Targets{Expr: "x"}, TaskType: "x", EnsureTying: true, Order: map[string][]string{"x": nil}})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(known, &own); err != nil {
		return err
	}
	for _, k := range sortedKeys(all) {
		var v bytes.Buffer
		if err := json.Compact(&v, all[k]); err != nil {
			return err
		}
		if _, ok := own[k]; !ok && !slices.Contains(passive, k) && !slices.Contains(neutral, v.String()) {
			return fmt.Errorf("%s is %s: adapters with it are not supported", k, v.String())
		}
	}
	if err := l.checkInit(); err != nil {
		return err
	}
	l.RankPattern.reorder(l.Order["rank_pattern"])
	l.AlphaPattern.reorder(l.Order["alpha_pattern"])
	l.InferenceMode, l.FanInFanOut = true, false // PEFT drops fan_in_fan_out on linear layers, and supported models have no others
	return l.check()
}

// checkInit refuses adapters whose start changed the base model's weights: PEFT changes them again when it loads such an adapter.
func (l *LoRA) checkInit() error {
	name, ok := l.Init.(string)
	if !ok || slices.Contains([]string{gaussian, "eva", "orthogonal", "true", "false"}, strings.ToLower(name)) {
		return nil
	}
	return fmt.Errorf("init_lora_weights is %q, which starts by changing the base model's weights: not supported; save the adapter with PEFT's "+
		"path_initial_model_for_weight_conversion, or merge it with merge_and_unload", name)
}

// Config holds the settings by the keys of adapter_config.json.
func (l *LoRA) Config() any {
	l.Order = nil
	for name, keys := range map[string][]string{"rank_pattern": l.RankPattern.keys(), "alpha_pattern": l.AlphaPattern.keys()} {
		if !slices.IsSorted(keys) {
			if l.Order == nil {
				l.Order = map[string][]string{}
			}
			l.Order[name] = keys
		}
	}
	return &l.LoRAConfig
}
