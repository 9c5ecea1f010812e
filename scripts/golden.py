#!/usr/bin/env python3
"""Write the golden models of model/testdata: tiny random models and what PyTorch, transformers and PEFT compute on them.

    pip install -r scripts/requirements.txt
    python scripts/golden.py                 # rewrites every model
    python scripts/golden.py bert_mlm        # only that one

Each directory holds config.json and model.safetensors in Hugging Face layout, and golden.safetensors with these keys:

    input_ids, attention_mask      int64 [B,T]     one batch; rows are padded except the first
    token_type_ids                 int64 [B,T]     bert only
    labels                         int64 [B,T] or [B], float32 [B] for regression; as Hugging Face takes them:
                                                   unshifted, -100 where there is nothing to predict
    logits                         float32         [B,T,V], or [B,num_labels]
    loss                           float32 []      mean over the labels that count (causal: after the shift by one)
    grad.NAME                      float32         gradient of the loss for every trained tensor, by its name in torch
    losses, grad_norms             float32 [10]    ten AdamW steps on the same batch: loss before each update, and global
                                                   gradient norm before clipping
    left.*                         llama_tied only: the same batch padded on the left, with position_ids given
                                                   (running count of the mask minus one, at least 0); gradients of the
                                                   small tensors only

AdamW: lr 1e-3, betas 0.9 and 0.999, eps 1e-8, weight decay 0.01 by the Trainer's rule (not on biases and norm weights), global
norm clipped to 1. LoRA: lr 1e-2, no decay, same clip; trained are the adapter and, for bert, the classifier.
Everything is float32 on one thread, eager attention, no dropout. Models are filled by a seeded generator with weights far larger
than a real initialisation (std 0.2, norms around 1, biases not zero), so that a wrong term is seen in the loss.
Where attention_mask is 0 the logits of a left-padded batch mean nothing: compare them where it is 1.
"""
import copy
import os
import shutil
import sys
import tempfile

import torch
from peft import LoraConfig, get_peft_model
from transformers import (BertConfig, BertForMaskedLM, BertForSequenceClassification, LlamaConfig, LlamaForCausalLM,
                          LlamaForSequenceClassification)
from transformers.utils import logging

from oracle import DROP, adamw, edit_json, read_tensors, step, write_tensors

HERE = os.path.dirname(os.path.abspath(__file__))
TESTDATA = os.path.join(HERE, "..", "model", "testdata")
STORIES = os.path.join(os.environ.get("LUTHIER_ASSETS", os.path.join(HERE, "..", "..", "shared", "assets")), "models", "stories260K")
STEPS = 10
FIRST_TOKEN = 5  # ids below are for padding and special tokens, and never drawn


# ---- models -------------------------------------------------------------------------------------------------------------------

def llama(cls=LlamaForCausalLM, **changes):
    settings = dict(vocab_size=80, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
                    num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0,
                    tie_word_embeddings=True, pad_token_id=0, bos_token_id=1, eos_token_id=2)
    settings.update(changes)
    return cls(LlamaConfig(**settings, attn_implementation="eager"))


def bert(cls, **changes):
    settings = dict(vocab_size=80, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
                    max_position_embeddings=16, type_vocab_size=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    settings.update(changes)
    return cls(BertConfig(**settings, attn_implementation="eager"))


def llama_untied():
    # Two heads of 24 on a width of 32, one key/value head; of the twelve rotary frequencies the first stays, the second and third
    # lie in the smooth band, the others are divided by four.
    rope = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=32)
    return llama(num_attention_heads=2, num_key_value_heads=1, head_dim=24,
                 tie_word_embeddings=False, attention_bias=False, rope_parameters=rope, rope_theta=None)


def llama_linear_rope():
    return llama(rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.0), rope_theta=None)


def fill(model, generator, std=0.2):
    """Random weights; tied tensors are filled once, since named_parameters names them once."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.ndim >= 2:
                p.copy_(std * noise)
            elif "norm" in name.lower() and name.endswith("weight"):
                p.copy_(1 + 0.1 * noise)
            else:
                p.copy_(0.1 * noise)


# ---- batches ------------------------------------------------------------------------------------------------------------------

def tokens(generator, lengths, vocab, pad=0, left=False):
    """Random ids without the padding id, padded on the right (or left), and the mask."""
    B, T = len(lengths), max(lengths)
    ids = torch.randint(FIRST_TOKEN, vocab, (B, T), generator=generator)
    column = torch.arange(T).expand(B, T)
    length = torch.tensor(lengths).unsqueeze(1)
    mask = (column >= T - length if left else column < length).long()
    return {"input_ids": torch.where(mask == 1, ids, pad), "attention_mask": mask}


def causal(generator, lengths, vocab):
    batch = tokens(generator, lengths, vocab)
    batch["labels"] = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    return batch


def pair(generator, lengths, vocab):
    """A bert batch: the second half of each row is segment 1."""
    batch = tokens(generator, lengths, vocab)
    half = torch.tensor(lengths).unsqueeze(1) // 2
    batch["token_type_ids"] = (torch.arange(max(lengths)) >= half).long() * batch["attention_mask"]
    return batch


def masked(generator, lengths, vocab):
    batch = pair(generator, lengths, vocab)
    chosen = (torch.rand(batch["input_ids"].shape, generator=generator) < 0.4) & (batch["attention_mask"] == 1)
    batch["labels"] = batch["input_ids"].masked_fill(~chosen, -100)
    batch["input_ids"] = batch["input_ids"].masked_fill(chosen, 4)
    return batch


def classes(batch, values):
    return {**batch, "labels": torch.tensor(values)}


def left_padded(batch):
    """The same rows with the padding moved to the left, and the positions that make them the same sequences."""
    moved = {k: v.clone() for k, v in batch.items()}
    for row, length in enumerate(batch["attention_mask"].sum(1).tolist()):
        for v in moved.values():
            v[row] = torch.roll(v[row], v.shape[1] - length)
        moved["labels"][row, -length] = -100  # else the last padding position, whose logits mean nothing, would predict it
    moved["position_ids"] = (moved["attention_mask"].cumsum(1) - 1).clamp_min(0)
    return moved


# ---- what torch computes ------------------------------------------------------------------------------------------------------

def gradients(model, batch):
    """Logits, loss and the gradient of every trained tensor."""
    model.zero_grad(set_to_none=True)
    out = model(**batch)
    out.loss.backward()
    grads = {}
    for name, p in model.named_parameters():
        if p.requires_grad:
            assert p.grad is not None and p.grad.abs().max() > 0, f"{name} has no gradient: the batch does not test it"
            grads["grad." + name] = p.grad.clone()
    return {"logits": out.logits, "loss": out.loss, **grads}


def curve(model, batch, lr, weight_decay):
    optimizer = adamw(model, lr, weight_decay)
    pairs = [step(model, optimizer, batch, clip=1.0) for _ in range(STEPS)]
    return {"losses": torch.stack([p[0] for p in pairs]), "grad_norms": torch.stack([p[1] for p in pairs])}


def save_model(model, out):
    """config.json and model.safetensors alone: save_pretrained also writes files that these tests do not need."""
    with tempfile.TemporaryDirectory() as tmp:
        model.save_pretrained(tmp)
        for name in ("config.json", "model.safetensors"):
            shutil.copy(os.path.join(tmp, name), os.path.join(out, name))


def lora(model, batch, out, task, generator):
    """A PEFT adapter with B not zero, and what the adapted model computes."""
    bert = task == "SEQ_CLS"  # for which PEFT adds modules_to_save classifier and score by itself
    config = LoraConfig(task_type=task, r=4, lora_alpha=8, lora_dropout=0.0,
                        target_modules=["query", "value"] if bert else ["q_proj", "v_proj"])
    model.name_or_path = ""  # PEFT writes it into the adapter: no path of the machine that made it
    adapted = get_peft_model(model, config)
    trained = {n: p for n, p in adapted.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for p in trained.values():
            p.add_(0.1 * torch.randn(p.shape, generator=generator))
    adapted.eval()
    os.makedirs(out, exist_ok=True)
    adapted.save_pretrained(out)
    os.remove(os.path.join(out, "README.md"))
    edit_json(os.path.join(out, "adapter_config.json"), base_model_name_or_path=None,
              target_modules=sorted(config.target_modules))
    golden = gradients(adapted, batch)
    golden.update(curve(adapted, batch, lr=1e-2, weight_decay=0.0))
    write_tensors(os.path.join(out, "golden.safetensors"), {**batch, **golden})


# ---- the directories ----------------------------------------------------------------------------------------------------------

LONG, SHORT = [11, 8, 5], [7, 4]

MODELS = {  # name: (model, batch from (generator, vocabulary))
    "llama_tied": (llama, lambda g, v: causal(g, LONG, v)),
    "llama_untied": (llama_untied, lambda g, v: causal(g, LONG, v)),
    "llama_linear_rope": (llama_linear_rope, lambda g, v: causal(g, SHORT, v)),
    "llama_bf16": (llama, lambda g, v: causal(g, SHORT, v)),
    "llama_seqcls": (lambda: llama(LlamaForSequenceClassification, num_labels=3),
                     lambda g, v: classes(tokens(g, LONG, v), [2, 0, 1])),
    "bert_seqcls": (lambda: bert(BertForSequenceClassification, num_labels=3),
                    lambda g, v: classes(pair(g, LONG, v), [2, 0, 1])),
    "bert_mlm": (lambda: bert(BertForMaskedLM), lambda g, v: masked(g, LONG, v)),
    "bert_regression": (lambda: bert(BertForSequenceClassification, num_labels=1, hidden_act="gelu_new"),
                        lambda g, v: classes(pair(g, SHORT, v), [2.5, -3.0])),
}


def make(name, seed):
    build, draw = MODELS[name]
    out = os.path.join(TESTDATA, name)
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    torch.manual_seed(seed)  # PEFT draws its A from the global generator
    generator = torch.Generator().manual_seed(seed)
    model = build().eval()
    fill(model, generator)
    if name == "llama_bf16":  # the file holds bfloat16; computing is float32 on exactly those values
        save_model(copy.deepcopy(model).bfloat16(), out)
        # Read back rather than widen the copy: bfloat16() also rounds the rotary frequencies.
        model = type(model).from_pretrained(out, attn_implementation="eager", dtype=torch.float32).eval()
    else:
        save_model(model, out)
    if name == "llama_linear_rope":  # the spelling of configurations written before transformers 5
        edit_json(os.path.join(out, "config.json"), rope_parameters=DROP, rope_theta=10000.0,
                  rope_scaling={"type": "linear", "factor": 2.0}, dtype=DROP, torch_dtype="float32")
    batch = draw(generator, model.config.vocab_size)
    golden = gradients(model, batch)
    if name == "llama_tied":
        golden.update(left(model, batch))
    golden.update(curve(model, batch, lr=1e-3, weight_decay=0.01))
    write_tensors(os.path.join(out, "golden.safetensors"), {**batch, **golden})
    if name in ("llama_tied", "bert_seqcls"):
        fresh = type(model).from_pretrained(out, attn_implementation="eager")
        lora(fresh, batch, os.path.join(out, "lora"), "SEQ_CLS" if "bert" in name else "CAUSAL_LM", generator)
    check(name, type(model), out)


def left(model, batch):
    moved = left_padded(batch)
    found = gradients(model, moved)
    small = {k: v for k, v in found.items() if not k.startswith("grad.") or v.numel() <= 512}
    return {"left." + k: v for k, v in {**moved, **small}.items()}


def check(name, cls, out):
    """The directory by itself, read again by transformers, must give the golden logits, and be small."""
    golden = read_tensors(os.path.join(out, "golden.safetensors"))
    model = cls.from_pretrained(out, attn_implementation="eager", dtype=torch.float32).eval()
    batch = {k: golden[k] for k in ("input_ids", "attention_mask", "token_type_ids", "labels") if k in golden}
    assert torch.equal(model(**batch).logits, golden["logits"]), f"{name}: does not reload to the same logits"
    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(out) for f in files)
    assert size < 200_000, f"{name}: {size} bytes"
    print(f"{name:18} {size:7} bytes  losses {golden['losses'][0]:.4f} -> {golden['losses'][-1]:.4f}")


def stories():
    """Golden values alone for the real stories260K: the model itself stays with the assets. Gradients of its matrices are given
    by their norm (gradnorm.NAME) to stay small."""
    name, out = "stories260K", os.path.join(TESTDATA, "stories260K")
    if not os.path.isdir(STORIES):
        return print(f"{name:18} left as it is: no {STORIES}")
    os.makedirs(out, exist_ok=True)
    model = LlamaForCausalLM.from_pretrained(STORIES, attn_implementation="eager", dtype=torch.float32).eval()
    told = model.generate(torch.tensor([[1]]), max_new_tokens=31, do_sample=False, pad_token_id=0)
    drawn = torch.randint(3, 512, (1, 32), generator=torch.Generator().manual_seed(260))
    batch = {"input_ids": torch.cat([told, drawn]), "attention_mask": torch.ones(2, 32, dtype=torch.long)}
    batch["labels"] = batch["input_ids"].clone()
    golden = {}
    for key, value in gradients(model, batch).items():
        if key.startswith("grad."):
            golden["gradnorm." + key.removeprefix("grad.")] = value.norm()
        if not key.startswith("grad.") or value.ndim == 1:
            golden[key] = value
    golden.update(curve(model, batch, lr=1e-3, weight_decay=0.01))
    write_tensors(os.path.join(out, "golden.safetensors"), {**batch, **golden})
    print(f"{name:18} losses {golden['losses'][0]:.4f} -> {golden['losses'][-1]:.4f}")


def main():
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    asked = sys.argv[1:] or [*MODELS, "stories260K"]
    for name in asked:
        if name == "stories260K":
            stories()
        elif name in MODELS:
            make(name, seed=1000 + list(MODELS).index(name))
        else:
            sys.exit(f"golden: no model {name}; there are {', '.join([*MODELS, 'stories260K'])}")


if __name__ == "__main__":
    main()
