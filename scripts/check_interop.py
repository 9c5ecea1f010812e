#!/usr/bin/env python3
"""PEFT and transformers against luthier, in both directions, over the settings of LoRA and the forms of a base model.

    python scripts/check_interop.py --bases DIR [--luthier bin/luthier] [--device float64] [--only WORD] [--keep DIR]

--bases holds llama/base and bert/base, tiny models in Hugging Face's layout. Everything else is made from them by torch, transformers and
PEFT (what luthier shall read) and by luthier (what they shall read); logits of the same ids are compared. Four parts:

  base    forms of a base model that transformers loads: shards, types, tied heads, names with and without the prefix, names of old
  theirs  adapters that PEFT made: luthier loads them and gives PEFT's logits
  ours    adapters that luthier made: PEFT finds a place for every tensor, misses none, and gives luthier's logits; adapter_config.json has
          only keys of LoraConfig, of its types, and what it leaves out is neutral; all-linear is PEFT's list
  merged  those merged by luthier: transformers loads them without missing or unexpected weights, in the type that was asked for, and gives
          the adapter's logits

--device float64 (default) is luthier's reference, auto the adapter. Exit code 1 where a difference exceeds its limit.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import warnings

import torch
import transformers

from interop_bases import BASES
from interop_cases import OURS, THEIRS
from interop_peft import adapter_logits, check_config, check_targets, make_adapter
from oracle import read_tensors, write_tensors

CLASSES = {"clm": "AutoModelForCausalLM", "mlm": "AutoModelForMaskedLM", "classify": "AutoModelForSequenceClassification",
           "regress": "AutoModelForSequenceClassification", "token-classify": "AutoModelForTokenClassification"}
LABELS = {"classify": 3, "regress": 1, "token-classify": 3}
LIMIT = 1e-5
MERGED = {"f32": 1e-5, "bf16": 2e-2, "f16": 2e-3}
TORCH = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


class Check:
    """The settings, the models that are made once, and the results."""

    def __init__(self, args, work):
        self.args, self.work, self.rows = args, work, []
        self.tool = os.path.join(work, "logits")
        subprocess.run(["go", "build", "-o", self.tool, "./internal/logits"], check=True)
        self.made = {}

    def base(self, name):
        """The directory of a base model, made when it is first asked for."""
        if name not in self.made:
            out = os.path.join(self.work, "base", name)
            os.makedirs(out)
            self.made[name] = BASES[name](self.args.bases, out) or out
        return self.made[name]

    def load(self, name, task, directory=None):
        more = {"num_labels": LABELS[task]} if task in LABELS else {}
        model, info = getattr(transformers, CLASSES[task]).from_pretrained(directory or self.base(name), dtype=torch.float32,
                                                                          attn_implementation="eager", output_loading_info=True, **more)
        return model.eval(), info

    def batch(self, model):
        """Two rows of ids, the second padded on the right."""
        ids = torch.randint(3, model.config.vocab_size, (2, 9), generator=torch.Generator().manual_seed(3))
        mask = torch.ones_like(ids)
        mask[1, 6:] = 0
        pad = model.config.pad_token_id
        ids[1, 6:] = 0 if pad is None else pad
        batch = {"input_ids": ids, "attention_mask": mask}
        if model.config.model_type == "bert":
            batch["token_type_ids"] = (torch.arange(9) > 4).long().expand(2, 9).contiguous()
        return batch

    def run(self, name, task, batch, *more, model=None):
        """luthier's logits."""
        given, out = os.path.join(self.work, "in.safetensors"), os.path.join(self.work, "out.safetensors")
        write_tensors(given, batch)
        command = [self.tool, "-model", model or self.base(name), "-task", task, "-labels", str(LABELS.get(task, 1)), "-in", given, "-out", out,
                   "-device", self.args.device]
        done = subprocess.run(command + list(more), capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return read_tensors(out)["logits"].clone()  # the file is mapped, and written again by the next run

    def compare(self, part, case, want, got, batch, limit=LIMIT):
        if want.ndim == 3:
            real = batch["attention_mask"] == 1
            want, got = want[real], got[real]
        if want.shape != got.shape:
            return self.note(part, case, f"shape {tuple(got.shape)}, want {tuple(want.shape)}", False)
        off = ((got - want).abs().max() / want.abs().max()).item()
        self.rows.append((f"{part}, limit {limit:g}", case, off))
        self.note(part, case, f"{off:.1e} (limit {limit:g})", off <= limit)

    def note(self, part, case, text, good):
        print(f"{'ok  ' if good else 'FAIL'} {part:7} {case}: {text}", flush=True)
        if not good:
            self.failed = True

    failed = False


@torch.no_grad()
def check_base(c, name, task):
    model, _ = c.load(name, task)
    batch = c.batch(model)
    c.compare("base", f"{name} {task}", model(**batch).logits, c.run(name, task, batch), batch)


@torch.no_grad()
def check_theirs(c, case):
    name, task = case["base"], case["task"]
    torch.manual_seed(1)
    model, _ = c.load(name, task)
    batch = c.batch(model)
    out = os.path.join(c.work, "theirs", case["name"])
    make_adapter(model, task, out, **case["config"])
    fresh, _ = c.load(name, task)
    want, _ = adapter_logits(fresh, out, batch)
    c.compare("theirs", case["name"], want, c.run(name, task, batch, "-adapter", out), batch, case.get("limit", LIMIT))


@torch.no_grad()
def check_ours(c, case):
    name, task = case["base"], case["task"]
    model, _ = c.load(name, task)
    batch = c.batch(model)
    out = os.path.join(c.work, "ours", case["name"])
    mine = c.run(name, task, batch, "-method", "lora", "-save", out, "--", "--lora-r", "4", *case["flags"])
    for text in check_config(out):
        c.note("ours", case["name"], text, False)
    if "all-linear" in case["flags"]:
        for text in check_targets(c.load(name, task)[0], task, out):
            c.note("ours", case["name"], text, False)
    want, faults = adapter_logits(model, out, batch)
    for text in faults:
        c.note("ours", case["name"], text, False)
    c.compare("ours", case["name"], want, mine, batch)
    again = c.run(name, task, batch, "-adapter", out)
    c.compare("ours", case["name"] + ", read again", mine, again, batch, 1e-7)
    if c.args.luthier:
        for dtype in case.get("merged", ["f32"]):
            check_merged(c, case, out, mine, batch, dtype)


def check_merged(c, case, adapter, mine, batch, dtype):
    name, task = case["base"], case["task"]
    out = os.path.join(c.work, "merged", case["name"], dtype)
    done = subprocess.run([c.args.luthier, "merge", "--model", c.base(name), "--adapter", adapter, "--out", out, "--dtype", dtype],
                          capture_output=True, text=True)
    if done.returncode:
        return c.note("merged", case["name"], done.stderr.strip(), False)
    model, info = c.load(name, task, directory=out)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info.get(kind):
            c.note("merged", f"{case['name']} {dtype}", f"{kind}: {', '.join(map(str, sorted(info[kind])))}", False)
    logits = model(**batch).logits
    c.compare("merged", f"{case['name']} {dtype}, the adapter", mine, logits, batch, MERGED[dtype])
    said = getattr(transformers, CLASSES[task]).from_pretrained(out).dtype  # by the config alone
    c.note("merged", f"{case['name']} {dtype}, loaded without a dtype", f"is {said}", said == TORCH[dtype])
    c.compare("merged", f"{case['name']} {dtype}, luthier on it", logits, c.run(name, task, batch, model=out), batch)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bases", required=True)
    p.add_argument("--luthier", help="the program, for the merged part")
    p.add_argument("--device", default="float64")
    p.add_argument("--only", default="", help="only cases whose name has this word")
    p.add_argument("--keep", help="make everything in this directory and leave it")
    args = p.parse_args()
    torch.set_num_threads(2)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as work:
        if args.keep:
            os.makedirs(args.keep)
        c = Check(args, args.keep or work)
        todo = [("base " + name + " " + task, check_base, (name, task)) for name, make in BASES.items() for task in make.tasks]
        todo += [("theirs " + case["name"], check_theirs, (case,)) for case in THEIRS]
        todo += [("ours " + case["name"], check_ours, (case,)) for case in OURS]
        for name, check, more in todo:
            if args.only not in name:
                continue
            try:
                check(c, *more)
            except Exception as e:  # a case that fails shall not hide the others
                c.note(name.split()[0], name, f"{type(e).__name__}: {e}", False)
        for part in dict.fromkeys(r[0] for r in c.rows):
            rows = [r for r in c.rows if r[0] == part]
            print(f"{part}: {len(rows)} comparisons, largest difference {max(r[2] for r in rows):.1e}")
    sys.exit(1 if c.failed else 0)


if __name__ == "__main__":
    main()
