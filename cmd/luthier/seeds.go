package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// ownSeed is the seed of one source of chance; not given, it is --seed. A run's saved settings leave it out then, so that the same settings
// with another --seed are another run.
type ownSeed struct {
	value uint64
	given bool
}

func (o *ownSeed) Type() string { return "uint64" }

func (o *ownSeed) String() string {
	if !o.given {
		return ""
	}
	return strconv.FormatUint(o.value, 10)
}

func (o *ownSeed) Set(text string) (err error) {
	o.given = text != ""
	if o.given {
		o.value, err = strconv.ParseUint(text, 10, 64)
	}
	return err
}

func (o *ownSeed) or(seed uint64) uint64 {
	if o.given {
		return o.value
	}
	return seed
}

// seeds part the sources of chance of a run, whose shares in the spread of results Dodge et al. 2020 (2002.06305) measure.
type seeds struct{ init, data, dropout ownSeed }

func (s *seeds) flags(f *pflag.FlagSet) {
	f.Var(&s.init, "init-seed", "seed of fresh parameters: heads, adapters (default: --seed)")
	f.Var(&s.data, "data-seed", "seed of the order of the training data (default: --seed)")
	f.Var(&s.dropout, "dropout-seed", "seed of dropout (default: --seed)")
}

// apart says which seeds are in force, or nothing where all are --seed.
func (in *inputs) apart() string {
	if !in.seeds.init.given && !in.seeds.data.given && !in.seeds.dropout.given {
		return ""
	}
	return fmt.Sprintf("initialisation %d, data %d, dropout %d", in.seeds.init.or(in.seed), in.seeds.data.or(in.seed), in.seeds.dropout.or(in.seed))
}
