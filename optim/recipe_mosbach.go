package optim

// The settings with which Mosbach et al. (2021, 2006.04884, section 6) fine-tune BERT on few rows without failed runs: a small learning rate
// with a warm-up and bias correction, so that the first steps stay small, and many epochs. Dropout is the model's own, 0.1 in BERT's config.
// Their optimizer adds epsilon before the bias correction of the root, ours after it, as PyTorch does: the difference is
// epsilon (1/sqrt(1-b2^t) - 1), which shows only where the gradient is that small.
var _ = registerRecipe(Recipe{
	Name:  "mosbach",
	Paper: "Mosbach et al. 2021, 2006.04884",
	About: "stable fine-tuning of encoders on few rows",
	Settings: []Setting{
		{"method", "full"},
		{"optim", "adamw"},
		{"lr", "2e-05"},
		{"adam-bias-correction", "true"},
		{"adam-beta1", "0.9"},
		{"adam-beta2", "0.999"},
		{"adam-epsilon", "1e-06"},
		{"weight-decay", "0.01"},
		{"max-grad-norm", "1"},
		{"schedule", "linear"},
		{"warmup-ratio", "0.1"},
		{"epochs", "20"},
		{"batch-size", "16"},
		{"accumulate", "1"},
		{"max-length", "128"},
		{"drop-last", "false"},
	},
})
