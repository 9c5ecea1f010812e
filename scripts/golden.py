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
from transformers import LlamaForCausalLM
from transformers.utils import logging

from golden_models import MODELS, fill, left_padded
from oracle import DROP, adamw, edit_json, read_tensors, step, write_tensors

HERE = os.path.dirname(os.path.abspath(__file__))
TESTDATA = os.path.join(HERE, "..", "model", "testdata")
STORIES = os.path.join(os.environ.get("LUTHIER_ASSETS", os.path.join(HERE, "..", "..", "shared", "assets")), "models", "stories260K")
STEPS = 10
ADAPTED = {"llama_tied": "CAUSAL_LM", "bert_seqcls": "SEQ_CLS", "bert_tokcls": "TOKEN_CLS"}  # models with an adapter beside them, and its task


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
    bert = task != "CAUSAL_LM"  # for which PEFT adds modules_to_save classifier and score by itself
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
    if name in ADAPTED:
        fresh = type(model).from_pretrained(out, attn_implementation="eager")
        lora(fresh, batch, os.path.join(out, "lora"), ADAPTED[name], generator)
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
