package main

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"luthier/model"
	"luthier/peft"
)

// cardMeta is the front matter of a model card, by the names that Hugging Face's hub reads.
type cardMeta struct {
	BaseModel   string      `yaml:"base_model,omitempty"`
	Library     string      `yaml:"library_name"`
	License     string      `yaml:"license,omitempty"`
	LicenseName string      `yaml:"license_name,omitempty"`
	LicenseLink string      `yaml:"license_link,omitempty"`
	Language    any         `yaml:"language,omitempty"`
	Pipeline    string      `yaml:"pipeline_tag,omitempty"`
	Tags        []string    `yaml:"tags"`
	Metrics     []string    `yaml:"metrics,omitempty"`
	Index       []cardModel `yaml:"model-index,omitempty"`
}

// cardModel holds measured results, as the hub's model-index wants them: one entry a model, one result a task and data set.
type cardModel struct {
	Name    string       `yaml:"name"`
	Results []cardResult `yaml:"results"`
}

type cardResult struct {
	Task    cardName     `yaml:"task"`
	Dataset cardName     `yaml:"dataset"`
	Metrics []cardMetric `yaml:"metrics"`
}

type cardName struct {
	Type string `yaml:"type"`
	Name string `yaml:"name,omitempty"`
}

type cardMetric struct {
	Type  string  `yaml:"type"`
	Name  string  `yaml:"name"`
	Value float64 `yaml:"value"`
}

// hubMetrics are metrics by their names on the hub, where it has them; others go by their own names.
var hubMetrics = map[string]string{"pearson": "pearsonr"}

// meta is the front matter as YAML. Results stand in it only where they are of the weights that the card goes with.
func (r *result) meta() string {
	j := r.job
	hub, _ := peft.HubName(j.src.dir)
	m := cardMeta{BaseModel: hub, Library: "transformers", Pipeline: typeOf(j.head()), Tags: []string{"luthier", j.method.Name()}}
	if j.method.Config() != nil {
		m.Library = "peft"
		if hub != "" { // the hub takes no paths
			m.Tags = append(m.Tags, "base_model:adapter:"+hub) // as PEFT's own cards have
		}
		m.Tags = append(m.Tags, "transformers")
	}
	m.inherit(j.src.dir)
	if measured, _, own := r.measured(); own {
		res := cardResult{Task: cardName{Type: m.Pipeline}, Dataset: cardName{"file", filepath.Base(j.eval.path)}}
		for _, name := range metricNames(measured) {
			hub := name
			if known := hubMetrics[name]; known != "" {
				hub = known
			}
			res.Metrics = append(res.Metrics, cardMetric{hub, metricTitle(j, name), math.Round(measured[name]*1e6) / 1e6})
			if name != "loss" {
				m.Metrics = append(m.Metrics, hub)
			}
		}
		m.Index = []cardModel{{baseName(r.settings.out), []cardResult{res}}}
	}
	raw, err := yaml.Marshal(m)
	if err != nil { // strings and numbers always encode
		return ""
	}
	return string(raw)
}

// metricTitle is a metric's name for people.
func metricTitle(j *job, name string) string {
	if name == "f1" && (j.task == model.Classify || j.task == model.Score) && len(j.labels) > 2 {
		return "f1, mean over the classes"
	}
	return strings.ReplaceAll(name, "_", " ")
}

// inherit takes license and language of the base model from its own card, if it has one that can be read.
func (m *cardMeta) inherit(dir string) {
	f, err := os.Open(filepath.Join(dir, "README.md"))
	if err != nil {
		return
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, 1<<20))
	text, ok := bytes.CutPrefix(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("---\n"))
	front, _, closed := bytes.Cut(text, []byte("\n---"))
	if err != nil || !ok || !closed {
		return
	}
	var base struct {
		License     string `yaml:"license"`
		LicenseName string `yaml:"license_name"`
		LicenseLink string `yaml:"license_link"`
		Language    any    `yaml:"language"`
	}
	if yaml.Unmarshal(front, &base) == nil {
		m.License, m.LicenseName, m.LicenseLink, m.Language = base.License, base.LicenseName, base.LicenseLink, base.Language
	}
}
