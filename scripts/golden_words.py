#!/usr/bin/env python3
"""Writes data/testdata/words.golden.json: texts that are cut into words already, and what Hugging Face's tokenizers make of them (ids
with special tokens, and the place of each word's first id), with the tokenizers of data/testdata; and pairs of texts, cut where the
longer one is (longest_first), with their token types.

    pip install -r scripts/requirements.txt
    python3 scripts/golden_words.py

Byte-level tokenizers have add_prefix_space on, as transformers wants for such input. Where ByteLevel is a part of a sequence, that would
put the blank before every part of a word, so the words themselves have it there.
"""
import json
import pathlib
import random

from tokenizers import Tokenizer, pre_tokenizers

TESTDATA = pathlib.Path(__file__).resolve().parent.parent / "data" / "testdata"

SENTENCES = [
    ["The", "luthier", "planes", "the", "spruce", "."],
    ["EU", "rejects", "German", "call", "to", "boycott", "British", "lamb", "."],
    ["Don't", "it's", "U.S.", "1996-08-22", "1,000,000", "#", "-", "(", "AAA-B"],
    ["café", "cafe\u0301", "\u65e5\u672c\u8a9e", "\U0001F600", "a\u00a0b", "New York"],
    ["\u200b", "x", "\x00", "\ufffd"],
    ["<tool>", "a<tool>b", "[SEP]", "<s>", "<|end|>tail"],
    ["a"],
]


def places(words, n):
    first = [-1] * n
    for at, w in enumerate(words):
        if w is not None and first[w] < 0:
            first[w] = at
    return first


def pairs(t, draw):
    """Pairs of all sorts of lengths, cut to several."""
    words = "the good luthier planes spruce and cedar , don't".split()
    rows = []
    for longest in (6, 9, 16, 17, 64):
        t.enable_truncation(longest, strategy="longest_first")
        for _ in range(8):
            a, b = (" ".join(draw.choices(words, k=draw.randint(1, 8))) for _ in range(2))
            e = t.encode(a, b)
            rows.append({"a": a, "b": b, "longest": longest, "ids": e.ids, "types": e.type_ids})
    t.no_truncation()
    return rows


def main():
    out = {"sentences": SENTENCES, "tokenizers": {}, "pairs": {}}
    draw = random.Random(3)
    for name in ("llama3", "wordpiece"):
        out["pairs"][name] = pairs(Tokenizer.from_file(str(TESTDATA / f"{name}.tokenizer.json")), draw)
    for path in sorted(TESTDATA.glob("*.tokenizer.json")):
        t, blank = Tokenizer.from_file(str(path)), ""
        kind = json.loads(path.read_text())["pre_tokenizer"] or {}
        if kind.get("type") == "ByteLevel":
            t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        elif "ByteLevel" in json.dumps(kind):
            blank = " "
        rows = []
        for s in SENTENCES:
            # an added token has no blank before it
            e = t.encode([w if t.token_to_id(w) is not None and w.startswith("<") else blank + w for w in s], is_pretokenized=True)
            rows.append({"ids": e.ids, "words": places(e.word_ids, len(s))})
        out["tokenizers"][path.name] = rows
    (TESTDATA / "words.golden.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
