#!/usr/bin/env python3
"""Load an adapter with PEFT and compare its logits with those that luthier computed: proof that what we write, PEFT reads.

    python scripts/check_peft.py ADAPTER_DIR --base MODEL_DIR --expect logits.safetensors [--rtol 1e-4] [--out torch.safetensors]
    python scripts/check_peft.py ADAPTER_DIR --base MODEL_DIR --ids 5,17,33 --out torch.safetensors

--expect names a file with input_ids, attention_mask, token_type_ids (bert), position_ids (optional) and logits, whose first dimensions
may be absent for a single row; ids may be stored as any integer type. --ids gives one row instead of the file's ids. The task (and so
the class of the model) is adapter_config.json's task_type. Logits are compared where the mask is 1.

Beyond the logits: PEFT must place every tensor of the adapter file (it skips unknown keys with no more than a warning), and no tensor
may hold a NaN. Exit code 1 when anything is off.
"""
import os
import sys

import torch
from peft import PeftConfig, PeftModel
from peft.utils import get_peft_model_state_dict

from compare_logits import load, options, report
from oracle import need, read_tensors

CLASSES = {"SEQ_CLS": "AutoModelForSequenceClassification", "TOKEN_CLS": "AutoModelForTokenClassification", "CAUSAL_LM": "AutoModelForCausalLM",
           None: "AutoModelForMaskedLM"}  # PEFT has no task type for it


def placed(model, path):
    """Whether the model holds exactly the tensors of the file, value by value."""
    given, held = read_tensors(path), get_peft_model_state_dict(model)
    good = True
    for name in sorted(set(given) | set(held)):
        if name not in held or name not in given:
            print(f"{name}: {'PEFT does not use it' if name in given else 'missing in the file'}")
            good = False
        elif not torch.isfinite(given[name]).all():
            print(f"{name}: not finite")
            good = False
        elif not torch.equal(given[name].float(), held[name].float()):
            print(f"{name}: PEFT holds other values")
            good = False
    print(f"{len(given)} tensors in {path}: {'all placed' if good else 'NOT all placed'}")
    return good


def main():
    parser = options(__doc__, "adapter")
    parser.add_argument("--base", required=True, help="directory of the base model")
    args = parser.parse_args()
    path = need(os.path.join(args.directory, "adapter_model.safetensors"), "adapter")
    config = PeftConfig.from_pretrained(args.directory)
    if config.task_type not in CLASSES:
        sys.exit(f"{args.directory}: task_type {config.task_type}, want one of {', '.join(map(str, CLASSES))}")
    more = {}
    if config.task_type in ("SEQ_CLS", "TOKEN_CLS"):
        head = next((v for k, v in read_tensors(path).items() if k.endswith(("classifier.weight", "score.weight"))), None)
        if head is not None:
            more["num_labels"] = head.shape[0]
    base = load(CLASSES[config.task_type], args.base, **more)
    model = PeftModel.from_pretrained(base, args.directory).eval()
    good = placed(model, path)
    sys.exit(0 if report(model, args) and good else 1)


if __name__ == "__main__":
    main()
