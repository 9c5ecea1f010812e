#!/usr/bin/env python3
"""Train the same runs with luthier and PyTorch, compare the loss of every step, and plot both curves.

    python scripts/curves.py --luthier bin/luthier --minilm DIR --smollm2 DIR --sst2 train.tsv --wikitext wiki.txt --plot docs/curves-pytorch.svg

Four runs of 50 steps: MiniLM-L6 on SST-2 sentences (16 rows of at most 64 tokens) and SmolLM2-135M on WikiText-2 (2 blocks of 64), all weights
(full) and LoRA of rank 8 on all linear layers. Both programs start from the same files: a model with its head (MiniLM), or an adapter that
PEFT wrote. Rows in file order, AdamW (betas 0.9 and 0.999, eps 1e-8, decay 0.01 but on biases and norms), gradients clipped to a norm of 1,
linear schedule after 5 steps of warm-up, no dropout. torch_train.py is PyTorch's side.

Prints a row a run: learning rate, losses, the largest relative difference of a step's loss and of its gradient norm, and how many steps were
clipped; the exit code is 1 where a loss differs by more than 1e-3. The losses go to a table beside the plot. A run whose metrics are in --work
already is not run again, and one of luthier's that was interrupted goes on, unless --again.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import time

import torch
from transformers import AutoModelForSequenceClassification
from transformers.utils import logging

from curves_plot import write_plot
from oracle import need

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 1e-3
WARMUP = 5
RUNS = [  # name, model, method, peak learning rate
    ("MiniLM-L6, SST-2, full", "minilm", "full", 1e-4),
    ("MiniLM-L6, SST-2, LoRA", "minilm", "lora", 1e-3),
    ("SmolLM2-135M, WikiText-2, full", "smollm2", "full", 2e-5),
    ("SmolLM2-135M, WikiText-2, LoRA", "smollm2", "lora", 2e-4),
]


def with_head(source, directory):
    """BERT with a classifier of two labels from seed 0 and no dropout; tokenizer beside it."""
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(source, dtype=torch.float32, num_labels=2, hidden_dropout_prob=0.0,
                                                              attention_probs_dropout_prob=0.0)
    model.save_pretrained(directory)
    for name in os.listdir(source):
        if "token" in name or name == "vocab.txt":
            shutil.copy(os.path.join(source, name), directory)


def settings(args, model, method, lr):
    """What both programs are told, in the names that they share."""
    data, batch = (args.sst2, 16) if model == "minilm" else (args.wikitext, 2)
    return ["--model", os.path.join(args.work, "minilm") if model == "minilm" else args.smollm2, "--data", data, "--method", method, "--lr", str(lr),
            "--batch-size", str(batch), "--max-steps", str(args.steps), "--max-length", "64", "--no-shuffle", "--schedule", "linear",
            "--weight-decay", "0.01"]


def run_torch(args, model, method, shared, stem):
    command = [sys.executable, os.path.join(HERE, "torch_train.py"), *shared, "--task", "seqcls" if model == "minilm" else "clm", "--warmup", str(WARMUP),
               "--clip", "1.0", "--threads", str(args.threads), "--save-init", stem + "-start", "--out", stem + "-torch.jsonl"]
    finish(command, stem + "-torch.log")


def run_luthier(args, model, method, shared, stem):
    begun = not args.again and glob.glob(stem + "-luthier/checkpoint-*")  # an interrupted run goes on
    command = [args.luthier, "train", *shared, "--task", "classify" if model == "minilm" else "clm", "--warmup-steps", str(WARMUP), "--max-grad-norm", "1",
               "--log-steps", "1", "--save-strategy", "no", "--device", args.device, "--resume" if begun else "--overwrite",
               "--out", stem + "-luthier"]
    finish(command + (["--init-adapter", stem + "-start"] if method == "lora" else []), stem + "-luthier.log")
    shutil.copy(os.path.join(stem + "-luthier", "metrics.jsonl"), stem + "-luthier.jsonl")


def finish(command, log):
    began = time.time()
    with open(log, "w") as f:
        if subprocess.run(command, stdout=f, stderr=subprocess.STDOUT).returncode:
            raise SystemExit(f"{' '.join(command)}: failed, see {log}")
    print(f"{log}: {time.time() - began:.0f} s", flush=True)


def history(path, steps):
    """Loss and gradient norm (before clipping) of each step."""
    with open(path) as f:
        rows = [json.loads(line) for line in f]
    found = {r["step"]: r for r in rows if "loss" in r and "step" in r}
    if sorted(found) != list(range(1, steps + 1)):
        raise SystemExit(f"{path}: holds steps {sorted(found)}, want 1 to {steps}: run with --again")
    return {key: [found[s][key] for s in range(1, steps + 1)] for key in ("loss", "grad_norm")}


def both(args, model, method, lr):
    """What luthier and torch logged of one run."""
    stem = os.path.join(args.work, f"{model}-{method}")
    shared = settings(args, model, method, lr)
    for name, run in (("torch", run_torch), ("luthier", run_luthier)):
        if args.again or not os.path.exists(f"{stem}-{name}.jsonl"):
            run(args, model, method, shared, stem)
    return history(stem + "-luthier.jsonl", args.steps), history(stem + "-torch.jsonl", args.steps)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--luthier", default="bin/luthier")
    for name in ("minilm", "smollm2", "sst2", "wikitext"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--work", default="out/curves")
    p.add_argument("--plot", default="out/curves/curves-pytorch.svg")
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--threads", type=int, default=2, help="of torch")
    p.add_argument("--device", default="auto", help="as luthier's --device")
    p.add_argument("--only", help="runs with this in their name, and no plot")
    p.add_argument("--again", action="store_true")
    args = p.parse_args()
    for path in (args.minilm, args.smollm2, args.sst2, args.wikitext):
        need(path, "file or directory")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    os.makedirs(args.work, exist_ok=True)
    with_head(args.minilm, os.path.join(args.work, "minilm"))
    curves, good = [], True
    for name, model, method, lr in RUNS:
        if args.only and args.only not in name:
            continue
        ours, theirs = both(args, model, method, lr)
        off = [abs(a - b) / b for a, b in zip(ours["loss"], theirs["loss"])]
        norms = max(abs(a - b) / b for a, b in zip(ours["grad_norm"], theirs["grad_norm"]))
        clipped = sum(v > 1 for v in theirs["grad_norm"])
        ours, theirs, worst = ours["loss"], theirs["loss"], max(off)
        good &= worst <= LIMIT
        curves.append((name, ours, theirs, worst))
        print(f"| {name} | {lr:g} | {theirs[0]:.5f} | {theirs[-1]:.5f} | {ours[-1]:.5f} | {worst:.1e} (step {off.index(worst) + 1}) | {norms:.1e} | {clipped} |"
              + ("" if worst <= LIMIT else " BEYOND"), flush=True)
    if not args.only:
        write_plot(args.plot, curves)
        with open(os.path.splitext(args.plot)[0] + ".tsv", "w") as f:
            f.write("step\t" + "\t".join(f"{name}: {who}" for name, *_ in curves for who in ("luthier", "PyTorch")) + "\n")
            for s in range(args.steps):
                f.write(f"{s + 1}\t" + "\t".join(f"{x[s]:.6f}" for _, ours, theirs, _ in curves for x in (ours, theirs)) + "\n")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
