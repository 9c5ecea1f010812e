"""Data for torch_train.py: language-model blocks and classification rows, cut and padded exactly as documented here.

Language-model text (.txt): the whole file is one document. It is encoded in one piece with the special tokens that tokenizer.json's
post-processor adds to a single sequence (Llama tokenizers: one BOS at the very start of the file; SmolLM2 and GPT-2: none). JSONL: each
row's "text" is a document encoded the same way; documents follow each other with nothing in between. The stream of ids is cut into
blocks of max-length tokens; what is left at the end and does not fill a block is dropped. No padding, no overlap. Labels are the
ids themselves, so a block gives max-length - 1 predictions: a block's first token is never predicted.
--ids FILE takes the place of tokenising: raw little-endian uint16 or int32 token ids, cut in the same way.

Classification (.tsv without a header: text, tab, label; .jsonl: text or sentence1 and sentence2, label): encoded with special tokens,
truncated on the right to max-length with the special tokens kept, padded on the right to the longest row of the batch. Integer labels
are themselves; other labels are numbered in sorted order of the training file.
"""
import json

import numpy as np
import torch
from tokenizers import Tokenizer


def documents(path):
    with open(path, encoding="utf-8", newline="") as f:
        return [json.loads(line)["text"] for line in f if line.strip()] if path.endswith(".jsonl") else [f.read()]


def token_stream(path, tokenizer_file):
    tokenizer = Tokenizer.from_file(tokenizer_file)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return torch.tensor([i for text in documents(path) for i in tokenizer.encode(text).ids], dtype=torch.long)


def raw_ids(path, dtype):
    return torch.from_numpy(np.fromfile(path, dtype={"uint16": "<u2", "int32": "<i4"}[dtype]).astype(np.int64))


class Blocks:
    """Equal blocks of a token stream."""

    def __init__(self, ids, length):
        count = len(ids) // length
        if count == 0:
            raise SystemExit(f"{len(ids)} tokens do not fill one block of {length}")
        self.ids = ids[:count * length].view(count, length)

    def __len__(self):
        return len(self.ids)

    def part(self, start, stop):
        part = object.__new__(Blocks)
        part.ids = self.ids[start:stop]
        return part

    def batch(self, rows):
        ids = self.ids[rows]
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}


class Rows:
    """Classification rows, tokenised once. names maps a label's text to its number."""

    def __init__(self, path, tokenizer_file, length, pad, max_rows=None, names=None):
        texts, labels = read_rows(path, max_rows)
        tokenizer = Tokenizer.from_file(tokenizer_file)
        tokenizer.no_padding()
        tokenizer.enable_truncation(length)
        self.encoded = tokenizer.encode_batch(texts)
        self.names = names or {name: i for i, name in enumerate(sorted(set(labels), key=lambda s: (not s.isdigit(), len(s), s)))}
        unknown = set(labels) - set(self.names)
        if unknown:
            raise SystemExit(f"{path}: labels {sorted(unknown)} do not occur in the training file")
        self.labels = torch.tensor([self.names[label] for label in labels])
        self.pad = pad

    def __len__(self):
        return len(self.labels)

    def batch(self, rows):
        chosen = [self.encoded[i] for i in rows]
        width = max(len(e.ids) for e in chosen)
        column = {"input_ids": (lambda e: e.ids, self.pad), "attention_mask": (lambda e: e.attention_mask, 0),
                  "token_type_ids": (lambda e: e.type_ids, 0)}
        padded = {key: torch.tensor([get(e) + [fill] * (width - len(e.ids)) for e in chosen]) for key, (get, fill) in column.items()}
        return {**padded, "labels": self.labels[rows]}


def read_rows(path, max_rows):
    texts, labels = [], []
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if max_rows is not None and len(texts) == max_rows:
                break
            if path.endswith(".jsonl"):
                row = json.loads(line)
                texts.append(row["text"] if "text" in row else (row["sentence1"], row["sentence2"]))
                labels.append(str(row["label"]))
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 2:
                raise SystemExit(f"{path}:{number}: {len(fields)} fields, want text and label")
            texts.append(fields[0])
            labels.append(fields[1])
    return texts, labels


def order(args, count):
    """The batches of a run: lists of row numbers, one list a step. The last batch of an epoch may be smaller; it is kept."""
    if args.order:
        with open(args.order) as f:
            batches = json.load(f)
        flat = [i for batch in batches for i in batch]
        if flat and max(flat) >= count:
            raise SystemExit(f"{args.order}: row {max(flat)}, but there are {count}")
        return batches[:args.max_steps]
    generator = torch.Generator().manual_seed(args.seed)
    batches, epoch = [], 0
    while len(batches) < args.max_steps if args.max_steps else epoch < args.epochs:
        rows = list(range(count)) if args.no_shuffle else torch.randperm(count, generator=generator).tolist()
        batches += [rows[i:i + args.batch_size] for i in range(0, count, args.batch_size)]
        epoch += 1
    return batches[:args.max_steps]
