#!/usr/bin/env python3
"""Tokenise real and made-up text with luthier and with the Python libraries, and compare every id.

    python scripts/check_tokenizers.py [--luthier bin/luthier] [--models DIR] [--lines 10000] [--only NAME] [--unicode]

Tokenizers: those of the assets ($LUTHIER_ASSETS, ../shared/assets by default), of data/testdata, of the bundled model, and of each
directory below --models that has a tokenizer. A tokenizer.json is held against Hugging Face's tokenizers, a .model file against
SentencePiece itself (small ones with other settings are trained here), which does not look for control tokens in text: there the text is cut at them first, as the slow LlamaTokenizer
of transformers does it (its "legacy" way: each stretch between them gets the leading space of its own), and BOS put in front.

Texts: the first --lines lines of each file of the assets' data; as many made-up lines; lines of 100,000 characters
(30,000 for unigram models); with --unicode
every code point. Prints a line for each pair of tokenizer and source with luthier's speed there. Exit code 1 where an id differs.
"""
import argparse
import functools
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

import sentencepiece
from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parent.parent
ASSETS = pathlib.Path(os.environ.get("LUTHIER_ASSETS", ROOT.parent / "shared" / "assets"))

# Characters that tokenizers treat in ways of their own.
ODD = {
    "emoji": ["\U0001F600", "\U0001F9D1\U0001F3FD\u200d\U0001F52C", "\U0001F468\u200d\U0001F469\u200d\U0001F467\u200d\U0001F466", "\u2764\ufe0f",
              "\U0001F1E9\U0001F1EA", "\U0001F1FA\U0001F1F8\U0001F1E9", "\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", "1\ufe0f\u20e3"],
    "control": [chr(c) for c in range(32)] + ["\x7f", "\x80", "\x85", "\x9f", "\u00ad", "\u0600", "\u061c", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff",
                                              "\ufffd", "\ufffe", "\U000E0001", "\ue000", "\U0010fffd"],
    "marks": ["e\u0301", "\u0301", "a\u0327\u0301", "\u1e69\u0323", "o\u0308\u0304", "\u093f", "\u0e33", "\u0f71\u0f72", "\u302a", "q\u0307\u0323",
              "n\u0303\u20dd", "Z" + "\u0300\u0316" * 20],
    "cjk": ["\u65e5\u672c\u8a9e", "\u4e2d\u6587", "\u3042\u3044", "\u30ab\u30bf\u30ab\u30ca", "\uff76\uff9e", "\ud55c\uad6d\uc5b4", "\u1112\u1161\u11ab", "\U00020000",
            "\uf900", "\u3400", "\u3007", "\uff0c", "\u3002", "\uff21\uff22", "\u3231", "\u32ff"],
    "rtl": ["\u05e9\u05dc\u05d5\u05dd", "\u0639\u0631\u0628\u064a", "\u0628\u0650\u0633\u0652\u0645\u0650", "\u202e", "\u2067", "\u2069", "\u05d0\u05b8", "\ufdfa", "\u0661\u0662"],
    "spaces": [" ", "  ", "   ", "\t", "\n", "\r\n", "\v", "\f", "\u00a0", "\u1680", "\u2003", "\u2009", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u180e",
               "\u2581", "\u2581\u2581", " \u2581"],
    "case": ["\u0130stanbul", "\u1e9e", "\u01c5", "\u03a3\u03a3", "\ufb01", "\u212b", "\u1fb3", "\u0149", "\u017f", "\u2160", "\u24b6"],
    "signs": ["'s", "'S", "'ll", "\u2019s", "''", "--", "...", "\u2014", "\u00ab", "$1.50", "\u20ac", "\u00bd", "\u2075", "x\u00b2", "a_b", "@#%", "[", "]", "<", ">", "\\", "`", "~",
              "<0x0A>", "##", "##s", "<", "|>", "\u0120", "\u010a", "\u00c4"],
    "words": ["the", "The", "luthier", "unbelievably", "1234567", "3.14159", "don't", "x" * 150, "Stra\u00dfe", "na\u00efve", "\u043f\u0440\u0438\u0432\u0435\u0442",
              "\u0928\u092e\u0938\u094d\u0924\u0947", "\u0e44\u0e17\u0e22", "aaaaaaaaaaaaaaaaaaaaaaaaa", "camelCaseWord", "http://a.b/c?d=e&f"],
}


def made_up(count, special, seed):
    """Lines that mix all of the above with the tokenizer's own special tokens."""
    r = random.Random(seed)
    kinds = list(ODD) + ["special", "any"]

    def bit():
        kind = r.choice(kinds)
        if kind == "special":
            return r.choice(special) if special else ""
        if kind == "any":
            c = r.choice([r.randrange(0x300), r.randrange(0xD800), r.randrange(0xE000, 0x30000)])
            return chr(c)
        return r.choice(ODD[kind])

    lines = ["", " ", "\n"] + special + [s + s for s in special]
    while len(lines) < count:
        glue = r.choice(["", "", " ", "\u2003"])
        lines.append(glue.join(bit() for _ in range(r.randrange(1, 12))))
    return lines[:count]


def long_lines(special, n):
    r = random.Random(7)
    words = [w for k in ODD for w in ODD[k]] + special
    lines = ["a" * n, " " * n, "ab" * (n // 2), "the " * (n // 4), "\u65e5\u672c" * (n // 2), "\U0001F600" * n, "e\u0301" * (n // 2), "e" + "\u0301\u0316" * (n // 2),
             "." * n, "1" * n, "\n" * n, "\u2581" * n, "\u200d" * n, "".join(r.choice(words) for _ in range(n // 4))[:n],
             " ".join(r.choice(words) for _ in range(n // 4))[:n], "".join(chr(r.randrange(97, 123)) for _ in range(n))]
    return lines + [(s * n)[:n] for s in special[:1]]


def every_code_point():
    """Each between letters, after a space, and doubled."""
    points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    return ["".join(f"a{chr(c)}b {chr(c)}{chr(c)} " for c in points[i:i + 8]) for i in range(0, len(points), 8)]


def asset_lines(count):
    for path in sorted((ASSETS / "data").rglob("*")):
        if path.is_file() and path.name != "LICENSE":
            text = path.read_bytes().decode("utf-8", errors="replace")
            yield str(path.relative_to(ASSETS / "data")), text.split("\n")[:count]


def hugging_face(path):
    """Encoder of texts, and the added tokens."""
    t = Tokenizer.from_file(str(path))
    t.no_padding()
    t.no_truncation()
    special = [a.content for a in t.get_added_tokens_decoder().values()]
    return lambda texts: [e.ids for e in t.encode_batch_fast(texts)], special


def sentence_piece(path):
    sp = sentencepiece.SentencePieceProcessor(model_file=str(path))
    control = {sp.id_to_piece(i): i for i in range(sp.vocab_size()) if sp.is_control(i) or sp.is_unknown(i)}
    cut = re.compile("(" + "|".join(sorted(map(re.escape, control), key=len, reverse=True)) + ")")
    bos = [sp.bos_id()] if sp.bos_id() >= 0 else []

    def ids(text):
        out = list(bos)
        for part in cut.split(text):
            if part in control:
                out.append(control[part])
            elif part:
                out += sp.encode(part)
        return out
    return lambda texts: [ids(t) for t in texts], list(control)


# In lines longer still, ties between sequences of the same probability fall by the rounding of long sums.
UNIGRAM = ("t5", "unigram")

# Small SentencePiece models made here, for the settings that the real ones do not have.
TRAINED = {
    "bpe-symbols": dict(model_type="bpe", vocab_size=800, user_defined_symbols=["<tool>", "\n\n", "th", "\u2581\u2581"], normalization_rule_name="identity"),
    "bpe-nfkc-nobytes": dict(model_type="bpe", vocab_size=600, normalization_rule_name="nmt_nfkc_cf"),
    "bpe-noprefix": dict(model_type="bpe", vocab_size=900, byte_fallback=True, add_dummy_prefix=False, remove_extra_whitespaces=False,
                         normalization_rule_name="nfkc", bos_id=-1),
    "unigram-bytes": dict(model_type="unigram", vocab_size=900, byte_fallback=True, split_by_whitespace=False, normalization_rule_name="nmt_nfkc"),
    "unigram-symbols": dict(model_type="unigram", vocab_size=500, user_defined_symbols=["<tool>", "ab", "\ufb01"], control_symbols=["<c>"]),
}


def train_models(folder):
    corpus = ASSETS / "data/lm/tinystories.MiniGPT.txt"
    for name, settings in TRAINED.items():
        sentencepiece.SentencePieceTrainer.train(input=str(corpus), model_prefix=str(folder / name), num_threads=1, minloglevel=2, **settings)
    return {name: folder / f"{name}.model" for name in TRAINED}


def tokenizers_at_hand(models):
    found = {"gpt2": ASSETS / "tokenizers/gpt2.tokenizer.json", "minilm": ASSETS / "tokenizers/all-minilm-l6-v2.tokenizer.json",
             "llama2.model": ASSETS / "tokenizers/llama2_tokenizer.model", "stories260k.model": ASSETS / "models/stories260K/tok512.model",
             "t5.model": ASSETS / "tokenizers/t5_sentencepiece.torchtune.model"}
    for p in sorted((ROOT / "data/testdata").glob("*.tokenizer.json")):
        found[p.name.split(".")[0]] = p
    for p in [ROOT / "internal/nano/model/tokenizer.json"] + sorted(models.glob("*/tokenizer.json") if models else []):
        found["nano" if p.is_relative_to(ROOT) else p.parent.name] = p
    for p in sorted(models.glob("*/tokenizer.model") if models else []):
        found.setdefault(p.parent.name, p)
    return {k: p for k, p in found.items() if p.exists()}


def luthier_ids(binary, path, texts):
    with tempfile.TemporaryDirectory() as d:
        file = pathlib.Path(d) / "texts.jsonl"
        file.write_text("".join(json.dumps(t) + "\n" for t in texts))
        done = subprocess.run([binary, "tokenize", "--model", str(path), "--data", str(file), "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{path}: {done.stderr}")
    rate = re.search(r"([\d.]+) MB/s", done.stderr)
    return [json.loads(line)["ids"] for line in done.stdout.splitlines()], float(rate.group(1))


def show(text, ours, theirs):
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    print(f"    {ascii(text[:150])}: from token {at}: luthier {ours[at:at + 8]}, library {theirs[at:at + 8]}")


def compare(binary, path, name, source, texts, encode):
    ours, rate = luthier_ids(binary, path, texts)
    began = time.time()
    theirs = encode(texts)
    spent = max(time.time() - began, 1e-9)
    wrong = [i for i in range(len(texts)) if ours[i] != theirs[i]]
    size = sum(len(t.encode()) for t in texts) / 1e6
    print(f"{name:18} {source:36} {len(texts):7} lines {sum(map(len, theirs)):9} ids {len(wrong):6} differ  {rate:6.1f} MB/s (library {size / spent:.1f})", flush=True)
    for i in wrong[:8]:
        show(texts[i], ours[i], theirs[i])
    return len(wrong)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--luthier", default=str(ROOT / "bin" / "luthier"))
    p.add_argument("--models", type=pathlib.Path, help="directory of model directories")
    p.add_argument("--lines", type=int, default=10_000)
    p.add_argument("--only", action="append", help="names of tokenizers")
    p.add_argument("--made-up", action="store_true", help="leave the files of the assets out")
    p.add_argument("--unicode", action="store_true", help="every code point too")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    if not ASSETS.is_dir():
        sys.exit(f"{ASSETS}: no assets; set LUTHIER_ASSETS")
    with tempfile.TemporaryDirectory() as folder:
        found = tokenizers_at_hand(a.models) | train_models(pathlib.Path(folder))
        wrong = run(a, found)
    print(f"{wrong} lines differ")
    sys.exit(1 if wrong else 0)


def run(a, found):
    wrong = 0
    for name, path in found.items():
        if a.only and name not in a.only:
            continue
        encode, special = sentence_piece(path) if path.suffix == ".model" else hugging_face(path)
        check = functools.partial(compare, a.luthier, path, name, encode=encode)
        wrong += check("made up", made_up(a.lines, special, a.seed))
        n = 30_000 if name.startswith(UNIGRAM) else 100_000
        wrong += check(f"{n:,} characters", long_lines(special, n))
        if a.unicode:
            wrong += check("every code point", every_code_point())
        for source, texts in [] if a.made_up else asset_lines(a.lines):
            wrong += check(source, texts)
    return wrong


if __name__ == "__main__":
    main()
