#!/usr/bin/env python3
"""Training steps of luthier and of PyTorch side by side, in turns on the same processors.

    python scripts/bench_pytorch.py --luthier bin/luthier [--model DIR] [--shapes 8x128,32x64] [--methods lora,full] [--rounds 3]

Both train a BERT classifier of MiniLM-L6's shapes with random weights, or the model in --model, on one batch of random tokens without
padding: forward, backward, clipping to norm 1, AdamW, float32, dropout as the config has it. LoRA: rank 8 on query and value, and the
head. Each round runs every luthier line (`luthier bench step --json`, a process of its own) and every PyTorch line once; the fastest round
counts, since other work on a machine only ever adds. Processor time is of all threads: what the step costs, whatever else runs. share is
luthier's rate over that of its own matmuls alone in the same process, by processor time. Printed as a Markdown table; --out for JSON, with
luthier's profile where --profile is given.

On a busy machine set OMP_WAIT_POLICY=passive: PyTorch's threads spin while they wait for each other, which counts as processor time, and
one that is not running keeps the other waiting.
"""
import argparse
import json
import subprocess
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, BertConfig, BertForSequenceClassification

from oracle import adamw, step

MINILM = dict(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536, vocab_size=30522,
              max_position_embeddings=512, hidden_act="gelu", hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1, num_labels=2)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--luthier", default="bin/luthier")
    p.add_argument("--model", help="a BERT model's directory; default: MiniLM-L6's shapes, random weights")
    p.add_argument("--shapes", default="8x128,32x64", help="batch x length, with commas between")
    p.add_argument("--methods", default="lora,full")
    p.add_argument("--attn", default="eager,sdpa", help="PyTorch's attention: eager, sdpa, or both")
    p.add_argument("--threads", type=int, default=2, help="PyTorch's; luthier's driver takes what processors there are")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=4, help="how long each line runs in a round")
    p.add_argument("--profile", action="store_true")
    p.add_argument("--out")
    return p.parse_args()


class Torch:
    """One PyTorch line: a model with its optimizer and batch, kept between rounds."""

    def __init__(self, args, method, attn, rows, length):
        if args.model:
            model = AutoModelForSequenceClassification.from_pretrained(args.model, dtype=torch.float32, attn_implementation=attn, num_labels=2)
        else:
            model = BertForSequenceClassification._from_config(BertConfig(**MINILM), attn_implementation=attn)
        if method == "lora":
            model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules=["query", "value"]))
        self.model = model.train()
        self.optimizer = adamw(self.model, 1e-4, 0.0)
        ids = torch.randint(0, model.config.vocab_size, (rows, length), generator=torch.Generator().manual_seed(3))
        self.batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids),
                      "labels": torch.arange(rows) % 2}
        step(self.model, self.optimizer, self.batch, 1.0)

    def round(self, seconds):
        """Wall and processor seconds of the fastest step of at least so many seconds."""
        wall, cpu, until = [], [], time.perf_counter() + seconds
        while time.perf_counter() < until or len(wall) < 3:
            began, used = time.perf_counter(), time.process_time()
            step(self.model, self.optimizer, self.batch, 1.0)
            wall.append(time.perf_counter() - began)
            cpu.append(time.process_time() - used)
        return {"seconds": min(wall), "processor_seconds": min(cpu)}


def luthier(args, method, rows, length):
    command = [args.luthier, "bench", "step", "--json", "--model", args.model or "minilm-l6", "--method", method, "--batch-size", str(rows),
               "--max-length", str(length), "--seconds", str(args.seconds / 4), *(["--profile"] if args.profile else [])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    result = json.loads(done.stdout)
    return result["adapter"], result[args.model or "minilm-l6"]["step"]


def best(old, new):
    """The smaller of both for times, the larger for shares and rates."""
    if old is None:
        return dict(new)
    out = dict(new)
    for key in ("seconds", "processor_seconds"):
        out[key] = min(old[key], new[key])
    for key in ("share_of_matmul_rate", "gflops_per_s"):
        if key in new:
            out[key] = max(old[key], new[key])
    return out


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    shapes = [tuple(int(n) for n in s.split("x")) for s in args.shapes.split(",")]
    lines, models, adapter, shares = {}, {}, None, {}
    for number in range(args.rounds):
        for method in args.methods.split(","):
            for rows, length in shapes:
                key = (method, rows, length)
                adapter, ours = luthier(args, method, rows, length)
                shares.setdefault(key, []).append(ours["share_of_matmul_rate"])
                lines[key, "luthier"] = best(lines.get((key, "luthier")), ours)
                for attn in args.attn.split(","):
                    if (key, attn) not in models:
                        models[key, attn] = Torch(args, method, attn, rows, length)
                    lines[key, attn] = best(lines.get((key, attn)), models[key, attn].round(args.seconds))
                costs = [f"{who} {1e3 * lines[key, who]['seconds']:.0f} ms" for who in ["luthier", *args.attn.split(",")]]
                print(f"round {number + 1}: {method} {rows}x{length}: {', '.join(costs)}", flush=True)
    print(f"\n{adapter['name']}, {adapter.get('driver', '')}; torch {torch.__version__}, {args.threads} threads; fastest of {args.rounds} rounds\n")
    report(args, shapes, lines, shares)
    if args.out:
        with open(args.out, "w") as f:
            json.dump({"adapter": adapter, "torch": torch.__version__, "lines": [
                {"method": k[0], "batch_size": k[1], "length": k[2], "program": who, "shares": shares[k] if who == "luthier" else None, **line}
                for (k, who), line in lines.items()]}, f, indent=1)


def report(args, shapes, lines, shares):
    attns = args.attn.split(",")
    print("| method, batch | luthier: step, processor | GFLOP/s | share of its matmuls |"
          + "".join(f" PyTorch {a}: step, processor | ratio, by processor |" for a in attns))
    print("|---|---|---|---|" + "---|---|" * len(attns))
    for method in args.methods.split(","):
        for rows, length in shapes:
            key = (method, rows, length)
            us = lines[key, "luthier"]
            row = (f"| {method}, {rows} x {length} | {1e3 * us['seconds']:.0f} ms, {1e3 * us.get('processor_seconds', 0):.0f} ms | {us['gflops_per_s']:.1f} "
                   f"| {100 * min(shares[key]):.0f} to {100 * max(shares[key]):.0f} % |")
            for attn in attns:
                them = lines[key, attn]
                row += (f" {1e3 * them['seconds']:.0f} ms, {1e3 * them['processor_seconds']:.0f} ms | {us['seconds'] / them['seconds']:.2f}, "
                        f"{us.get('processor_seconds', 0) / them['processor_seconds']:.2f} |")
            print(row)


if __name__ == "__main__":
    main()
