#!/usr/bin/env python3
"""Development figures of luthier beside those of PyTorch and PEFT: mean and spread over seeds.

    python scripts/accuracy.py --luthier bin/luthier --model DIR --data ASSETS/data --work DIR [--datasets trec cola] [--seeds 1 2 3 4 5]
    python scripts/accuracy.py --work DIR --table          # the tables of what has been measured, in Markdown

The model is MiniLM-L6; a seed makes one start (head and adapter, by torch) and one order of the rows, and both programs train from
them with the settings in DATASETS. Each run adds a line to WORK/results.jsonl and is not repeated when the script is started again, so a
long list may be made in parts. --sides luthier or torch makes one side only.
"""
import argparse
import csv
import json
import os
import random
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# Rows of the training file, epochs, tokens a row, the figure that counts; learning rates of lora (query and value, r 8) and full.
DATASETS = {
    "sst2": {"rows": 2000, "epochs": 2, "length": 64, "metric": "accuracy", "lora": 5e-3, "full": 2e-4},
    "trec": {"rows": 2000, "epochs": 3, "length": 32, "metric": "accuracy", "lora": 5e-3, "full": 2e-4},
    "cola": {"rows": 2000, "epochs": 8, "length": 32, "metric": "matthews_correlation", "lora": 1e-3, "full": 1e-4},
    "banking77": {"rows": 2000, "epochs": 5, "length": 32, "metric": "accuracy", "lora": 1e-2, "full": 5e-4},
}
BATCH = 32
GROUP = 8  # batches whose rows are sorted by length, as group_by_length does: half the padding
COMMON = ["--batch-size", str(BATCH), "--epochs", "1", "--schedule", "linear"]


def read(root, name):
    """(text, label) pairs of training and development, as the files have them."""
    if name == "sst2":
        split = lambda f: [tuple(line.rstrip("\n").split("\t")) for line in open(f"{root}/sst2_sentences/{f}.tsv", encoding="utf-8")]
        return split("train"), split("dev")
    if name == "trec":
        def split(f):
            pairs = (line.rstrip("\n").split(" ", 1) for line in open(f"{root}/trec/TREC.{f}", encoding="latin-1"))
            return [(text, label.split(":")[0]) for label, text in pairs]
        return split("train"), split("test")
    if name == "cola":
        def split(f):
            rows = (line.rstrip("\n").split("\t") for line in open(f"{root}/cola/in_domain_{f}.tsv", encoding="utf-8"))
            return [(row[3], row[1]) for row in rows]
        return split("train"), split("dev")
    split = lambda f: [(row["text"], row["category"]) for row in csv.DictReader(open(f"{root}/banking77/{f}.csv", encoding="utf-8", newline=""))]
    return split("train"), split("test")


def write_rows(path, pairs):
    with open(path, "w", encoding="utf-8") as f:
        for text, label in pairs:
            f.write(json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n")


def by_length(rows, order):
    """Rows of like length in each batch, batches in the order that order draws; a last incomplete batch stays the last."""
    batches = []
    for at in range(0, len(rows), GROUP * BATCH):
        group = sorted(rows[at:at + GROUP * BATCH], key=lambda row: len(row[0]))
        batches += [group[i:i + BATCH] for i in range(0, len(group), BATCH)]
    whole, rest = [b for b in batches if len(b) == BATCH], [b for b in batches if len(b) < BATCH]
    order.shuffle(whole)
    return [row for batch in whole + rest for row in batch]


def prepare(args, name, seed):
    """The files of one seed: rows of all epochs in their order, development rows, a start for full and one for lora."""
    where = os.path.join(args.work, name, str(seed))
    if os.path.exists(os.path.join(where, "ready")):
        return where
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(where)
    settings = DATASETS[name]
    train, dev = read(args.data, name)
    labels = sorted({label for _, label in train})
    numbered = {label: str(i) for i, label in enumerate(labels)}  # both programs keep the order of integer labels
    if len(labels) <= 2:
        numbered = {label: label for label in labels}
    chosen = random.Random(seed).sample(train, min(settings["rows"], len(train)))
    for label in labels:  # every class occurs
        if all(l != label for _, l in chosen):
            chosen[-1] = next(pair for pair in train if pair[1] == label)
    rows, order = [], random.Random(1000 + seed)
    for _ in range(settings["epochs"]):
        epoch = list(chosen)
        order.shuffle(epoch)
        rows += by_length(epoch, order)
    write_rows(os.path.join(where, "train.jsonl"), [(text, numbered[label]) for text, label in rows])
    write_rows(os.path.join(where, "dev.jsonl"), [(text, numbered[label]) for text, label in dev])

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification
    torch.manual_seed(seed)
    names = sorted(set(numbered.values()), key=int)
    model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=len(names), id2label=dict(enumerate(names)),
                                                               label2id={n: i for i, n in enumerate(names)}, dtype=torch.float32)
    full = os.path.join(where, "start")
    model.save_pretrained(full)
    for file in os.listdir(args.model):
        if "token" in file or "vocab" in file:
            shutil.copy(os.path.join(args.model, file), full)
    lora = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["query", "value"]))
    lora.save_pretrained(os.path.join(where, "start-lora"))
    open(os.path.join(where, "ready"), "w").close()
    return where


def command(args, side, name, method, seed, where):
    settings = DATASETS[name]
    same = ["--data", f"{where}/train.jsonl", "--eval-data", f"{where}/dev.jsonl", "--model", f"{where}/start", "--method", method,
            "--lr", str(settings[method]), "--max-length", str(settings["length"]), "--no-shuffle", "--seed", str(seed), *COMMON]
    if method == "lora":
        same += ["--init-adapter", f"{where}/start-lora"]
    if side == "torch":
        return [sys.executable, os.path.join(HERE, "torch_train.py"), *same, "--task", "seqcls", "--warmup", "0.1", "--out", f"{where}/torch-{method}.jsonl"]
    out = ["--out", f"{where}/luthier-{method}", "--overwrite", "--save-strategy", "no", "--log-steps", "50", "--eval-batch-size", "64"]
    dropout = ["--lora-dropout", "0"] if method == "lora" else []
    return [args.luthier, "train", *same, *dropout, "--task", "classify", "--weight-decay", "0", "--warmup-ratio", "0.1", *out]


def figure(side, method, metric, where):
    """The development figure at the last step, and seconds a step."""
    path = f"{where}/torch-{method}.jsonl" if side == "torch" else f"{where}/luthier-{method}/metrics.jsonl"
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    found = [line["eval_" + metric] for line in lines if "eval_" + metric in line]
    return found[-1]


def measure(args):
    done = {(r["side"], r["dataset"], r["method"], r["seed"]) for r in results(args.work)}
    for seed in args.seeds:
        for name in args.datasets:
            for method in args.methods:
                for side in args.sides:
                    if (side, name, method, seed) in done:
                        continue
                    where = prepare(args, name, seed)
                    log = open(f"{where}/{side}-{method}.log", "w", encoding="utf-8")
                    code = subprocess.run(command(args, side, name, method, seed, where), stdout=log, stderr=subprocess.STDOUT,
                                          env={"OMP_WAIT_POLICY": "passive", **os.environ}).returncode  # no spinning beside other work
                    if code != 0:
                        raise SystemExit(f"{side} {name} {method} seed {seed}: exit code {code}, see {log.name}")
                    value = figure(side, method, DATASETS[name]["metric"], where)
                    with open(os.path.join(args.work, "results.jsonl"), "a", encoding="utf-8") as f:
                        f.write(json.dumps({"side": side, "dataset": name, "method": method, "seed": seed, "value": value}) + "\n")
                    print(f"{name} {method} seed {seed} {side}: {value:.4f}", flush=True)


def results(work):
    path = os.path.join(work, "results.jsonl")
    return [json.loads(line) for line in open(path, encoding="utf-8")] if os.path.exists(path) else []


def table(args):
    found = results(args.work)
    print("| data, method | figure | seeds | luthier: mean, spread | PyTorch: mean, spread | difference of means |")
    print("|---|---|---|---|---|---|")
    for name, settings in DATASETS.items():
        for method in ("lora", "full"):
            sides = {s: {r["seed"]: r["value"] for r in found if (r["side"], r["dataset"], r["method"]) == (s, name, method)} for s in ("luthier", "torch")}
            seeds = sorted(set(sides["luthier"]) & set(sides["torch"]))
            if not seeds:
                continue
            mine, theirs = ([sides[s][seed] for seed in seeds] for s in ("luthier", "torch"))
            text = lambda v: f"{statistics.mean(v):.4f}, {min(v):.4f} to {max(v):.4f}"
            print(f"| {name}, {method} | {settings['metric'].replace('_', ' ')} | {len(seeds)} | {text(mine)} | {text(theirs)} | "
                  f"{statistics.mean(mine) - statistics.mean(theirs):+.4f} |")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--luthier", default="bin/luthier")
    p.add_argument("--model")
    p.add_argument("--data")
    p.add_argument("--work", required=True)
    p.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    p.add_argument("--methods", nargs="+", choices=("lora", "full"), default=["lora", "full"])
    p.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    p.add_argument("--sides", nargs="+", choices=("luthier", "torch"), default=["torch", "luthier"])
    p.add_argument("--table", action="store_true")
    args = p.parse_args()
    if args.table:
        return table(args)
    if not args.model or not args.data:
        p.error("--model and --data are needed")
    os.makedirs(args.work, exist_ok=True)
    measure(args)


if __name__ == "__main__":
    main()
