package main

import (
	"runtime"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"luthier/model"
	"luthier/peft"
)

func (a *app) methodsCmd() *cobra.Command {
	return &cobra.Command{
		Use: "methods", Short: "List the fine-tuning methods", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			type row struct {
				Name  string `json:"name"`
				Paper string `json:"paper"`
				About string `json:"about"`
				Type  string `json:"peft_type,omitempty"`
				Merge bool   `json:"merges"`
			}
			var rows []row
			cells := [][]string{{"method", "what it does", "merges", "paper"}}
			for _, n := range peft.Names() {
				s, _ := peft.SpecOf(n)
				_, merges := s.New().(peft.Merger)
				rows = append(rows, row{s.Name, s.Paper, s.About, s.Type, merges})
				cells = append(cells, []string{s.Name, s.About, map[bool]string{true: "yes", false: "no"}[merges], s.Paper})
			}
			return a.list("methods", rows, cells)
		},
	}
}

func (a *app) modelsCmd() *cobra.Command {
	return &cobra.Command{
		Use: "models", Short: "List the model architectures", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			type row struct {
				Type    string   `json:"model_type"`
				Classes []string `json:"architectures"`
				Tasks   []string `json:"tasks"`
				Targets []string `json:"lora_targets"`
			}
			var rows []row
			cells := [][]string{{"model_type", "tasks", "adapted by default", "transformers classes"}}
			for _, t := range model.Types() {
				s, _ := model.SpecOf(t)
				r := row{Type: t, Targets: s.Targets}
				seen := map[string]bool{}
				for task, class := range s.Classes {
					r.Tasks = append(r.Tasks, string(task))
					if !seen[class] {
						r.Classes, seen[class] = append(r.Classes, class), true
					}
				}
				sort.Strings(r.Tasks)
				sort.Strings(r.Classes)
				rows = append(rows, r)
				cells = append(cells, []string{t, strings.Join(r.Tasks, ", "), strings.Join(r.Targets, ", "), strings.Join(r.Classes, ", ")})
			}
			return a.list("models", rows, cells)
		},
	}
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.list("version", version, [][]string{{"luthier", version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}})
		},
	}
}

// list prints a registry as JSON or as a table.
func (a *app) list(name string, rows any, cells [][]string) error {
	if a.json {
		a.emit(map[string]any{name: rows})
		return nil
	}
	a.table(cells)
	return nil
}
