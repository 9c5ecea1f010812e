#!/usr/bin/env python3
"""Compare logits, loss and the gradient of every tensor of a real model between luthier, on the adapter, and PyTorch.

    python scripts/parity.py --luthier bin/luthier --model MINILM --model SMOLLM2 --work out/parity

For each model directory (BERT gets a classifier of two labels from seed 0; Llama stays a language model), each storage of its file (f32,
bf16), each side of padding, and for all weights (full) and a PEFT adapter on all linear layers (lora; B is not zero): `luthier gradients`
writes one batch with its results, and torch computes in float32, eager attention, on the ids, mask and positions of that file, from the
same weight files. Frozen bf16 matrices stay bf16 on luthier's device, so lora on bf16 runs forward and backward through them; trained ones
are widened to f32. With --math float64 the differences are luthier's own rounding and that of a softmax, which transformers keeps in
float32 (where a padding row of a left-padded batch overflows: take --side right).

Limits: logits 1e-4 of their largest magnitude, where the mask is 1; loss 1e-4; of each gradient the norm of the difference, 1e-3 of its
norm. An attention key's bias in BERT has the gradient zero (the softmax does not see it), and its difference is held to 1e-3 of the norm of
the query bias's gradient. Names must be the same on both sides. work/*.tsv lists every tensor; the worst is printed. Exit code 1 where a
limit is passed.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.utils import logging

from oracle import need, read_tensors

LIMITS = {"logits": 1e-4, "loss": 1e-4, "gradient": 1e-3}
STORAGE = {"f32": torch.float32, "bf16": torch.bfloat16}
ROWS = [("the old guitar sounds warmer than anything the shop has sold since the spring, and it stays in tune.", 1),
        ("a dull, overlong evening with few good notes.", 0),
        ("not one of the players seemed to know why the piece had been chosen at all", 0),
        ("bright and quick!", 1)]
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


# ---- what both programs read --------------------------------------------------------------------------------------------------------

def write_rows(work):
    with open(os.path.join(work, "rows.tsv"), "w") as f:
        f.writelines(f"{text}\t{label}\n" for text, label in ROWS)
    with open(os.path.join(work, "rows.jsonl"), "w") as f:
        f.writelines(json.dumps({"text": text}) + "\n" for text, _ in ROWS[:2])


def loaded(directory, bert):
    auto = AutoModelForSequenceClassification if bert else AutoModelForCausalLM
    return auto.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager", **({"num_labels": 2} if bert else {}))


def write_model(source, directory, storage, bert):
    """The model with its head in one storage type, tokenizer beside it."""
    torch.manual_seed(0)
    loaded(source, bert).to(STORAGE[storage]).save_pretrained(directory)
    for name in TOKENIZER:
        if os.path.exists(os.path.join(source, name)):
            shutil.copy(os.path.join(source, name), directory)


def write_adapter(base, directory, bert):
    torch.manual_seed(1)
    model = loaded(base, bert)
    config = LoraConfig(task_type="SEQ_CLS" if bert else "CAUSAL_LM", r=8, lora_alpha=16, lora_dropout=0.0, target_modules="all-linear")
    model = get_peft_model(model, config)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_B" in name:
                p.normal_(std=0.02)
    model.save_pretrained(directory)


# ---- the two computations -----------------------------------------------------------------------------------------------------------

def run_luthier(args, base, adapter, bert, side, out):
    rows = os.path.join(args.work, "rows.tsv" if bert else "rows.jsonl")
    command = [args.luthier, "gradients", "--model", base, "--data", rows, "--task", "classify" if bert else "clm", "--padding-side", side,
               "--batch-size", str(len(ROWS) if bert else 2), "--max-length", "64", "--device", args.device, "--out", out]
    subprocess.run(command + (["--adapter", adapter] if adapter else []), check=True, stdout=subprocess.DEVNULL)
    return read_tensors(out)


def run_torch(args, base, adapter, bert, batch):
    """Logits, loss and gradients by name."""
    model = loaded(base, bert)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    model.eval().to(getattr(torch, args.math))
    out = model(**batch)
    out.loss.backward()
    grads = {plain(n): p.grad for n, p in model.named_parameters() if p.grad is not None}
    return out.logits.detach(), out.loss.detach(), grads


def plain(name):
    """A tensor's name without what PEFT puts around and into it."""
    return name.removeprefix("grad.").removeprefix("base_model.model.").replace(".modules_to_save.default", "").replace(".default", "")


# ---- comparing ----------------------------------------------------------------------------------------------------------------------

def gradients(ours, theirs):
    """Relative difference by name, largest first; names of one side only are a difference of infinity."""
    rows = [(float("inf"), n, 0.0) for n in ours.keys() ^ theirs.keys()]
    for name in ours.keys() & theirs.keys():
        scale = theirs[name.replace("key.bias", "query.bias")].norm()
        rows.append((((ours[name] - theirs[name]).norm() / scale).item(), name, theirs[name].norm().item()))
    return sorted(rows, reverse=True)


def compare(args, label, base, adapter, bert, side):
    stem = os.path.join(args.work, label.replace(" ", "-"))
    found = run_luthier(args, base, adapter, bert, side, stem + ".safetensors")
    batch = {k: found[k] for k in ("input_ids", "attention_mask", "position_ids", "labels")}
    if bert:
        batch["token_type_ids"] = found["token_type_ids"]
    logits, loss, theirs = run_torch(args, base, adapter, bert, batch)
    real = slice(None) if bert else batch["attention_mask"] == 1
    off = ((found["logits"][real] - logits[real]).abs().max() / logits[real].abs().max()).item()
    off_loss = abs(found["loss"].item() - loss.item()) / loss.item()
    ours = {plain(k): v for k, v in found.items() if k.startswith("grad.")}
    rows = gradients(ours, theirs)
    with open(stem + ".tsv", "w") as f:
        f.writelines(f"{name}\t{norm:.6g}\t{relative:.3g}\n" for relative, name, norm in rows)
    os.remove(stem + ".safetensors")
    worst, name, _ = rows[0]
    good = off <= LIMITS["logits"] and off_loss <= LIMITS["loss"] and worst <= LIMITS["gradient"]
    print(f"| {label.replace(' ', ' | ')} | {off:.1e} | {loss.item():.4f}, {off_loss:.1e} | {len(rows)} | {worst:.1e} {name} |"
          + ("" if good else " BEYOND"), flush=True)
    return good


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--luthier", default="bin/luthier")
    p.add_argument("--model", action="append", required=True)
    p.add_argument("--work", default="out/parity")
    p.add_argument("--device", default="auto", help="as luthier's --device")
    p.add_argument("--math", choices=("float32", "float64"), default="float32", help="torch's arithmetic")
    p.add_argument("--storage", default="f32,bf16")
    p.add_argument("--trained", default="full,lora")
    p.add_argument("--side", default="right,left")
    args = p.parse_args()
    logging.set_verbosity_error()
    warnings.simplefilter("ignore", FutureWarning)
    logging.disable_progress_bar()
    torch.set_num_threads(2)
    os.makedirs(args.work, exist_ok=True)
    write_rows(args.work)
    print("| model | storage | padding | trained | logits | loss | tensors | worst gradient |\n|---|---|---|---|---|---|---|---|")
    good = True
    for source in args.model:
        name = os.path.basename(os.path.normpath(need(source, "model directory")))
        bert = AutoConfig.from_pretrained(source).model_type == "bert"
        for storage in args.storage.split(","):
            base = os.path.join(args.work, f"{name}-{storage}")
            write_model(source, base, storage, bert)
            for trained in args.trained.split(","):
                adapter = base + "-lora" if trained == "lora" else None
                if adapter:
                    write_adapter(base, adapter, bert)
                for side in args.side.split(","):
                    good &= compare(args, f"{name} {storage} {side} {trained}", base, adapter, bert, side)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
