"""The cases of check_interop.py: settings of LoRA by base model and task, as PEFT's config and as luthier's flags."""
import torch

QV, BQV = ["q_proj", "v_proj"], ["query", "value"]
LAST = r".*layers\.1\.(self_attn\.(q|v)_proj|mlp\.up_proj)"
NOT_K = r"(?!.*k_proj)(?P<all>.*self_attn\.\w_proj)"

# luthier's flags of an adapter that PEFT loads. merged: types of the merged model that transformers loads.
ALL = ["f32", "bf16", "f16"]


def ours(name, base, task, *flags, **more):
    return {"name": name, "base": base, "task": task, "flags": flags, **more}


OURS = [
    ours("llama default", "llama", "clm", merged=ALL),
    ours("llama all-linear rslora", "llama", "clm", "--target-modules", "all-linear", "--use-rslora"),
    ours("llama regex", "llama", "clm", "--target-modules", "re:" + LAST),
    ours("llama regex with lookahead", "llama", "clm", "--target-modules", "re:" + NOT_K),
    ours("llama exclude list", "llama", "clm", "--target-modules", "all-linear", "--exclude-modules", "k_proj,layers.0.mlp.up_proj"),
    ours("llama exclude regex", "llama", "clm", "--target-modules", "q_proj,v_proj", "--exclude-modules", r"re:.*\.0\..*"),
    ours("llama layers_to_transform", "llama", "clm", "--target-modules", "q_proj,down_proj", "--layers-to-transform", "1"),
    ours("llama patterns", "llama", "clm", "--target-modules", "all-linear", "--rank-pattern", r"q_proj=2,layers\.1\..*up_proj=6",
         "--alpha-pattern", "q_proj=3.5,layers.0.mlp.down_proj=40"),
    ours("llama patterns that overlap", "llama", "clm", "--rank-pattern", "q_proj=2,.*_proj=3", "--alpha-pattern", r"q_proj=4,layers\.0\..*=60"),
    ours("llama embeddings", "llama", "clm", "--target-modules", "q_proj,embed_tokens", merged=ALL),
    ours("llama embeddings saved", "llama", "clm", "--modules-to-save", "embed_tokens"),
    ours("llama head saved", "llama", "clm", "--modules-to-save", "lm_head"),
    ours("llama norms saved", "llama", "clm", "--modules-to-save", "norm"),
    ours("llama a layer's mlp saved", "llama", "clm", "--target-modules", "all-linear", "--modules-to-save", "layers.0.mlp"),
    ours("llama dropout and gaussian", "llama", "clm", "--lora-dropout", "0.3", "--init-lora-weights", "gaussian"),
    ours("llama tied", "llama tied", "clm", merged=ALL),
    ours("llama tied embeddings", "llama tied", "clm", "--target-modules", "q_proj,embed_tokens", merged=ALL),
    ours("llama tied embeddings saved", "llama tied", "clm", "--modules-to-save", "embed_tokens"),
    ours("llama tied embeddings saved and tied", "llama tied", "clm", "--modules-to-save", "embed_tokens", "--ensure-weight-tying"),
    ours("llama tied head saved", "llama tied", "clm", "--modules-to-save", "lm_head"),
    ours("llama tied both saved", "llama tied", "clm", "--modules-to-save", "embed_tokens,lm_head"),
    ours("llama head in the file, embeddings", "llama tied, head in the file", "clm", "--target-modules", "q_proj,embed_tokens"),
    ours("llama classes", "llama with a score", "classify", "--target-modules", "all-linear", merged=ALL),
    ours("llama classes, bare model", "llama bare", "classify", "--target-modules", "all-linear", "--lora-bias", "all"),
    ours("llama bf16", "llama bfloat16", "clm", "--target-modules", "all-linear"),
    ours("llama f16", "llama float16", "clm", "--target-modules", "all-linear"),
    ours("bert default", "bert", "classify", merged=ALL),
    ours("bert all-linear", "bert", "classify", "--target-modules", "all-linear"),
    ours("bert bias all", "bert", "classify", "--lora-bias", "all", merged=ALL),
    ours("bert bias lora_only", "bert", "classify", "--lora-bias", "lora_only"),
    ours("bert bias lora_only all-linear", "bert", "classify", "--lora-bias", "lora_only", "--target-modules", "all-linear"),
    ours("bert bias all, layer 1", "bert", "classify", "--lora-bias", "all", "--layers-to-transform", "1"),
    ours("bert embeddings", "bert", "classify", "--target-modules", "query,word_embeddings,token_type_embeddings", merged=ALL),
    ours("bert pooler saved", "bert", "classify", "--modules-to-save", "pooler"),
    ours("bert embeddings saved", "bert", "classify", "--modules-to-save", "word_embeddings,LayerNorm"),
    ours("bert patterns", "bert", "classify", "--target-modules", "all-linear", "--rank-pattern", r"layer\.0\..*query=1,pooler.dense=7",
         "--alpha-pattern", "value=2"),
    ours("bert bare", "bert bare", "classify", "--target-modules", "all-linear", "--lora-bias", "all"),
    ours("bert without a pooler", "bert without a pooler", "classify", "--target-modules", "all-linear", merged=ALL),
    ours("bert masked words, bare", "bert bare", "mlm", "--target-modules", "all-linear", merged=[]),  # nothing in PEFT's files says the task
    ours("bert regression", "bert for regression", "regress", "--target-modules", "all-linear"),
    ours("bert tokens", "bert for tokens", "token-classify", "--target-modules", "all-linear", "--lora-bias", "all"),
    ours("bert masked words", "bert for masked words", "mlm", "--target-modules", "all-linear", "--lora-bias", "all"),
    ours("bert masked words, embeddings", "bert for masked words", "mlm", "--target-modules", "query,word_embeddings", merged=ALL),
    ours("bert masked words, embeddings saved", "bert for masked words", "mlm", "--modules-to-save", "word_embeddings"),
    ours("bert with gamma and beta", "bert with gamma and beta", "classify", "--lora-bias", "all"),
]


def theirs(name, base, task, limit=None, **config):
    out = {"name": name, "base": base, "task": task, "config": config}
    return {**out, "limit": limit} if limit else out


# LoraConfig's settings of an adapter that luthier loads.
THEIRS = [
    theirs("llama default", "llama", "clm"),
    theirs("llama all-linear rslora", "llama", "clm", target_modules="all-linear", use_rslora=True),
    theirs("llama regex", "llama", "clm", target_modules=LAST),
    theirs("llama regex with lookahead", "llama", "clm", target_modules=NOT_K),
    theirs("llama exclude list", "llama", "clm", target_modules=QV + ["o_proj"], exclude_modules=["layers.0.self_attn.o_proj", "v_proj"]),
    theirs("llama exclude regex", "llama", "clm", target_modules=QV, exclude_modules=r".*\.0\..*"),
    theirs("llama layers_to_transform", "llama", "clm", target_modules=QV, layers_to_transform=[1]),
    theirs("llama layers_pattern", "llama", "clm", target_modules=QV, layers_to_transform=0, layers_pattern="layers"),
    theirs("llama patterns", "llama", "clm", target_modules="all-linear", rank_pattern={"q_proj": 2, r"layers\.1\..*up_proj": 6},
           alpha_pattern={"q_proj": 3, "down_proj": 40}),
    theirs("llama patterns that overlap", "llama", "clm", target_modules=QV, rank_pattern={"q_proj": 2, ".*_proj": 3}, unsorted=True,
           alpha_pattern={"q_proj": 4, r"layers\.0\..*": 60}),
    theirs("llama embeddings", "llama", "clm", target_modules=QV + ["embed_tokens"]),
    theirs("llama embeddings, not written along", "llama", "clm", target_modules=QV + ["embed_tokens"], save_embedding_layers=False),
    theirs("llama base embeddings changed", "llama tied", "clm", target_modules=QV + ["embed_tokens"],
           change=lambda m: m.base_model.model.model.embed_tokens.base_layer.weight.mul_(1.1)),
    theirs("llama embeddings saved", "llama", "clm", target_modules=QV, modules_to_save=["embed_tokens"]),
    theirs("llama head saved", "llama", "clm", target_modules=QV, modules_to_save=["lm_head"]),
    theirs("llama norms saved", "llama", "clm", target_modules=QV, modules_to_save=["norm"]),
    theirs("llama a layer's mlp saved", "llama", "clm", target_modules="all-linear", modules_to_save=["layers.0.mlp"]),
    theirs("llama tied", "llama tied", "clm", target_modules=QV),
    theirs("llama tied embeddings", "llama tied", "clm", target_modules=QV + ["embed_tokens"]),
    theirs("llama tied embeddings saved", "llama tied", "clm", target_modules=QV, modules_to_save=["embed_tokens"]),
    theirs("llama tied embeddings saved and tied", "llama tied", "clm", target_modules=QV, modules_to_save=["embed_tokens"], ensure_weight_tying=True),
    theirs("llama tied head saved", "llama tied", "clm", target_modules=QV, modules_to_save=["lm_head"]),
    theirs("llama tied both saved", "llama tied", "clm", target_modules=QV, modules_to_save=["embed_tokens", "lm_head"]),
    theirs("llama classes", "llama with a score", "classify", target_modules="all-linear"),
    theirs("llama pickle", "llama", "clm", target_modules=QV, safe=False),
    theirs("llama bf16 adapter", "llama", "clm", target_modules=QV, dtype=torch.bfloat16),
    theirs("llama gaussian", "llama", "clm", target_modules=QV, init_lora_weights="gaussian"),
    theirs("llama orthogonal", "llama", "clm", target_modules=QV, init_lora_weights="orthogonal"),
    theirs("llama no init", "llama", "clm", target_modules=QV, init_lora_weights=False),
    theirs("llama fan_in_fan_out", "llama", "clm", target_modules=QV, fan_in_fan_out=True),
    theirs("bert default", "bert", "classify"),
    theirs("bert all-linear", "bert", "classify", target_modules="all-linear"),
    theirs("bert bias all", "bert", "classify", target_modules=BQV, bias="all"),
    theirs("bert bias lora_only", "bert", "classify", target_modules=BQV, bias="lora_only"),
    theirs("bert bias lora_only all-linear", "bert", "classify", target_modules="all-linear", bias="lora_only"),
    theirs("bert embeddings", "bert", "classify", target_modules=BQV + ["word_embeddings", "position_embeddings"]),
    theirs("bert pooler saved", "bert", "classify", target_modules=BQV, modules_to_save=["pooler"]),
    theirs("bert layers_pattern list", "bert", "classify", target_modules=BQV, layers_to_transform=[0], layers_pattern=["layer", "h"]),
    theirs("bert pickle, bias all", "bert", "classify", target_modules=BQV, bias="all", safe=False),
    theirs("bert bare", "bert bare", "classify", target_modules="all-linear", bias="all"),
    theirs("bert regression", "bert for regression", "regress", target_modules=BQV),
    theirs("bert tokens", "bert for tokens", "token-classify", target_modules=BQV, bias="all"),
    theirs("bert masked words", "bert for masked words", "mlm", target_modules="all-linear", bias="all"),
    theirs("bert masked words, embeddings", "bert for masked words", "mlm", target_modules=BQV + ["word_embeddings"]),
]
