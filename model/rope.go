package model

import (
	"fmt"
	"math"
)

// rope is the rotary part of the config, of whichever transformers version wrote it. Where two did, rope_scaling counts, whole, unless it is
// empty; an original_max_position_embeddings beside it does not, and without one the model's own length is the original. So it is in
// transformers 5.23.
func (c *Config) rope() Rope {
	r := Rope{}
	switch {
	case c.RopeScaling != nil && *c.RopeScaling != r:
		r = *c.RopeScaling
	case c.RopeParameters != nil:
		r = *c.RopeParameters
	}
	if r.Type == "" {
		r.Type = r.OldType
	}
	if r.Type == "" {
		r.Type = "default"
	}
	if r.Theta == 0 {
		r.Theta = c.RopeTheta
	}
	if r.Theta == 0 {
		r.Theta = 10000
	}
	if r.OriginalMax == 0 {
		r.OriginalMax = c.MaxPositions
	}
	return r
}

func (c *Config) checkRope() error {
	switch r := c.rope(); r.Type {
	case "default":
	case "linear":
		if !(r.Factor > 0) {
			return fmt.Errorf("rope factor %g, want a positive number", r.Factor)
		}
	case "llama3":
		if !(r.Factor > 0) || !(r.HighFreq > r.LowFreq) || !(r.LowFreq > 0) || r.OriginalMax <= 0 {
			return fmt.Errorf("llama3 rope parameters are incomplete: %+v", r)
		}
	default:
		return fmt.Errorf("rope_type %q is not supported (default, linear, llama3)", r.Type)
	}
	return nil
}

// frequencies are the D/2 angles per position: theta^(-2i/D), scaled as the type says. Linear: divided by the factor (Chen et al. 2023).
// llama3: long wavelengths divided by the factor, short ones kept, a ramp between (Llama 3.1's published scheme).
func (r Rope) frequencies(d int) []float64 {
	f := make([]float64, d/2)
	for i := range f {
		f[i] = math.Pow(r.Theta, -2*float64(i)/float64(d))
		switch r.Type {
		case "linear":
			f[i] /= r.Factor
		case "llama3":
			wavelength := 2 * math.Pi / f[i]
			low, high := float64(r.OriginalMax)/r.LowFreq, float64(r.OriginalMax)/r.HighFreq
			switch {
			case wavelength > low:
				f[i] /= r.Factor
			case wavelength > high:
				s := (float64(r.OriginalMax)/wavelength - r.LowFreq) / (r.HighFreq - r.LowFreq)
				f[i] = (1-s)*f[i]/r.Factor + s*f[i]
			}
		}
	}
	return f
}

// ropeTable is [positions, D]: D/2 cosines, then D/2 sines. It is made on the host: WGSL's sine is good to 2^-11 only.
// The angle is rounded to float32 first, as PyTorch's is.
func (c *Config) ropeTable(positions int) []float32 {
	d := c.HeadDim
	f := c.rope().frequencies(d)
	t := make([]float32, positions*d)
	for p := range positions {
		for i := range d / 2 {
			a := float64(float32(float32(p) * float32(f[i])))
			t[p*d+i], t[p*d+d/2+i] = float32(math.Cos(a)), float32(math.Sin(a))
		}
	}
	return t
}
