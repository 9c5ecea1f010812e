package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/optim"
)

// Every setting of every recipe is a setting of train with the recipe's method and optimizer, and is written as train writes it.
func TestRecipesAreSettings(t *testing.T) {
	for _, name := range optim.Recipes() {
		r, err := optim.RecipeOf(name)
		require.NoError(t, err)
		_, s := settings(t, "--recipe", name)
		for _, x := range r.Settings {
			f := s.flags.Lookup(x.Name)
			require.NotNil(t, f, "recipe %s: --%s", name, x.Name)
			require.Equal(t, x.Name, f.Name, "recipe %s: an alias", name)
			require.Equal(t, x.Value, f.Value.String(), "recipe %s: --%s", name, x.Name)
			require.False(t, f.Changed, "a recipe sets defaults")
		}
	}
}

func TestRecipeMosbach(t *testing.T) {
	a, s := settings(t, "--recipe", "mosbach")
	require.Equal(t, "full", a.choice.method.Name())
	require.Equal(t, &optim.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-6, Decay: 0.01}, a.choice.optimizer)
	require.Equal(t, []any{2e-5, 20.0, 0.1, "linear", 16, 1.0}, []any{s.lr, s.epochs, s.warmupRatio, s.schedule, s.batchSize, s.maxGradNorm})
	require.NotContains(t, s.recipeLine(), "not from it")
}

// What is given wins over the recipe, on the command line and in a config file, and the header says so.
func TestRecipeGivesWay(t *testing.T) {
	config := filepath.Join(t.TempDir(), "run.yaml")
	require.NoError(t, os.WriteFile(config, []byte("recipe: mosbach\nbatch_size: 4\nlr: 1e-3\n"), 0o644))
	a, s := settings(t, "--config", config, "--learning_rate", "5e-4", "--method", "lora")
	require.Equal(t, "lora", a.choice.method.Name())
	require.Equal(t, []any{5e-4, 4, 20.0, 0.1}, []any{s.lr, s.batchSize, s.epochs, s.warmupRatio})
	require.Regexp(t, `^mosbach \(Mosbach et al. 2021, 2006.04884\): optim adamw, .*epochs 20.*; not from it: method, lr, batch-size$`, s.recipeLine())

	_, s = settings(t, "--recipe", "Mosbach", "--warmup-steps", "7", "--max-steps", "50", "--optim", "sgd")
	require.Zero(t, s.warmupRatio, "--warmup-steps stands for it")
	require.Regexp(t, `not from it: optim, adam-bias-correction, adam-beta1, adam-beta2, adam-epsilon, warmup-ratio, epochs$`, s.recipeLine())
}

// A run says what is the recipe's, and its saved settings make the same run again.
func TestE2ERecipe(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 40)
	out := filepath.Join(t.TempDir(), "out")
	code, text, errs := luthier(t, "train", "--recipe", "mosbach", "--model", dir, "--data", rows, "--out", out, "--epochs", "2", "--max-length", "32")
	require.Zero(t, code, errs)
	require.Contains(t, text, "recipe:   mosbach (Mosbach et al. 2021, 2006.04884): method full, optim adamw, lr 2e-05")
	require.Contains(t, text, "not from it: epochs, max-length")
	require.FileExists(t, filepath.Join(out, "model.safetensors"))
	again := filepath.Join(t.TempDir(), "again")
	code, text, errs = luthier(t, "train", "--config", filepath.Join(out, configFile), "--out", again)
	require.Zero(t, code, errs)
	require.Contains(t, text, "not from it: epochs, max-length")
	a, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(again, "model.safetensors"))
	require.NoError(t, err)
	require.Equal(t, a, b)

	code, _, errs = luthier(t, "train", "--recipe", "mosbch", "--model", dir, "--data", rows, "--out", out)
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, `--recipe: recipe "mosbch" is not known: have mosbach`)
}
