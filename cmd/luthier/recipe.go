package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"luthier/optim"
)

// instead names the setting that, where it is given, stands for the recipe's.
var instead = map[string]string{"warmup-ratio": "warmup-steps", "epochs": "max-steps"}

// settle fixes every setting that the command line left open: the config file's, then the recipe's defaults. What is given by hand wins over
// both.
func (s *trainSettings) settle(command string) error {
	if err := applyConfig(s.config, s.flags, command); err != nil {
		return err
	}
	return s.applyRecipe()
}

// applyRecipe puts the recipe's values where defaults were. They do not count as given, so that nothing that looks at what a user asked for
// takes them for it.
func (s *trainSettings) applyRecipe() error {
	if s.recipe == "" {
		return nil
	}
	r, err := optim.RecipeOf(s.recipe)
	if err != nil {
		return usage("--recipe: %v", err)
	}
	for _, x := range r.Settings {
		f := s.flags.Lookup(x.Name)
		if f == nil || f.Changed || s.replaced(f) { // nil: a setting of the optimizer that --optim exchanged
			continue
		}
		if err := f.Value.Set(x.Value); err != nil {
			return fmt.Errorf("recipe %s: --%s %s: %w", r.Name, x.Name, x.Value, err)
		}
	}
	s.recipe = r.Name
	return nil
}

// replaced tells whether another setting was given in the place of this one.
func (s *trainSettings) replaced(f *pflag.Flag) bool {
	other := instead[f.Name]
	return other != "" && !f.Changed && s.flags.Changed(other)
}

// recipeLine says which settings are the recipe's, and which of its settings are not in force.
func (s *trainSettings) recipeLine() string {
	r, err := optim.RecipeOf(s.recipe)
	if err != nil {
		return ""
	}
	taken, left := s.ofRecipe(r)
	line := fmt.Sprintf("%s (%s): %s", r.Name, r.Paper, strings.Join(taken, ", "))
	if len(left) > 0 {
		line += "; not from it: " + strings.Join(left, ", ")
	}
	return line
}

// ofRecipe splits a recipe's settings into those in force and the names of the others.
func (s *trainSettings) ofRecipe(r optim.Recipe) (taken, left []string) {
	for _, x := range r.Settings {
		f := s.flags.Lookup(x.Name)
		if f == nil || s.replaced(f) || f.Value.String() != x.Value {
			left = append(left, x.Name)
			continue
		}
		taken = append(taken, x.Name+" "+x.Value)
	}
	return taken, left
}
