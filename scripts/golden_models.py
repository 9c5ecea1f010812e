"""The tiny models of golden.py and their batches: what is built and fed, apart from what is computed on it."""
import torch
from transformers import (BertConfig, BertForMaskedLM, BertForSequenceClassification, BertForTokenClassification, LlamaConfig,
                          LlamaForCausalLM, LlamaForSequenceClassification, LlamaForTokenClassification)

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

def tokens(generator, lengths, vocab):
    """Random ids without the padding id, padded with 0 on the right, and the mask."""
    B, T = len(lengths), max(lengths)
    ids = torch.randint(FIRST_TOKEN, vocab, (B, T), generator=generator)
    column = torch.arange(T).expand(B, T)
    length = torch.tensor(lengths).unsqueeze(1)
    mask = (column < length).long()
    return {"input_ids": torch.where(mask == 1, ids, 0), "attention_mask": mask}


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


def tagged(batch, generator, labels):
    """A class for about two tokens of three: the others are special tokens and later sub-words, and have none."""
    drawn = torch.randint(0, labels, batch["input_ids"].shape, generator=generator)
    chosen = (torch.rand(drawn.shape, generator=generator) < 0.67) & (batch["attention_mask"] == 1)
    return {**batch, "labels": drawn.masked_fill(~chosen, -100)}


def left_padded(batch):
    """The same rows with the padding moved to the left, and the positions that make them the same sequences."""
    moved = {k: v.clone() for k, v in batch.items()}
    for row, length in enumerate(batch["attention_mask"].sum(1).tolist()):
        for v in moved.values():
            v[row] = torch.roll(v[row], v.shape[1] - length)
        moved["labels"][row, -length] = -100  # else the last padding position, whose logits mean nothing, would predict it
    moved["position_ids"] = (moved["attention_mask"].cumsum(1) - 1).clamp_min(0)
    return moved


# ---- the table ----------------------------------------------------------------------------------------------------------------

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
    "bert_tokcls": (lambda: bert(BertForTokenClassification, num_labels=5), lambda g, v: tagged(pair(g, LONG, v), g, 5)),
    "llama_tokcls": (lambda: llama(LlamaForTokenClassification, num_labels=5, classifier_dropout=0.0),
                     lambda g, v: tagged(tokens(g, LONG, v), g, 5)),
    "llama_regression": (lambda: llama(LlamaForSequenceClassification, num_labels=1),
                         lambda g, v: classes(tokens(g, LONG, v), [12.5, -13.0, 7.0])),
}
