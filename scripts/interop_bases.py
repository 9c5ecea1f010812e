"""Forms of a base model, each made by torch from the tiny models that check_interop.py is given. A maker takes that directory and the one to
fill; tasks are those that it is checked on."""
import json
import os
import shutil

import torch
import transformers
from safetensors.torch import load_file, save_file

from oracle import edit_json

BASES = {}


def base(name, *tasks):
    def add(make):
        make.tasks = tasks
        BASES[name] = make
        return make
    return add


def copied(source, out, change=None, **config):
    """The model with its tensors changed; shared memory is cut, as safetensors wants."""
    shutil.copy(os.path.join(source, "config.json"), out)
    if config:
        edit_json(os.path.join(out, "config.json"), **config)
    tensors = load_file(os.path.join(source, "model.safetensors"))
    tensors = change(tensors) if change else tensors
    save_file({k: v.clone().contiguous() for k, v in tensors.items()}, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})


@base("llama", "clm")
def llama(bases, out):
    return os.path.join(bases, "llama", "base")


@base("bert", "classify")
def bert(bases, out):
    return os.path.join(bases, "bert", "base")


@base("llama in shards", "clm")
def shards(bases, out):
    model = transformers.AutoModelForCausalLM.from_pretrained(llama(bases, None), dtype=torch.float32)
    model.save_pretrained(out, max_shard_size="30KB")
    with open(os.path.join(out, "model.safetensors.index.json")) as f:
        assert len(set(json.load(f)["weight_map"].values())) > 2


def typed(name, family, task, dtype):
    @base(name, task)
    def make(bases, out):
        source = os.path.join(bases, family, "base")
        copied(source, out, lambda ts: {k: v.to(dtype) if v.is_floating_point() else v for k, v in ts.items()})


for family, task in (("llama", "clm"), ("bert", "classify")):
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        typed(f"{family} {str(dtype).removeprefix('torch.')}", family, task, dtype)


def without(ts, *names):
    return {k: v for k, v in ts.items() if k not in names}


TABLE, HEAD = "model.embed_tokens.weight", "lm_head.weight"


@base("llama tied", "clm")
def tied(bases, out):
    copied(llama(bases, None), out, lambda ts: without(ts, HEAD), tie_word_embeddings=True)


@base("llama tied, head in the file", "clm")
def tied_twice(bases, out):
    copied(llama(bases, None), out, lambda ts: {**ts, HEAD: ts[TABLE]}, tie_word_embeddings=True)


@base("llama tied, another head in the file", "clm")
def tied_not(bases, out):
    copied(llama(bases, None), out, lambda ts: {**ts, HEAD: ts[TABLE].flip(0)}, tie_word_embeddings=True)


@base("llama tied, only the head in the file", "clm")
def tied_head(bases, out):
    copied(llama(bases, None), out, lambda ts: {**without(ts, TABLE), HEAD: ts[TABLE]}, tie_word_embeddings=True)


def saved(cls, source, out, **more):
    torch.manual_seed(7)
    model = getattr(transformers, cls).from_pretrained(source, dtype=torch.float32, **more)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "cls." in name or "score" in name or "classifier" in name:  # fresh biases are zero, which hides faults
                p.add_(torch.randn_like(p) * 0.05)
    model.save_pretrained(out)


@base("llama with a score", "classify")
def scored(bases, out):
    saved("LlamaForSequenceClassification", llama(bases, None), out, num_labels=3, pad_token_id=0)


@base("bert for masked words", "mlm")
def masked(bases, out):
    saved("BertForMaskedLM", bert(bases, None), out)


@base("bert for tokens", "token-classify")
def tokens(bases, out):
    saved("BertForTokenClassification", bert(bases, None), out, num_labels=3)


@base("bert for regression", "regress")
def regression(bases, out):
    saved("BertForSequenceClassification", bert(bases, None), out, num_labels=1, ignore_mismatched_sizes=True)


@base("bert bare")
def bare(bases, out):
    """No prefix, no head: what BertModel saves. Its logits are compared with adapters, which bring the head."""
    transformers.BertModel.from_pretrained(bert(bases, None), dtype=torch.float32).save_pretrained(out)


@base("llama bare")
def bare_llama(bases, out):
    transformers.LlamaModel.from_pretrained(llama(bases, None), dtype=torch.float32).save_pretrained(out)
    edit_json(os.path.join(out, "config.json"), pad_token_id=0)


@base("bert without a pooler")
def no_pooler(bases, out):
    """What a masked language model leaves: neither the pooler nor the classes, which adapters then bring."""
    transformers.BertForMaskedLM.from_pretrained(bert(bases, None), dtype=torch.float32).save_pretrained(out)


@base("bert with gamma and beta", "classify")
def gamma(bases, out):
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

    def rename(ts):
        for new, name in old.items():
            ts = {k.replace(new, name): v for k, v in ts.items()}
        return ts
    copied(bert(bases, None), out, rename)
