#!/usr/bin/env python3
"""Load a merged model with transformers and compare its logits with those that luthier computed.

    python scripts/check_merged.py MODEL_DIR --expect logits.safetensors [--rtol 1e-4] [--adapter DIR --base MODEL_DIR]
    python scripts/check_merged.py MODEL_DIR --ids 5,17,33 --out torch.safetensors

The class is the first of config.json's architectures; --expect, --ids and --out as in check_peft.py. transformers must find every
tensor it wants and use every tensor of the file. With --adapter and --base, PEFT's own merge of that adapter is compared tensor by
tensor too (--merge-rtol, relative to each tensor's largest magnitude; 1e-6 suits float32 files, 1e-2 bfloat16).
Exit code 1 when anything is off.
"""
import json
import os
import sys

import torch
import transformers
from peft import PeftModel

from compare_logits import load, options, report
from oracle import compare, need


def merged_by_peft(cls, args, like):
    """State of the base with the adapter merged by PEFT; like is the merged model, for its number of labels."""
    more = {"num_labels": like.config.num_labels} if "SequenceClassification" in cls else {}
    model = PeftModel.from_pretrained(load(cls, args.base, **more), args.adapter)
    return model.merge_and_unload().state_dict()


def main():
    parser = options(__doc__, "model")
    parser.add_argument("--adapter")
    parser.add_argument("--base")
    parser.add_argument("--merge-rtol", type=float, default=1e-6)
    args = parser.parse_args()
    if bool(args.adapter) != bool(args.base):
        parser.error("--adapter and --base go together")
    with open(need(os.path.join(args.directory, "config.json"), "configuration")) as f:
        cls = json.load(f)["architectures"][0]
    if not hasattr(transformers, cls):
        sys.exit(f"{args.directory}: transformers has no {cls}")
    model, info = load(cls, args.directory, output_loading_info=True)
    good = True
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info.get(kind):
            print(f"{kind}: {', '.join(map(str, sorted(info[kind])))}")
            good = False
    state = model.eval().state_dict()
    for name, value in state.items():
        if not torch.isfinite(value).all():
            print(f"{name}: not finite")
            good = False
    if args.adapter:
        for name, want in merged_by_peft(cls, args, model).items():
            good &= compare(name, state[name], want, args.merge_rtol)
    sys.exit(0 if report(model, args) and good else 1)


if __name__ == "__main__":
    main()
