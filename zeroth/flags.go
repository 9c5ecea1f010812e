package zeroth

import "github.com/spf13/pflag"

// Flags adds the settings that the variant takes.
func (o *Options) Flags(f *pflag.FlagSet) {
	f.Float64Var(&o.Eps, "eps", o.Eps, "size of the perturbation (the paper: 1e-3 for all weights, 1e-2 for LoRA)")
	f.IntVar(&o.Directions, "directions", o.Directions, "random directions a step; the estimates are averaged")
	f.StringVar(&o.Pairs, "pairs", o.Pairs, "both signs of a direction: together in one pass over the weights, apart for less memory, auto by the plan")
	f.StringVar(&o.Objective, "objective", o.Objective, "what to make small, or large: loss, or a metric that has no gradient: accuracy, f1, ...")
	f.IntVar(&o.MaxSkipped, "max-skipped", o.MaxSkipped, "steps in a row whose loss is not finite before the run ends")
	f.IntVar(&o.HashSteps, "hash-steps", o.HashSteps, "write the hash of the weights to the replay log each so many steps; 0 for never")
	v := variants[o.Variant]
	if v.flags != nil {
		v.flags(o, f)
	}
	if !v.oneWay {
		f.BoolVar(&o.OneSided, "one-sided", o.OneSided, "compare with the loss where the weights are, instead of the other side")
	}
	if !v.ownNoise {
		f.StringVar((*string)(&o.Noise), "noise", string(o.Noise), "rademacher (+1 and -1), or gaussian for comparison with the paper")
	}
}

// betaFlags are those of moments made again from the log.
func betaFlags(o *Options, f *pflag.FlagSet) {
	f.Float64Var(&o.Beta1, "zo-beta1", o.Beta1, "decay of the mean of past estimates")
	f.IntVar(&o.Window, "zo-window", o.Window, "steps that the mean looks back: each costs one more addition to the weights a step")
}
