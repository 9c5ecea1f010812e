"""What check_peft.py and check_merged.py share: options, loading in float32, and comparing logits."""
import argparse
import os

import torch
import transformers

from oracle import compare, need, read_tensors, write_tensors

INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


def options(doc, what):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("directory", help=f"directory of the {what}")
    p.add_argument("--expect", help="safetensors file with the inputs and logits to compare with")
    p.add_argument("--ids", help="comma-separated token ids of one row")
    p.add_argument("--rtol", type=float, default=1e-4, help="largest difference over largest magnitude")
    p.add_argument("--out", help="write inputs and torch's logits here")
    return p


def load(cls, directory, **more):
    if not os.path.isdir(directory):  # transformers would take the name for one of a hub
        raise SystemExit(f"{directory}: no such directory")
    return getattr(transformers, cls).from_pretrained(directory, dtype=torch.float32, attn_implementation="eager", **more)


def inputs(args, expected):
    if args.ids:
        return {"input_ids": torch.tensor([[int(i) for i in args.ids.split(",")]])}
    if "input_ids" not in expected:
        raise SystemExit("give --ids, or --expect with a file that has input_ids")
    found = {k: expected[k].long() for k in INPUTS if k in expected}
    return {k: v.unsqueeze(0) if v.ndim == 1 else v for k, v in found.items()}


@torch.no_grad()
def report(model, args):
    """Compute logits, write them where asked, compare where asked; returns whether they agree."""
    torch.set_num_threads(2)
    expected = read_tensors(need(args.expect, "file of logits")) if args.expect else {}
    batch = inputs(args, expected)
    logits = model(**batch).logits
    if args.out:
        write_tensors(args.out, {**batch, "logits": logits})
    if not args.expect:
        return True
    if "logits" not in expected:
        raise SystemExit(f"{args.expect}: no tensor logits")
    want = expected["logits"].float()
    want = want.unsqueeze(0) if want.ndim == logits.ndim - 1 else want
    if want.shape == logits.shape and logits.ndim == 3 and "attention_mask" in batch:
        real = batch["attention_mask"] == 1
        logits, want = logits[real], want[real]
    return compare("logits", want, logits, args.rtol)
