package peft

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/internal/golden"
	"luthier/model"
)

const (
	overlap = `"rank_pattern": {"q_proj": 2, ".*_proj": 3}, "alpha_pattern": {"q_proj": 4, "layers\\.0\\..*": 6}`
	q0      = "model.layers.0.self_attn.q_proj"
)

// scales are rank and factor at two modules that both have an addition.
func scales(t *testing.T, l *LoRA) [4]float32 {
	r0, s0, err := l.scale(q0)
	require.NoError(t, err)
	r1, s1, err := l.scale("model.layers.0.self_attn.k_proj")
	require.NoError(t, err)
	return [4]float32{float32(r0), s0, float32(r1), s1}
}

// Of several keys that match, the first one in the file counts, in sorted order or not; PEFT's get_pattern_key does so.
func TestFirstPatternCounts(t *testing.T) {
	const head = `{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none", "target_modules": ["q_proj", "k_proj"], `
	l, err := parse(head + overlap + `}`)
	require.NoError(t, err)
	require.Equal(t, [4]float32{2, 2, 3, 2}, scales(t, l))
	l, err = parse(head + `"rank_pattern": {".*_proj": 3, "q_proj": 2}, "alpha_pattern": {"layers\\.0\\..*": 6, "q_proj": 4, "layers\\.0\\..*": 9}}`)
	require.NoError(t, err)
	require.Equal(t, [4]float32{3, 3, 3, 3}, scales(t, l), "a key that comes twice has its first place and its last value")
	for _, bad := range []string{`"rank_pattern": [["q", 2]]`, `"rank_pattern": {"q": 2.5}`, `"rank_pattern": {"q": "2"}`, `"alpha_pattern": {"q": null, "k": {}}`} {
		_, err := parse(head + bad + `}`)
		require.Error(t, err, bad)
	}
}

// Flags keep their order, also where a key has a comma or an equals sign, and so does what is written, and what is read from a map that has
// lost it.
func TestPatternOrderKept(t *testing.T) {
	cfg, err := model.ReadConfig(filepath.Join("..", "model", "testdata", "llama_tied"))
	require.NoError(t, err)
	m := methodOf(t, "lora", "--rank-pattern", "q_proj=2,.*_proj=3", "--alpha-pattern", `q_proj=4,"layers\.0{1,1}\..*=6"`, "--alpha-pattern", "(?=x)x=7.5")
	require.NoError(t, m.Setup(cfg, model.CausalLM))
	l := m.(*LoRA)
	want := [4]float32{2, 2, 3, 2}
	require.Equal(t, want, scales(t, l))
	f := patternFlag[float64]{to: &l.AlphaPattern}
	var again Pattern[float64]
	require.NoError(t, (&patternFlag[float64]{to: &again}).Set(f.String()))
	require.Equal(t, l.AlphaPattern, again)
	require.Len(t, again, 3)

	dir := t.TempDir()
	require.NoError(t, Save(dir, m, "base", nil))
	raw, err := os.ReadFile(filepath.Join(dir, ConfigFile))
	require.NoError(t, err)
	require.NotContains(t, string(raw), "pattern_order")
	require.Less(t, strings.Index(string(raw), `"q_proj": 4`), strings.Index(string(raw), `layers`))
	back, err := parse(string(raw))
	require.NoError(t, err)
	require.Equal(t, want, scales(t, back))

	raw, err = json.Marshal(m.Config())
	require.NoError(t, err)
	var sorted map[string]any
	require.NoError(t, json.Unmarshal(raw, &sorted))
	raw, err = json.Marshal(sorted)
	require.NoError(t, err)
	back, err = parse(string(raw))
	require.NoError(t, err)
	require.Equal(t, want, scales(t, back), "as a log of forward passes keeps the settings")
}

// all-linear becomes the list that PEFT has in its files: paths, or from 20 modules on their endings.
func TestAllLinearInFile(t *testing.T) {
	for _, base := range []string{"llama_tied", "bert_seqcls"} {
		dir := filepath.Join("..", "model", "testdata", base)
		task, labels := model.CausalLM, 0
		if base == "bert_seqcls" {
			task, labels = model.Classify, 3
		}
		r := allLinearOf(t, dir, task, labels)
		require.Less(t, len(r.Matched()), minimal)
		want := slices.DeleteFunc(r.Matched(), func(path string) bool { return path == "classifier" }) // trained whole
		require.Equal(t, want, savedTargets(t, r), base)
	}
	var llama, bert []string
	for _, n := range []string{"0", "1", "2"} {
		for _, end := range []string{"self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj"} {
			llama = append(llama, "model.layers."+n+"."+end)
		}
	}
	others := names{"model.embed_tokens": true, "lm_head": true, "model.norm": true}
	require.Equal(t, []string{"down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"}, endings(llama, others))
	require.Equal(t, llama[:19], endings(llama[:19], others))
	// As PEFT 0.21.2 has them: what _find_minimal_target_modules gives, where that is fewer.
	for i := range 21 {
		bert = append(bert, "bert.layer."+string(rune('a'+i))+".dense")
	}
	slices.Sort(bert)
	require.Equal(t, []string{"dense"}, endings(bert, names{"bert.dense_norm": true}))
	require.Equal(t, bert, endings(bert, names{"head.dense": true, "x.layer.b.dense": true}))
}

func allLinearOf(t *testing.T, dir string, task model.Task, labels int) *LoRA {
	m := methodOf(t, "lora", "--target-modules", "all-linear")
	newRun(t, dir, golden.Open(t, dir), m, task, labels).build(refDevice())
	return m.(*LoRA)
}

func savedTargets(t *testing.T, l *LoRA) (list []string) {
	dir := t.TempDir()
	require.NoError(t, Save(dir, l, "base", nil))
	raw, err := os.ReadFile(filepath.Join(dir, ConfigFile))
	require.NoError(t, err)
	var c struct {
		Targets any `json:"target_modules"`
	}
	require.NoError(t, json.Unmarshal(raw, &c))
	require.IsType(t, []any{}, c.Targets, "a list, and not a word")
	for _, x := range c.Targets.([]any) {
		list = append(list, x.(string))
	}
	require.Equal(t, allLinear, l.Targets.Expr, "the settings of the run keep the word")
	return list
}

// A snapshot in Hugging Face's cache goes by its name and revision, also through a link; other directories by their paths.
func TestHubName(t *testing.T) {
	root := t.TempDir()
	snap := filepath.Join(root, "hub", "models--some--model-1", "snapshots", "abc12")
	require.NoError(t, os.MkdirAll(snap, 0o777))
	link := filepath.Join(root, "link")
	if runtime.GOOS == "windows" { // where links want rights
		link = snap
	} else {
		require.NoError(t, os.Symlink(snap, link))
	}
	for dir, want := range map[string][2]string{snap: {"some/model-1", "abc12"}, snap + "/": {"some/model-1", "abc12"}, link: {"some/model-1", "abc12"},
		"/x/models--gpt2/snapshots/1f": {"gpt2", "1f"}, "/x/models--a--b/snapshots/1f/sub": {}, "/x/models--a--b/1f": {}, "some/model": {}, "": {}, root: {}} {
		id, revision := HubName(dir)
		require.Equal(t, want, [2]string{id, revision}, dir)
	}
	m, err := New("lora")
	require.NoError(t, err)
	for base, want := range map[string][2]any{snap: {"some/model-1", "abc12"}, root: {root, nil}} {
		out := t.TempDir()
		require.NoError(t, Save(out, m, base, nil))
		raw, err := os.ReadFile(filepath.Join(out, ConfigFile))
		require.NoError(t, err)
		var c map[string]any
		require.NoError(t, json.Unmarshal(raw, &c))
		require.Equal(t, want, [2]any{c["base_model_name_or_path"], c["revision"]})
	}
}
