package model

import (
	"fmt"

	"luthier/graph"
)

// acts are the hidden_act names of transformers that luthier computes.
var acts = map[string]graph.Act{
	"gelu": graph.GeLU, "gelu_new": graph.GeLUTanh, "gelu_pytorch_tanh": graph.GeLUTanh, "gelu_fast": graph.GeLUTanh,
	"relu": graph.ReLU, "tanh": graph.Tanh, "silu": graph.SiLU, "swish": graph.SiLU,
}

// Act is the activation of the feed-forward layers.
func (c *Config) Act() (graph.Act, error) {
	a, ok := acts[c.HiddenAct]
	if !ok {
		return 0, fmt.Errorf("%s: hidden_act %q is not supported (gelu, gelu_new, relu, tanh, silu)", c.File, c.HiddenAct)
	}
	return a, nil
}
