#!/usr/bin/env python3
"""Train with PyTorch, transformers and PEFT: the oracle of luthier's loss curves and accuracies.

    python scripts/torch_train.py --model DIR --data train.tsv --eval-data dev.tsv --task seqcls --method lora --lr 1e-3 \\
        --batch-size 32 --epochs 1 --max-length 64 --warmup 0.1 --schedule linear --out metrics.jsonl

What a step is: loss averaged over the labels of the batch, backward, clipping by global norm, AdamW in the Trainer's two groups (no
decay on biases and norm weights), learning rate of the schedule at step 0, 1, 2, ... (so with a warm-up the very first update has
rate 0, as in transformers). float32 throughout. Data: see torch_data.py. The model's own dropout and LoRA's are off unless asked for.

To start both programs from one point: --save-init DIR writes what will be trained (LoRA: the adapter with its head as PEFT writes it;
full: head.safetensors alone) before the first step; --init-adapter and --init-head read it. --write-order FILE writes the batches
(JSON, one list of row numbers a step), --order FILE takes them.

metrics.jsonl: {"step", "loss", "lr", "grad_norm", "seconds"} a step (loss before the update; seconds of forward, backward, update), and
{"step", "eval_loss", "eval_accuracy" (seqcls), "eval_seconds"} before the first step and after the last; then one summary object.
"""
import argparse
import json
import math
import os
import statistics
import time

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (AutoModelForCausalLM, AutoModelForSequenceClassification, get_constant_schedule_with_warmup,
                          get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup)

from oracle import adamw, need, read_tensors, step, write_tensors
from torch_data import Blocks, Rows, order, raw_ids, token_stream

HEADS = ("classifier.", "score.")


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True)
    p.add_argument("--data", help="training file: .txt or .jsonl for clm, .tsv or .jsonl for seqcls")
    p.add_argument("--ids", help="clm: raw token ids instead of --data")
    p.add_argument("--ids-dtype", choices=("uint16", "int32"), default="uint16")
    p.add_argument("--eval-data", help="held-out file")
    p.add_argument("--eval-split", type=float, default=0.0, help="clm without --eval-data: this last share of the blocks")
    p.add_argument("--max-rows", type=int, help="only the first rows (seqcls) or blocks (clm) of the training file")
    p.add_argument("--max-eval-rows", type=int, help="only the first held-out rows or blocks")
    p.add_argument("--task", choices=("clm", "seqcls"), required=True)
    p.add_argument("--method", choices=("full", "lora"), required=True)
    p.add_argument("--lr", type=float, required=True)
    p.add_argument("--batch-size", type=int, default=8)
    p.add_argument("--epochs", type=int, default=1)
    p.add_argument("--max-steps", type=int)
    p.add_argument("--max-length", type=int, default=128)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--order", help="JSON list of row lists, one a step")
    p.add_argument("--write-order")
    p.add_argument("--no-shuffle", action="store_true")
    p.add_argument("--warmup", type=float, default=0.0, help="below 1: share of all steps, rounded up; else steps")
    p.add_argument("--schedule", choices=("constant", "linear", "cosine"), default="constant")
    p.add_argument("--weight-decay", type=float, default=0.0)
    p.add_argument("--clip", type=float, default=1.0, help="0: no clipping (the norm is still reported)")
    p.add_argument("--dropout", action="store_true", help="the model's own dropout, as its config has it")
    p.add_argument("--lora-r", type=int, default=8)
    p.add_argument("--lora-alpha", type=float, default=16)
    p.add_argument("--lora-dropout", type=float, default=0.0)
    p.add_argument("--lora-targets", default="all-linear", help="comma-separated module names, or all-linear")
    p.add_argument("--init-adapter")
    p.add_argument("--init-head")
    p.add_argument("--save-init")
    p.add_argument("--save", help="write the trained adapter or model here")
    p.add_argument("--attn", choices=("eager", "sdpa"), default="eager")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--out", required=True)
    args = p.parse_args()
    if args.task == "clm" and bool(args.data) == bool(args.ids):
        p.error("clm takes either --data or --ids")
    if args.task == "seqcls" and not args.data:
        p.error("seqcls takes --data")
    return args


# ---- data and model -------------------------------------------------------------------------------------------------------------

def load_data(args, config):
    tokenizer = os.path.join(args.model, "tokenizer.json")
    if args.task == "seqcls":
        pad = config.pad_token_id or 0
        train = Rows(args.data, need(tokenizer, "tokenizer"), args.max_length, pad, args.max_rows)
        held = Rows(args.eval_data, tokenizer, args.max_length, pad, args.max_eval_rows, train.names) if args.eval_data else None
        return train, held
    stream = raw_ids(args.ids, args.ids_dtype) if args.ids else token_stream(args.data, need(tokenizer, "tokenizer"))
    train, held = Blocks(stream, args.max_length), None
    if args.eval_data:
        held = Blocks(token_stream(args.eval_data, need(tokenizer, "tokenizer")), args.max_length)
    elif args.eval_split:
        kept = int(len(train) * (1 - args.eval_split))
        train, held = train.part(0, kept), train.part(kept, len(train))
    return train.part(0, args.max_rows), held.part(0, args.max_eval_rows) if held else None


def load_model(args, labels):
    auto = AutoModelForSequenceClassification if args.task == "seqcls" else AutoModelForCausalLM
    more = {"num_labels": labels} if labels else {}
    model = auto.from_pretrained(args.model, dtype=torch.float32, attn_implementation=args.attn, **more)
    if args.init_head:
        set_head(model, args.init_head)
    if args.method == "lora":
        model = with_lora(model, args)
    model.train()
    for name, module in model.named_modules():  # LoRA's dropout is its own flag
        if isinstance(module, torch.nn.Dropout) and not args.dropout and "lora_dropout" not in name:
            module.p = 0.0
    if not args.dropout:
        for module in model.modules():  # attention keeps its rate as a plain number where it has no Dropout module
            if hasattr(module, "attention_dropout"):
                module.attention_dropout = 0.0
    return model


def set_head(model, path):
    """Copy a classifier from a file; keys may carry PEFT's prefix."""
    given = {k.removeprefix("base_model.model."): v for k, v in read_tensors(need(path, "head file")).items()}
    head = {n: p for n, p in model.named_parameters() if n.startswith(HEADS)}
    missing = [n for n in head if n not in given]
    if missing or not head:
        raise SystemExit(f"{path}: does not hold {missing or 'a head of this model'}")
    with torch.no_grad():
        for name, p in head.items():
            p.copy_(given[name])


def with_lora(model, args):
    if args.init_adapter:
        return PeftModel.from_pretrained(model, args.init_adapter, is_trainable=True)
    targets = args.lora_targets if args.lora_targets == "all-linear" else args.lora_targets.split(",")
    config = LoraConfig(task_type="SEQ_CLS" if args.task == "seqcls" else "CAUSAL_LM", r=args.lora_r, lora_alpha=args.lora_alpha,
                        lora_dropout=args.lora_dropout, target_modules=targets)
    return get_peft_model(model, config)


def save_init(model, args):
    os.makedirs(args.save_init, exist_ok=True)
    if args.method == "lora":
        return model.save_pretrained(args.save_init)
    head = {n: p for n, p in model.named_parameters() if n.startswith(HEADS)}
    if head:
        write_tensors(os.path.join(args.save_init, "head.safetensors"), head)


# ---- the run --------------------------------------------------------------------------------------------------------------------

def schedule(optimizer, args, steps):
    warm = math.ceil(args.warmup * steps) if args.warmup < 1 else int(args.warmup)
    if args.schedule == "constant":
        return get_constant_schedule_with_warmup(optimizer, warm)
    make = get_linear_schedule_with_warmup if args.schedule == "linear" else get_cosine_schedule_with_warmup
    return make(optimizer, warm, steps)


@torch.no_grad()
def evaluate(model, held, args):
    """Mean loss over predictions (clm) or rows (seqcls), and accuracy."""
    model.eval()
    start, total, right, count, pairs = time.perf_counter(), 0.0, 0, 0, []
    for i in range(0, len(held), args.batch_size):
        batch = held.batch(list(range(i, min(i + args.batch_size, len(held)))))
        out, rows = model(**batch), len(batch["labels"])
        total += out.loss.item() * rows  # blocks are equally long, so rows are the right weight for both tasks
        count += rows
        if args.task == "seqcls":
            found = out.logits.argmax(-1)
            right += (found == batch["labels"]).sum().item()
            pairs += zip(batch["labels"].tolist(), found.tolist())
    model.train()
    result = {"eval_loss": total / count, "eval_seconds": round(time.perf_counter() - start, 3)}
    if args.task == "seqcls":
        result["eval_accuracy"] = right / count
        result["eval_matthews_correlation"] = matthews(pairs)
    return result


def matthews(pairs):
    """Correlation of labels and predictions, of any number of classes (Gorodkin 2004, the form of scikit-learn); 0 where undefined."""
    n, right = len(pairs), sum(a == b for a, b in pairs)
    classes = {c for pair in pairs for c in pair}
    true = {c: sum(a == c for a, _ in pairs) for c in classes}
    said = {c: sum(b == c for _, b in pairs) for c in classes}
    spread = (n * n - sum(v * v for v in true.values())) * (n * n - sum(v * v for v in said.values()))
    return (right * n - sum(true[c] * said[c] for c in classes)) / math.sqrt(spread) if spread else 0.0


def run(args, log):
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    from transformers import AutoConfig
    train, held = load_data(args, AutoConfig.from_pretrained(args.model))
    model = load_model(args, len(train.names) if args.task == "seqcls" else None)
    if args.save_init:
        save_init(model, args)
    batches = order(args, len(train))
    if args.write_order:
        with open(args.write_order, "w") as f:
            json.dump(batches, f)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(f"{len(train)} rows, {len(held) if held else 0} held out, {len(batches)} steps, {trained} trained parameters", flush=True)

    optimizer = adamw(model, args.lr, args.weight_decay)
    rates = schedule(optimizer, args, len(batches))
    if held:
        log({"step": 0, **evaluate(model, held, args)})
    seconds, losses = [], []
    for number, rows in enumerate(batches, 1):
        start = time.perf_counter()
        lr = rates.get_last_lr()[0]
        loss, norm = step(model, optimizer, train.batch(rows), args.clip)
        rates.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
        log({"step": number, "loss": losses[-1], "lr": lr, "grad_norm": norm.item(), "seconds": round(seconds[-1], 4)})
    if held:
        log({"step": len(batches), **evaluate(model, held, args)})
    if args.save:
        model.save_pretrained(args.save)
    log({"summary": True, "steps": len(batches), "trained": trained, "median_seconds_per_step": round(statistics.median(seconds), 4),
         "mean_loss_last_tenth": statistics.mean(losses[-max(1, len(losses) // 10):]), "threads": args.threads, "attn": args.attn,
         "torch": torch.__version__})


def main():
    args = arguments()
    with open(args.out, "w") as f:
        def log(entry):
            f.write(json.dumps(entry) + "\n")
            f.flush()
            print(entry, flush=True)
        run(args, log)


if __name__ == "__main__":
    main()
