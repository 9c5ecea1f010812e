#!/usr/bin/env python3
"""Writes data/testdata/entities.golden.json: drawn tag sequences, broken ones among them, with the entities and scores of seqeval.

    pip install -r scripts/requirements.txt
    python3 scripts/golden_entities.py
"""
import json
import pathlib
import random

from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

OUT = pathlib.Path(__file__).resolve().parent.parent / "data" / "testdata" / "entities.golden.json"
SCHEMES = [["O", "O", "B-X", "I-X", "B-Y", "I-Y"], ["O", "B", "I"], ["O", "B-X", "I-X", "E-X", "S-X", "S-Y", "I-Y"], ["O", "B-a-b", "I-a-b", "I-b"]]


def main():
    draw = random.Random(6)
    sets = []
    for n in (1, 2, 6, 6, 6, 12):
        for tags in SCHEMES:
            gold = [[draw.choice(tags) for _ in range(draw.randint(1, 9))] for _ in range(n)]
            # mostly right, so that whole entities are found
            pred = [[t if draw.random() < 0.7 else draw.choice(tags) for t in s] for s in gold]
            scores = [f(gold, pred, zero_division=0) for f in (precision_score, recall_score, f1_score)]
            sets.append({"gold": gold, "pred": pred, "entities": [get_entities(s) for s in gold], "scores": [float(x) for x in scores],
                         "accuracy": accuracy_score(gold, pred)})
    OUT.write_text(json.dumps(sets, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
