#!/usr/bin/env python3
"""MeZO on MiniLM-L6: 512 rows of SST-2, head from a linear probe, 3,000 steps of 16 x 32 tokens, LoRA and all weights, three seeds.

    python scripts/mezo_learning.py --luthier bin/luthier --model DIR --sst2 ASSETS/data/sst2_sentences --work DIR --plot docs/mezo-minilm.svg

A run is WORK/METHOD-SEED; one that was interrupted goes on from its log, a finished one is not made again. Loss and accuracy of the 512 rows
and of the development rows are measured at the start, which `luthier replay --until 0` writes, and at the end. Prints a row a method with
mean and spread, and writes the plot with a table beside it. --only full-2 makes one run and no plot. Half a day on two cores, less in parts.
"""
import argparse
import json
import os
import statistics
import subprocess

from mezo_plot import write_plot

SEEDS = (1, 2, 3)
METHODS = {"lora": ("1e-3", "1e-2"), "full": ("1e-5", "1e-3")}  # learning rate, eps
ROWS, LENGTH = 512, 32


def run(args, *words, **more):
    return subprocess.run([args.luthier, *words], check=True, **more)


def train(args, method, seed, rows, dev):
    """The directory of a run that is done."""
    out = os.path.join(args.work, f"{method}-{seed}")
    if not os.path.exists(os.path.join(out, "trainer_state.json")):
        lr, eps = METHODS[method]
        with open(out + ".log", "a") as log:
            run(args, "train", "--model", args.model, "--data", rows, "--eval-data", dev, "--task", "classify", "--linear-probe", "--method", method,
                "--optim", "mezo", "--lr", lr, "--eps", eps, "--max-length", str(LENGTH), "--batch-size", "16", "--max-steps", str(args.steps),
                "--eval-steps", str(max(1, args.steps // 3)), "--eval-batch-size", "64", "--save-strategy", "no", "--log-steps", "50", "--hash-steps", "500",
                "--seed", str(seed), "--out", out, "--resume" if os.path.exists(out) else "--overwrite", stdout=log, stderr=log)
    return out


def figures(args, method, trained, data, kept):
    """Loss and accuracy of data under what trained holds, from the file kept if it is there."""
    if not os.path.exists(kept):
        what = ["--model", trained] if method == "full" else ["--model", args.model, "--adapter", trained]
        said = run(args, "eval", *what, "--data", data, "--max-length", str(LENGTH), "--batch-size", "64", "--json", stdout=subprocess.PIPE, text=True).stdout
        found = json.loads(said.strip().splitlines()[-1])["metrics"]
        with open(kept, "w") as f:
            json.dump(found, f)
    return json.load(open(kept))


def measure(args, method, seed, rows, dev):
    """Curves of a run, and figures of both data sets before and after."""
    out = train(args, method, seed, rows, dev)
    start = os.path.join(args.work, f"{method}-{seed}-start")
    if not os.path.exists(start):
        run(args, "replay", "--model", args.model, "--log", os.path.join(out, "replay.log"), "--until", "0", "--out", start, stdout=subprocess.DEVNULL)
    lines = [json.loads(line) for line in open(os.path.join(out, "metrics.jsonl"))]
    found = {"loss": [(m["step"], m["loss"]) for m in lines if "loss" in m], "dev": [(m["step"], m["eval_accuracy"]) for m in lines if "eval_accuracy" in m]}
    for when, where in (("before", start), ("after", out)):
        for name, data in (("rows", rows), ("development", dev)):
            found[when, name] = figures(args, method, where, data, f"{out}-{when}-{name}.json")
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--luthier", default="bin/luthier")
    p.add_argument("--model", required=True)
    p.add_argument("--sst2", required=True, help="directory with train.tsv and dev.tsv")
    p.add_argument("--work", default="out/mezo-minilm")
    p.add_argument("--plot", default="out/mezo-minilm/mezo-minilm.svg")
    p.add_argument("--steps", type=int, default=3000)
    p.add_argument("--only", help="METHOD-SEED")
    args = p.parse_args()
    for path in (args.model, args.sst2):
        if not os.path.isdir(path):
            p.error(f"{path}: no such directory")
    os.makedirs(args.work, exist_ok=True)
    rows, dev = os.path.join(args.work, "rows.tsv"), os.path.join(args.sst2, "dev.tsv")
    with open(os.path.join(args.sst2, "train.tsv"), encoding="utf-8") as source, open(rows, "w", encoding="utf-8") as f:
        f.writelines(line for line, _ in zip(source, range(ROWS)))
    if args.only:
        measure(args, *args.only.split("-"), rows, dev)
        return
    found = {method: [measure(args, method, seed, rows, dev) for seed in SEEDS] for method in METHODS}
    print("| method | loss of the 512 rows: before | after: mean, spread | development accuracy: before | after: mean, spread |\n|---|---|---|---|---|")
    for method, runs in found.items():
        cells = []
        for name, key in (("rows", "loss"), ("development", "accuracy")):
            for when in ("before", "after"):
                v = [r[when, name][key] for r in runs]
                cells.append(f"{statistics.mean(v):.4f}" + (f", {min(v):.4f} to {max(v):.4f}" if max(v) > min(v) else ""))
        print(f"| {method} | " + " | ".join(cells) + " |")
    write_plot(args.plot, found)


if __name__ == "__main__":
    main()
