#!/usr/bin/env python3
"""Writes data/testdata: five tiny tokenizers and four SentencePiece models, made here, and what Hugging
Face's tokenizers and SentencePiece make of difficult lines with them and, where
the assets are, with real vocabularies (ids only).

    pip install tokenizers==0.22.1 sentencepiece==0.2.3
    python3 scripts/golden_tokenizers.py
"""
import json
import os
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "data" / "testdata"
ASSETS = pathlib.Path(os.environ.get("LUTHIER_ASSETS", ROOT.parent / "shared" / "assets"))

CORPUS = """The luthier planes the spruce until it rings; then she carves the braces by hand.
A fine guitar is built in about 120 hours, and the wood was dried for 15 years before that.
Don't hurry the glue, it doesn't forgive: we've seen joints open, and I'll say they're hard to mend.
The maker taps the plate, listens, and takes off a little more wood. The plate answers.
Ein guter Geigenbauer hört das Holz, bevor er es schneidet. Le bois chante déjà dans l'arbre.
The strings are tuned to E, A, D, G, B and E; at 440 Hz the A of the fork is the guide.
""".split("\n")

LINES = [
    "", " ", "   ", "a", "The luthier planes the spruce.", "  two  spaces   and more ", "don't DON'T we've I'LL they're 'S it's",
    "tabs\tand\nnewlines\n\n\nend\n", "CRLF line\r\nnext\r\n", "1234567890 12 3 0.5 1,000,000 ½ ² ٣٤", "café cafe\u0301 Ångström naïve ẞ İstanbul ǅ",
    "日本語の文 中文，한국어", "emoji \U0001F600\U0001F9D1\U0001F3FD\u200d\U0001F52C flag \U0001F1E9\U0001F1EA", "\x00\x01\x1f\x7f\u0085\u00a0x\u2028y\u3000z\ufeff",
    "zero\u200bwidth soft\u00adhyphen \ufffd", "a<s>b</s> <unk> [CLS] x [SEP] [MASK]. <|end|>tail  <|end|>", "snake_case camelCase x=y+1; // {[(<>)]}~`@#$%^&*",
    "ΑΒΓΣς привет мир שלום عربي हिन्दी ไทย", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "▁under ▁ score", " .leading , and ! odd ? ' quotes n't",
    "e\u0301\u0327\u0300 stacked \u0e33\u0e01", "<tool> a<tool>b  <tool>  word<word> <word> ",
    "a\u08e2b a\u0890b a\u2e52b a\u166db a\u1734b a\u1abfb a\U0002b820b a\U00020000b a\u0378b",
]
PAIRS = [("The plate answers.", "It is dry."), ("", "b"), ("a", ""), ("[SEP] in", "<s> text </s>")]


def byte_bpe():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=330, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.add_tokens([AddedToken("<tool>", lstrip=True, rstrip=True), AddedToken("<word>", single_word=True)])
    return t


def llama3():
    pattern = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=330, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 0), ("</s>", 1)])])
    return t


def byte_fallback(metaspace):
    """SentencePiece's way, as Llama 2's file does it, or the newer way with Metaspace."""
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    mark = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    t.normalizer = normalizers.Sequence(mark)
    t.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    special = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)]
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=390, special_tokens=special, show_progress=False))
    spec = json.loads(t.to_str())
    spec["added_tokens"] = [a for a in spec["added_tokens"] if not a["content"].startswith("<0x")]
    t = Tokenizer.from_str(json.dumps(spec))
    strip = decoders.Strip(" ", 1, 0)
    if metaspace:
        t.normalizer = None
        t.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False)
    else:
        t.pre_tokenizer = None
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), strip])
    t.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return t


def word_piece():
    """The vocabulary is put together by hand: the trainer's order is not the same in each run."""
    norm, pre = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words = [w for line in CORPUS for w, _ in pre.pre_tokenize_str(norm.normalize_str(line))]
    letters = sorted(set("".join(words)))
    ends = sorted({w[-n:] for w in words for n in (2, 3) if len(w) > n + 2})
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters + ["##" + c for c in letters if c.isalnum()]
    vocab += [w for w in sorted(set(words)) if 2 <= len(w) <= 4] + ["##" + e for e in ends]
    t = Tokenizer(models.WordPiece({w: i for i, w in enumerate(dict.fromkeys(vocab))}, unk_token="[UNK]", max_input_chars_per_word=40))
    t.normalizer, t.pre_tokenizer, t.decoder = norm, pre, decoders.WordPiece()
    t.add_special_tokens(vocab[:5])
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return t


def golden(t):
    plain = [t.encode(s, add_special_tokens=False).ids for s in LINES]
    pairs = [t.encode(a, b) for a, b in PAIRS]
    return {
        "plain": plain,
        "special": [t.encode(s).ids for s in LINES[:5]],
        "pairs": [p.ids for p in pairs],
        "types": [p.type_ids for p in pairs],
        "decoded": [t.decode(i, skip_special_tokens=False) for i in plain],
        "skipped": [t.decode(i, skip_special_tokens=True) for i in plain],
        "vocab": max(t.get_vocab(with_added_tokens=True).values()) + 1,
    }


MARKS = ["ends in \u2581", "ends in \u2581\u2581 \u2581 ", "\u2581", " \u2581 ", "the<tool>the", "<tool> a  <tool>th", "thththe \ufb01ne", "x\ty", "abc", "abcabcab cabc", "bcbcaab", "a\u2003b\u200bc"]


def sentence_models():
    """Tiny SentencePiece models with the settings that real ones have seldom, and the ids that the library gives with them."""
    import io
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    common = dict(num_threads=1, minloglevel=2, hard_vocab_limit=False)
    settings = {
        "bpe": dict(model_type="bpe", vocab_size=60, user_defined_symbols=["<tool>", "th"], normalization_rule_name="identity"),
        "unigram": dict(model_type="unigram", vocab_size=70, user_defined_symbols=["<tool>"], normalization_rule_name="identity"),
        "table": dict(model_type="unigram", vocab_size=330, byte_fallback=True, add_dummy_prefix=False, normalization_rule_tsv=str(OUT / "table.tsv")),
    }
    (OUT / "table.tsv").write_text("FB01\t66 69\n9\t20\n2003\t20\n200B\t\n45 301\tC9\n")
    made = {}
    for name, extra in settings.items():
        b = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS * 3), model_writer=b, **common, **extra)
        model = sentencepiece_model_pb2.ModelProto.FromString(b.getvalue())
        model.normalizer_spec.normalization_rule_tsv = ""  # a path of this machine
        made[name] = model.SerializeToString()
    (OUT / "table.tsv").unlink()
    ties = sentencepiece_model_pb2.ModelProto.FromString(made["bpe"])
    del ties.pieces[3:]
    for text in ("\u2581", "a", "b", "c", "bc", "ab", "ca", "bca", "abc"):
        ties.pieces.add(piece=text, score=-1, type=1)
    made["ties"] = ties.SerializeToString()
    out = {"lines": [s for s in LINES + MARKS + CORPUS if "<s>" not in s], "ids": {}}
    for name, raw in made.items():
        (OUT / f"{name}.model").write_bytes(raw)
        sp = sentencepiece.SentencePieceProcessor(model_proto=raw)
        out["ids"][name] = [[sp.bos_id()] + sp.encode(s) for s in out["lines"]]
    (OUT / "sentencepiece.golden.json").write_text(json.dumps(out, ensure_ascii=True, separators=(",", ":")) + "\n")


def asset_ids():
    out = {}
    for name in ("gpt2.tokenizer.json", "all-minilm-l6-v2.tokenizer.json"):
        t = Tokenizer.from_file(str(ASSETS / "tokenizers" / name))
        t.no_padding()
        t.no_truncation()
        out["tokenizers/" + name] = [t.encode(s).ids for s in LINES]
    import sentencepiece
    for name in ("tokenizers/llama2_tokenizer.model", "models/stories260K/tok512.model"):
        sp = sentencepiece.SentencePieceProcessor(model_file=str(ASSETS / name))
        out[name] = [[sp.bos_id()] + sp.encode(s) for s in LINES if "<" not in s and "\x00" not in s]
    return out


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    sentence_models()
    made = {"bytebpe": byte_bpe(), "llama3": llama3(), "sentencepiece": byte_fallback(False), "metaspace": byte_fallback(True), "wordpiece": word_piece()}
    result = {"lines": LINES, "pairs": PAIRS, "tokenizers": {}}
    for name, t in made.items():
        (OUT / f"{name}.tokenizer.json").write_text(json.dumps(json.loads(t.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        result["tokenizers"][name] = golden(t)
    if ASSETS.is_dir():
        result["assets"] = asset_ids()
    (OUT / "tokenizers.golden.json").write_text(json.dumps(result, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
