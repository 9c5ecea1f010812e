#!/usr/bin/env python3
"""Read the event files of a run with TensorBoard's own reader and hold them to what the run wrote otherwise.

    python scripts/check_tensorboard.py OUT

The newest directory below OUT/runs is read as TensorBoard reads it, all files in order, restarts heeded. Each line of metrics.jsonl must be
there under transformers' tags (train/loss, eval/accuracy, ...), at its step, once, and nothing else; values are compared as float32, which
the files hold. trainer_state.json, the history as transformers keeps it, is compared too. Wants the package tensorboard. Exit code 1 when
anything is off.
"""
import json
import os
import sys

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

TRAIN = {"loss": "loss", "lr": "learning_rate", "grad_norm": "grad_norm", "epoch": "epoch", "tokens_per_s": "tokens_per_second",
         "trained_tokens": "num_input_tokens_seen", "peak_bytes": "peak_memory_bytes"}


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def expected(rows):
    """The tags with (step, value) that the lines of metrics.jsonl ask for."""
    want = {}
    for row in rows:
        if "eval_seconds" in row:
            pairs = {"eval/" + k.removeprefix("eval_"): v for k, v in row.items() if k.startswith("eval_")}
            pairs["eval/runtime"] = pairs.pop("eval/seconds")
        else:
            pairs = {"train/" + tag: row[key] for key, tag in TRAIN.items()}
        for tag, value in pairs.items():
            want.setdefault(tag, []).append((row["step"], value))
    return want


def from_history(history):
    """The same of trainer_state.json, by the rule of transformers' TensorBoardCallback; the epoch of an evaluation is left out."""
    want = {}
    for row in history:
        evaluation = any(k.startswith("eval_") for k in row)
        for key, value in row.items():
            if key == "step" or evaluation and key == "epoch":
                continue
            tag = "eval/" + key.removeprefix("eval_") if key.startswith("eval_") else "train/" + key
            want.setdefault(tag, []).append((row["step"], value))
    return want


def compare(name, want, got, whole):
    bad = 0
    for tag in sorted(set(want) | (set(got) if whole else set())):
        a, b = want.get(tag, []), got.get(tag, [])
        steps = [s for s, _ in a] == [s for s, _ in b]
        if not steps or any(np.float32(x) != np.float32(y) for (_, x), (_, y) in zip(a, b)):
            print(f"{name}: {tag}: {'values differ' if steps else 'steps differ'}\n  want {a}\n  got  {b}")
            bad += 1
    print(f"{name}: {len(want)} tags, {sum(len(v) for v in want.values())} values: {'equal' if not bad else 'NOT equal'}")
    return not bad


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = sys.argv[1]
    root = os.path.join(out, "runs")
    run = os.path.join(root, max(os.listdir(root)))
    reader = EventAccumulator(run, size_guidance={"scalars": 0})
    reader.Reload()
    got = {t: [(e.step, e.value) for e in reader.Scalars(t)] for t in reader.Tags()["scalars"]}
    print(f"{run}: {len(os.listdir(run))} files, {len(got)} tags")
    good = compare("metrics.jsonl", expected(lines(os.path.join(out, "metrics.jsonl"))), got, True)
    with open(os.path.join(out, "trainer_state.json"), encoding="utf-8") as f:
        good = compare("trainer_state.json", from_history(json.load(f)["log_history"]), got, False) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
