package optim

import (
	"fmt"
	"sort"
	"strings"
)

// Recipe is a named set of defaults for a run: settings under the command line's own names, written as there. It decides nothing else: what
// is given by hand wins.
type Recipe struct {
	Name, Paper, About string
	Settings           []Setting // in the order in which they are shown
}

// Setting is one default of a recipe.
type Setting struct{ Name, Value string }

var recipes = map[string]Recipe{}

func registerRecipe(r Recipe) bool {
	recipes[r.Name] = r
	return true
}

// RecipeOf returns the recipe of that name; the error of an unknown one lists the known.
func RecipeOf(name string) (Recipe, error) {
	r, ok := recipes[strings.ToLower(name)]
	if !ok {
		return Recipe{}, fmt.Errorf("recipe %q is not known: have %s", name, strings.Join(Recipes(), ", "))
	}
	return r, nil
}

// Recipes lists the names, sorted.
func Recipes() []string {
	var out []string
	for n := range recipes {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// Value of a setting, and whether the recipe has it.
func (r Recipe) Value(name string) (string, bool) {
	for _, s := range r.Settings {
		if s.Name == name {
			return s.Value, true
		}
	}
	return "", false
}
