#!/usr/bin/env python3
"""Hold the model card of a run to the checks of huggingface_hub and PEFT, and to what the run measured.

    python scripts/check_card.py OUT

- huggingface_hub.ModelCard.load reads it; its front matter survives being written and read again.
- The results of its model-index are those of trainer_state.json, value by value; a card without results is right only where nothing was
  measured with the weights that were written.
- PEFT's own create_or_update_model_card takes a copy of it and keeps results and tags.
- The Python code in it runs as it stands, from the directory that the run was started in.

Exit code 1 when anything is off.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import peft
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.utils import validate_repo_id
from peft import PeftConfig, PeftModel

HUB = {"pearson": "pearsonr"}
failures = []


def check(what, good, detail=""):
    print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good else ': ' + str(detail)}")
    if not good:
        failures.append(what)


def measured(out):
    """The metrics of the evaluation at the step whose weights were written; empty without one."""
    with open(os.path.join(out, "trainer_state.json"), encoding="utf-8") as f:
        state = json.load(f)
    with open(os.path.join(out, "run.yaml"), encoding="utf-8") as f:
        best = re.search(r"^load_best: true$", f.read(), re.M) and state["best_model_checkpoint"]
    step = int(best.rsplit("-", 1)[1]) if best else state["global_step"]
    rows = [e for e in state["log_history"] if e["step"] == step]
    return {k.removeprefix("eval_"): v for e in rows for k, v in e.items() if k.startswith("eval_")}


def results(data):
    return {r.metric_type: r.metric_value for r in data.eval_results or []}


def code(card):
    blocks = re.findall(r"```python\n(.*?)```", card.text, re.S)
    check("one block of Python", len(blocks) == 1, blocks)
    p = subprocess.run([sys.executable, "-c", blocks[0]], capture_output=True, text=True)
    check("its code runs", p.returncode == 0, p.stderr[-2000:])
    print("     it printed:", (p.stdout.strip().splitlines() or ["nothing"])[-1])


def updated(out, data):
    """PEFT's update of a copy."""
    config = PeftConfig.from_pretrained(out)
    kind = {"SEQ_CLS": "AutoModelForSequenceClassification", "TOKEN_CLS": "AutoModelForTokenClassification", "CAUSAL_LM": "AutoModelForCausalLM"}
    import transformers
    base = getattr(transformers, kind.get(config.task_type, "AutoModelForMaskedLM")).from_pretrained(config.base_model_name_or_path, revision=config.revision or "main")
    with tempfile.TemporaryDirectory() as copy:
        shutil.copy(os.path.join(out, "README.md"), copy)
        PeftModel(base, config).create_or_update_model_card(copy)
        after = ModelCard.load(os.path.join(copy, "README.md"))
    check("PEFT updates a copy and keeps the results", results(after.data) == results(data), results(after.data))
    check("and the text", f"- PEFT {peft.__version__}" in after.text and "## Use" in after.text)
    fields = ["library_name", "pipeline_tag"] + (["base_model"] if data.get("base_model") else [])  # PEFT puts a path there
    check("and wants no other library, base model or task", all(after.data.get(k) == data.get(k) for k in fields), after.data.to_dict())


def check_base(out, data, adapter):
    """base_model is a name that the hub takes, or is left out: it refuses a card with a path there."""
    name = data.get("base_model")
    if name:
        validate_repo_id(name)
    check("base_model is no directory", not name or not os.path.exists(name), name)
    tags = [t for t in data.tags if t.startswith("base_model:")]
    check("base_model and its tag", tags == ([f"base_model:adapter:{name}"] if name and adapter else []), tags)
    if adapter:
        config = PeftConfig.from_pretrained(out)
        known = config.revision is not None
        check("adapter_config.json has the same base model", config.base_model_name_or_path == name if known else not name,
              config.base_model_name_or_path)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = sys.argv[1]
    card = ModelCard.load(os.path.join(out, "README.md"))
    data = card.data
    again = ModelCardData(**data.to_dict()) if data.eval_results is None else ModelCard(str(card)).data
    check("the front matter survives a round", again.to_dict() == data.to_dict(), again.to_dict())
    adapter = os.path.exists(os.path.join(out, "adapter_config.json"))
    check("library_name", data.library_name == ("peft" if adapter else "transformers"), data.library_name)
    for field in ("pipeline_tag", "tags"):
        check(field, bool(data.get(field)), data.get(field))
    check_base(out, data, adapter)
    want = {HUB.get(k, k): v for k, v in measured(out).items()}
    got = results(data)
    check(f"{len(got)} results are those of trainer_state.json",
          want.keys() == got.keys() and all(abs(got[k] - v) <= 5.1e-7 for k, v in want.items()), f"{got}, want {want}")
    check("and each is a number in its table", all(re.search(rf"^\| .* \| {v:.4f} \|$", card.text, re.M) for v in want.values()))
    code(card)
    if adapter:
        updated(out, data)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
