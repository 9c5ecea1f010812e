package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"luthier/model"
	"luthier/train"
)

// scalars reads event files back, without the library's own writer: tag, step and value of each scalar, in order.
func scalars(t *testing.T, path string) (out []scalarRead) {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	for len(raw) > 0 {
		n := int(raw[0]) | int(raw[1])<<8
		event := raw[12 : 12+n]
		raw = raw[16+n:]
		step, status := uint64(0), uint64(0)
		fields(t, event, func(f protowire.Number, v uint64, b []byte) {
			switch f {
			case 2:
				step = v
			case 5:
				fields(t, b, func(_ protowire.Number, _ uint64, b []byte) {
					x := scalarRead{step: int(step)}
					fields(t, b, func(f protowire.Number, v uint64, b []byte) {
						if f == 1 {
							x.tag = string(b)
						} else {
							x.value = math.Float32frombits(uint32(v))
						}
					})
					out = append(out, x)
				})
			case 7:
				fields(t, b, func(_ protowire.Number, v uint64, _ []byte) { status = v })
			}
		})
		if status != 0 {
			out = append(out, scalarRead{tag: "restart", step: int(step)})
		}
	}
	return out
}

type scalarRead struct {
	tag   string
	step  int
	value float32
}

func fields(t *testing.T, raw []byte, see func(f protowire.Number, v uint64, b []byte)) {
	for len(raw) > 0 {
		f, kind, n := protowire.ConsumeTag(raw)
		require.Positive(t, n)
		raw = raw[n:]
		var v uint64
		var b []byte
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(raw)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(raw)
		case protowire.Fixed32Type:
			var w uint32
			w, n = protowire.ConsumeFixed32(raw)
			v = uint64(w)
		case protowire.BytesType:
			b, n = protowire.ConsumeBytes(raw)
		}
		require.Positive(t, n)
		see(f, v, b)
		raw = raw[n:]
	}
}

// TestReportToTensorBoard: a resumed run goes on in a second file of the same directory; together they hold what metrics.jsonl holds.
func TestReportToTensorBoard(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 16)
	out := filepath.Join(t.TempDir(), "a[b]") // no pattern
	args := []string{"train", "--model", dir, "--data", rows, "--eval-data", rows, "--out", out, "--report_to", "tensorboard", "--log-steps", "1",
		"--save-steps", "2", "--device", "float64"}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var errs strings.Builder
	require.Equal(t, 130, run(ctx, args, strings.NewReader(""), &stopAt{text: "step 3/", cancel: cancel}, &errs), errs.String())
	code, _, e := luthier(t, append(args[:len(args)-2], "--resume")...)
	require.Zero(t, code, e)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(out), "*", "runs", "*", "events.out.tfevents.*"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	require.Equal(t, filepath.Dir(files[0]), filepath.Dir(files[1]))

	got := map[string]map[int]float32{}
	second := scalars(t, files[1])
	restart := second[0]
	require.Equal(t, "restart", restart.tag)
	for _, s := range append(scalars(t, files[0]), second[1:]...) {
		if got[s.tag] == nil {
			got[s.tag] = map[int]float32{}
		}
		_, again := got[s.tag][s.step]
		require.False(t, again && s.step < restart.step, "%v is repeated", s)
		got[s.tag][s.step] = s.value
	}
	raw, err := os.ReadFile(filepath.Join(out, "metrics.jsonl"))
	require.NoError(t, err)
	seen := 0
	for _, line := range answers(t, string(raw)) {
		step := int(line["step"].(float64))
		for key, tag := range map[string]string{"loss": "train/loss", "lr": "train/learning_rate", "grad_norm": "train/grad_norm", "epoch": "train/epoch",
			"eval_loss": "eval/loss", "eval_accuracy": "eval/accuracy", "eval_f1": "eval/f1"} {
			if want, ok := line[key].(float64); ok && (key != "epoch" || line["loss"] != nil) {
				require.Equal(t, float32(want), got[tag][step], "%s at %d", tag, step)
				seen++
			}
		}
	}
	require.Equal(t, 6*4+3*3, seen)
}

func TestReportToUnknown(t *testing.T) {
	for flag, want := range map[string]string{"wandb": "want none or tensorboard", "tensorboard,mlflow": "--report-to mlflow"} {
		code, _, errs := luthier(t, "train", "--model", "m", "--data", "d", "--out", filepath.Join(t.TempDir(), "x"), "--report-to", flag)
		require.Equal(t, 2, code)
		require.Contains(t, errs, want)
	}
	for flag, want := range map[string][]string{"none": nil, "": nil, "tensorboard": {"tensorboard"}, "None, TensorBoard": {"tensorboard"}} {
		got, err := (&trainSettings{reportTo: flag}).reportsTo()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// TestReportToUnwritable: a run does not end for want of event files, and says that there are none.
func TestReportToUnwritable(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	require.NoError(t, os.WriteFile(root, nil, 0o666)) // where the directory should be
	heard := &noted{}
	r := &eventReporter{Reporter: heard, root: root}
	r.Start(train.Plan{})
	r.Step(train.Metrics{Step: 1})
	r.Done(train.Summary{})
	require.Len(t, heard.notes, 1)
	require.Contains(t, heard.notes[0], "no longer written")
}

type noted struct {
	train.Silent
	notes []string
}

func (n *noted) Note(s string) { n.notes = append(n.notes, s) }

func TestFreshRun(t *testing.T) {
	root, now := t.TempDir(), time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	first := freshRun(root, now)
	require.Equal(t, filepath.Join(root, "2026-03-04_05-06-07"), first)
	require.NoError(t, os.Mkdir(first, 0o777))
	require.Greater(t, freshRun(root, now), first)
}

// TestFitting: a progress line never wraps, and keeps what is wanted most.
func TestFitting(t *testing.T) {
	parts := []string{"loss 1", "lr 2", "µ"}
	require.Equal(t, "loss 1  lr 2  µ", fitting(parts, 15))
	require.Equal(t, "loss 1  lr 2", fitting(parts, 14))
	require.Equal(t, "loss 1", fitting(parts, 0))
}

// TestMeasured: results in a card are of the weights that it goes with.
func TestMeasured(t *testing.T) {
	r := &result{step: 20, history: []map[string]any{{"step": 10, "loss": 1.0}, {"step": 10, "eval_loss": 0.5, "epoch": 1.0}, {"step": 20, "eval_loss": 0.4, "eval_f1": 0.9},
		{"step": 30, "eval_loss": 0.6}}}
	m, step, own := r.measured()
	require.Equal(t, map[string]float64{"loss": 0.4, "f1": 0.9}, m) // --load-best: not the last one
	require.Equal(t, []any{20, true}, []any{step, own})
	r.step = 40
	m, step, own = r.measured()
	require.Equal(t, []any{0.6, 30, false}, []any{m["loss"], step, own})
	r.history = r.history[:1]
	m, _, own = r.measured()
	require.Nil(t, m)
	require.False(t, own)
}

// TestCardInherits: license and name of the base model are in the front matter, and a strange one is quoted.
func TestCardInherits(t *testing.T) {
	hub := filepath.Join(t.TempDir(), "hub", "models--some--model", "snapshots", "abc")
	require.NoError(t, os.MkdirAll(hub, 0o777))
	for text, want := range map[string]string{"---\r\nlicense: apache-2.0\r\nlanguage:\r\n- en\r\n---\r\n# x": "apache-2.0", "---\nlicense: 'no: really'\n---\n": "no: really",
		"---\nlicense: [\n---\n": "", "# no front matter": "", "---\nlicense: mit\n": ""} {
		require.NoError(t, os.WriteFile(filepath.Join(hub, "README.md"), []byte(text), 0o666))
		m := cardMeta{BaseModel: "some/model"}
		m.inherit(hub)
		raw, err := yaml.Marshal(m)
		require.NoError(t, err)
		var back cardMeta
		require.NoError(t, yaml.Unmarshal(raw, &back), "%s", raw)
		require.Equal(t, []string{"some/model", want}, []string{back.BaseModel, back.License})
	}
}

func TestCardOfClassifier(t *testing.T) {
	dir, rows := tinyModel(t, "llama"), tinyLabels(t, 16)
	out := filepath.Join(t.TempDir(), "my adapter")
	code, _, errs := luthier(t, "train", "--model", dir, "--data", rows, "--eval-data", rows, "--out", out, "--max-steps", "2", "--eval-steps", "2", "--lora-r", "2")
	require.Zero(t, code, errs)
	card, err := os.ReadFile(filepath.Join(out, "README.md"))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(card), "---\n")
	front, text, _ := strings.Cut(rest, "---\n")
	var m cardMeta
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(front), &m, yaml.DisallowUnknownField()))
	require.Equal(t, []string{"", "peft", "text-classification"}, []string{m.BaseModel, m.Library, m.Pipeline}, "the hub takes no path as a base_model")
	require.NotContains(t, front, "base_model")
	require.Contains(t, text, "An adapter of `"+dir+"`")
	var state struct {
		History []map[string]any `json:"log_history"`
	}
	raw, err := os.ReadFile(filepath.Join(out, "trainer_state.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &state))
	last := state.History[len(state.History)-1]
	require.Len(t, m.Index[0].Results[0].Metrics, 4)
	for _, x := range m.Index[0].Results[0].Metrics {
		require.InDelta(t, last["eval_"+x.Type], x.Value, 5.1e-7, x.Type)
	}
	require.Contains(t, text, "--lora-r 2")
	require.Contains(t, text, "--out '"+out+"'")
	require.Contains(t, text, "num_labels=2")
	require.Contains(t, text, `labels = ["negative", "positive"]`)
	require.Equal(t, "AutoModelForCausalLM", autoClass(&job{task: model.CausalLM, src: &source{config: &model.Config{ModelType: "llama"}}}))
}
