#!/usr/bin/env python3
"""Convert stories260K's SentencePiece model into a tokenizer.json, beside a copy of the model, and check it.

    python scripts/stories_tokenizer.py DEST [--assets ../shared/assets]

DEST becomes a complete model directory (config.json, model.safetensors, tokenizer.json, tokenizer_config.json). The ids are then
compared with SentencePiece's on 1,000 lines of Tiny Shakespeare, on its whole text as one string, and on texts with odd spaces
and bytes outside the vocabulary; a difference ends with exit code 1.

tokenizer.json: BPE with byte fallback. A SentencePiece merge joins any two neighbours whose concatenation is a piece, best score
first; so the merges are all splits of every piece into two pieces, in order of the piece's score. One BOS is put in front where
special tokens are asked for, as Llama tokenizers do.
"""
import argparse
import json
import os
import shutil

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer

from oracle import need

SPACE = "\u2581"
NORMAL, UNKNOWN, CONTROL = 1, 2, 3


def convert(model):
    """The content of tokenizer.json for a SentencePiece BPE model."""
    pieces = [(p.piece, p.score, p.type) for p in model.pieces]
    vocab = {piece: i for i, (piece, _, _) in enumerate(pieces)}
    special = [(i, piece) for i, (piece, _, kind) in enumerate(pieces) if kind in (UNKNOWN, CONTROL)]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": piece, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i, piece in special],
        "normalizer": {"type": "Sequence", "normalizers": normalizers(model.normalizer_spec)},
        "pre_tokenizer": None,
        "post_processor": bos_in_front(vocab),
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": True, "byte_fallback": True, "ignore_merges": False, "vocab": vocab, "merges": merges(pieces, vocab)},
    }


def normalizers(spec):
    assert spec.name == "identity", f"normalisation {spec.name} is not handled"
    steps = []
    if spec.remove_extra_whitespaces:  # of U+0020 only: newlines and tabs stay
        steps += [{"type": "Replace", "pattern": {"Regex": r"\A +| +\z"}, "content": ""},
                  {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]
    if spec.add_dummy_prefix:
        steps.append({"type": "Prepend", "prepend": SPACE})
    return steps + [{"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]


def merges(pieces, vocab):
    scored = []
    for piece, score, kind in pieces:
        if kind == NORMAL:
            scored += [(score, piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
    scored.sort(key=lambda m: (-m[0], vocab[m[1]], vocab[m[2]]))
    return [[left, right] for _, left, right in scored]


def bos_in_front(vocab):
    bos = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    one, two = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}
    return {"type": "TemplateProcessing", "single": [bos, one], "pair": [bos, one, {"SpecialToken": {"id": "<s>", "type_id": 1}}, two],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [vocab["<s>"]], "tokens": ["<s>"]}}}


def differences(tokenizer, reference, texts):
    count = 0
    for text in texts:
        got, want = tokenizer.encode(text, add_special_tokens=False).ids, reference.encode(text)
        if got != want:
            count += 1
            where = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
            print(f"differs at token {where}: {text[:40]!r} got {got[where:where + 5]} want {want[where:where + 5]}")
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dest")
    parser.add_argument("--assets", default=os.environ.get("LUTHIER_ASSETS", "../shared/assets"))
    args = parser.parse_args()
    source = need(os.path.join(args.assets, "models", "stories260K"), "asset directory")
    spm = os.path.join(source, "tok512.model")
    model = sentencepiece_model_pb2.ModelProto()
    with open(spm, "rb") as f:
        model.ParseFromString(f.read())

    os.makedirs(args.dest, exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(os.path.join(source, name), os.path.join(args.dest, name))
    path = os.path.join(args.dest, "tokenizer.json")
    with open(path, "w") as f:
        json.dump(convert(model), f, ensure_ascii=False, indent=1)
    with open(os.path.join(args.dest, "tokenizer_config.json"), "w") as f:
        json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
                   "model_max_length": 512, "clean_up_tokenization_spaces": False}, f, indent=1)

    with open(os.path.join(args.assets, "data", "lm", "tinyshakespeare.txt"), encoding="utf-8") as f:
        whole = f.read()
    lines = [line for line in whole.split("\n") if line][:1000]
    odd = ["", " ", "  two  spaces ", "tab\tand\nnew line \n", "caf\u00e9 \u4f60\u597d \U0001f600", "\u00a0x", "a" * 50]
    tokenizer, reference = Tokenizer.from_file(path), sentencepiece.SentencePieceProcessor(model_file=spm)
    wrong = differences(tokenizer, reference, lines + odd + [whole])
    print(f"{len(lines)} lines, {len(odd)} odd texts, the whole text ({len(reference.encode(whole))} tokens): {wrong} differ")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
