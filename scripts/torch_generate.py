#!/usr/bin/env python3
"""Greedy continuations by transformers, as ids and text: the oracle of `luthier generate`.

    python scripts/torch_generate.py --model DIR --out greedy.json --prompt "Once upon" --chat "Name a city." [--tokens 40]

Plain prompts are encoded as tokenizer.json says; chat prompts go through the template in tokenizer_config.json, with the opening of the
answer. float32, eager attention. Each entry also gives the smallest gap between the best and the second logit: where it is tiny, another
implementation may rightly choose another token.
"""
import argparse
import json
import os

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--model", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--prompt", action="append", default=[])
    p.add_argument("--chat", action="append", default=[])
    p.add_argument("--tokens", type=int, default=40)
    args = p.parse_args()
    torch.set_num_threads(2)
    tokenizer = AutoTokenizer.from_pretrained(args.model)  # for its chat template alone: ids come from the file itself
    encoder = Tokenizer.from_file(os.path.join(args.model, "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32, attn_implementation="eager").eval()
    entries = []
    for kind, text in [("plain", t) for t in args.prompt] + [("chat", t) for t in args.chat]:
        shown = text if kind == "plain" else tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True)
        ids = torch.tensor([encoder.encode(shown, add_special_tokens=kind == "plain").ids])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=args.tokens, do_sample=False,
                             output_logits=True, return_dict_in_generate=True, pad_token_id=model.config.eos_token_id)
        new = out.sequences[0, ids.shape[1]:]
        best = torch.stack(out.logits)[:, 0].topk(2).values
        entries.append({"kind": kind, "prompt": text, "encoded_text": shown, "prompt_ids": ids[0].tolist(), "new_ids": new.tolist(),
                        "new_text": encoder.decode(new.tolist(), skip_special_tokens=False), "smallest_gap": (best[:, 0] - best[:, 1]).min().item()})
        print(json.dumps(entries[-1], ensure_ascii=False), flush=True)
    with open(args.out, "w") as f:
        json.dump(entries, f, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
