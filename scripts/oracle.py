"""What golden.py and torch_train.py share: one optimizer step as Hugging Face's Trainer does it, and tensor files."""
import json
import math
import os

import torch
from safetensors.torch import load_file, save_file
from transformers import Trainer


def adamw(model, lr, weight_decay, betas=(0.9, 0.999), eps=1e-8):
    """torch's AdamW in the Trainer's two groups: biases and norm weights do not decay, everything else does (embeddings too)."""
    decaying = set(Trainer.get_decay_parameter_names(None, model))
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    groups = [
        {"params": [p for n, p in trained if n in decaying], "weight_decay": weight_decay},
        {"params": [p for n, p in trained if n not in decaying], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=eps)


def step(model, optimizer, batch, clip):
    """Forward, backward, clip by global norm, update. Returns the loss before the update and the norm before clipping."""
    optimizer.zero_grad(set_to_none=True)
    loss = model(**batch).loss
    loss.backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    norm = torch.nn.utils.clip_grad_norm_(trained, clip if clip > 0 else math.inf)
    optimizer.step()
    return loss.detach(), norm.detach()


def write_tensors(path, tensors):
    """Save tensors; safetensors wants each contiguous and no two sharing memory, hence the clone."""
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, path, metadata={"format": "pt"})


def read_tensors(path):
    return load_file(path)


def edit_json(path, **changes):
    """Set keys of a JSON file in place; the value DROP removes the key."""
    with open(path) as f:
        content = json.load(f)
    for key, value in changes.items():
        content.pop(key, None) if value is DROP else content.update({key: value})
    with open(path, "w") as f:
        json.dump(content, f, indent=2, sort_keys=True)
        f.write("\n")


DROP = object()


def compare(name, got, want, rtol):
    """Largest difference over the largest wanted magnitude; prints a line, returns whether it is within rtol."""
    if got.shape != want.shape:
        print(f"{name}: shape {tuple(got.shape)}, want {tuple(want.shape)}")
        return False
    if not torch.isfinite(got).all():
        print(f"{name}: not finite")
        return False
    off = ((got - want).abs().max() / want.abs().max().clamp_min(1e-30)).item()
    print(f"{name}: relative difference {off:.3e} (limit {rtol:g})")
    return off <= rtol


def need(path, what):
    """Stop with a plain message where a file is missing."""
    if not os.path.exists(path):
        raise SystemExit(f"{path}: no such {what}")
    return path
