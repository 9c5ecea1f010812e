"""MeZO on a BERT classifier in PyTorch, from a linear probe: the other side of luthier's MiniLM runs, and ten times as fast to try settings with.

    python scripts/torch_mezo.py --model DIR --data train.tsv --eval-data dev.tsv --method lora --lr 1e-3 --eps 1e-2 --steps 1000

Rademacher noise in place of Gaussian, as luthier has it; perturbed in place, as the paper's code does. Prints loss and accuracy on both files at
the start and each --every steps. Data: TSV, text and class number, no header. Needs torch, transformers, and peft for --method lora.
"""
import argparse
import random

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def read(path, rows, tok, length):
    lines = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")][:rows]
    texts = [x[0] for x in lines]
    return tok(texts, truncation=True, max_length=length, padding=True, return_tensors="pt"), torch.tensor([int(x[1]) for x in lines])


def part(enc, rows):
    longest = int(enc["attention_mask"][rows].sum(1).max())
    return {k: v[rows][:, :longest] for k, v in enc.items()}


@torch.no_grad()
def score(model, enc, y):
    logits = torch.cat([model(**part(enc, slice(i, i + 64))).logits for i in range(0, len(y), 64)])
    return cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def probe(model, enc, y):
    """The head becomes the logistic regression on the pooled features, penalty 1."""
    with torch.no_grad():
        x = torch.cat([model.bert(**part(enc, slice(i, i + 64))).pooler_output for i in range(0, len(y), 64)]).double()
    w = torch.zeros_like(model.classifier.weight, dtype=torch.float64, requires_grad=True)
    b = torch.zeros_like(model.classifier.bias, dtype=torch.float64, requires_grad=True)
    opt = torch.optim.LBFGS([w, b], max_iter=500, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        loss = cross_entropy(x @ w.T + b, y, reduction="sum") + 0.5 * (w**2).sum()
        loss.backward()
        return loss

    opt.step(closure)
    with torch.no_grad():
        model.classifier.weight.copy_(w)
        model.classifier.bias.copy_(b)


@torch.no_grad()
def move(params, seed, a, gen):
    gen.manual_seed(seed)
    for p in params:
        p.add_(torch.randint(0, 2, p.shape, generator=gen, dtype=torch.int8).float().mul_(2).sub_(1), alpha=a)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--eval-data", required=True)
    p.add_argument("--method", choices=["lora", "full"], default="lora")
    p.add_argument("--lr", type=float, required=True)
    p.add_argument("--eps", type=float, required=True)
    p.add_argument("--steps", type=int, default=1000)
    p.add_argument("--every", type=int, default=200)
    p.add_argument("--rows", type=int, default=512)
    p.add_argument("--batch-size", type=int, default=16)
    p.add_argument("--max-length", type=int, default=32)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    tok = AutoTokenizer.from_pretrained(a.model)
    model = AutoModelForSequenceClassification.from_pretrained(a.model, num_labels=2).eval()
    enc, y = read(a.data, a.rows, tok, a.max_length)
    dev, dev_y = read(a.eval_data, None, tok, a.max_length)
    probe(model, enc, y)
    if a.method == "lora":
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules=["query", "value"])).eval()
    params = [q for q in model.parameters() if q.requires_grad]
    say = lambda step: print(step, "train loss %.5f accuracy %.4f" % score(model, enc, y), "dev loss %.5f accuracy %.4f" % score(model, dev, dev_y), flush=True)
    say(0)
    rng, order, gen = random.Random(a.seed), [], torch.Generator()
    for t in range(1, a.steps + 1):
        if len(order) < a.batch_size:
            order = list(range(len(y)))
            rng.shuffle(order)
        rows = [order.pop() for _ in range(a.batch_size)]
        batch, seed = part(enc, rows), a.seed * 1000003 + t
        with torch.no_grad():
            move(params, seed, a.eps, gen)
            plus = cross_entropy(model(**batch).logits, y[rows]).item()
            move(params, seed, -2 * a.eps, gen)
            minus = cross_entropy(model(**batch).logits, y[rows]).item()
            move(params, seed, a.eps - a.lr * (plus - minus) / (2 * a.eps), gen)
        if t % a.every == 0:
            say(t)


main()
