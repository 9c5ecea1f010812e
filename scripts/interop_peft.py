"""PEFT's half of check_interop.py: making adapters, loading them, and looking at their configs."""
import json
import os

import torch
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file

TYPES = {"clm": "CAUSAL_LM", "classify": "SEQ_CLS", "regress": "SEQ_CLS", "token-classify": "TOKEN_CLS", "mlm": None}


def make_adapter(model, task, out, safe=True, dtype=None, save_embedding_layers="auto", change=None, unsorted=False, **config):
    """An adapter of PEFT's whose trained tensors have all been moved. PEFT sorts the keys of its file: unsorted puts the patterns back into
    the order they were given in, which both sides must keep."""
    config.setdefault("r", 4)
    peft = get_peft_model(model, LoraConfig(task_type=TYPES[task], **config))
    with torch.no_grad():
        for name, p in sorted(peft.named_parameters()):
            if p.requires_grad:
                p.add_((torch.rand_like(p) * 2 - 1) * 0.1)
        if change:
            change(peft)
    if dtype:
        for name, p in peft.named_parameters():
            if p.requires_grad:
                p.data = p.data.to(dtype)
    state = None if safe else get_peft_model_state_dict(peft, save_embedding_layers=save_embedding_layers)
    peft.save_pretrained(out, save_embedding_layers=save_embedding_layers)
    if unsorted:
        path = os.path.join(out, "adapter_config.json")
        with open(path) as f:
            written = json.load(f)
        written.update({key: config[key] for key in ("rank_pattern", "alpha_pattern")})
        with open(path, "w") as f:
            json.dump(written, f)
    if not safe:  # as versions before safetensors wrote it
        os.remove(os.path.join(out, "adapter_model.safetensors"))
        torch.save({k: v.clone() for k, v in state.items()}, os.path.join(out, "adapter_model.bin"))


def adapter_logits(model, directory, batch):
    """Logits with the adapter, and what of its file PEFT has no place for, or misses."""
    peft = PeftModel.from_pretrained(model, directory).eval()
    faults = []
    path = os.path.join(directory, "adapter_model.safetensors")
    if os.path.exists(path):
        given, held = load_file(path), get_peft_model_state_dict(peft, save_embedding_layers=False)
        for name in sorted(set(given) | set(held)):
            if name not in given:
                if not unused(name, given):
                    faults.append(f"{name} is missing in the file")
            elif name not in held:
                if not name.endswith("base_layer.weight"):
                    faults.append(f"PEFT has no place for {name}")
            elif not torch.equal(given[name].float(), held[name].float()):
                faults.append(f"PEFT holds other values of {name}")
    return peft(**batch).logits, faults


def unused(name, given):
    """Tensors that PEFT writes twice, or of the module that a saved one stands for: it computes with none of them."""
    twice = {".modules_to_save.": ".", "cls.predictions.decoder.bias": "cls.predictions.bias"}
    return ".original_module." in name or any(name.replace(k, v) in given for k, v in twice.items() if k in name)


def check_targets(model, task, directory):
    """The list that all-linear became, where it is not PEFT's. A classifier that is trained whole anyhow PEFT has in it or not."""
    with open(os.path.join(directory, "adapter_config.json")) as f:
        ours = json.load(f)["target_modules"]
    kind = None if task == "token-classify" else TYPES[task]  # PEFT would train that classifier whole and adapt it, and gives up
    peft = get_peft_model(model, LoraConfig(task_type=kind, target_modules="all-linear"))
    theirs = set(peft.peft_config["default"].target_modules) - {"classifier"}
    if not isinstance(ours, list) or set(ours) != theirs or ours != sorted(ours):
        yield f"target_modules is {ours}, PEFT's {sorted(theirs)}"


def check_config(directory):
    """Keys of adapter_config.json that are no LoraConfig's, have another type there, or are left out and not neutral."""
    with open(os.path.join(directory, "adapter_config.json")) as f:
        ours = json.load(f)
    plain = LoraConfig().to_dict()
    for key, value in ours.items():
        if key not in plain:
            yield f"adapter_config.json: {key} is no key of LoraConfig"
        elif not fits(value, plain[key], key):
            yield f"adapter_config.json: {key} is {value!r}, PEFT's is like {plain[key]!r}"
    read = PeftConfig.from_pretrained(directory).to_dict()
    for key, value in read.items():
        if key not in ours and value != plain[key]:
            yield f"adapter_config.json: {key} is left out, and {value!r} once PEFT has read it"


def fits(value, like, key):
    if value is None or like is None:  # PEFT has null for what is not given
        return True
    if key in ("lora_alpha", "lora_dropout"):
        return isinstance(value, (int, float))
    if key == "init_lora_weights":
        return isinstance(value, (bool, str))
    return isinstance(value, type(like)) or (isinstance(value, str) and isinstance(like, str))
