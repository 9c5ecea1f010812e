#!/bin/sh
# Compares the optimizers without gradients on the bundled model's task, each with about the same number of forward passes (FORWARDS, 600
# unless told) and each learning rate of its list; the best by training loss stands in the table, which goes to standard output.
# LoRA on every linear layer, a prompt, batches of 16, one seed (SEED).
set -eu
cd "$(dirname "$0")/.."
out=${OUT:-out/variants}
forwards=${FORWARDS:-600}
model=internal/nano/model
data=internal/nano/data
words=concert=concert,inn=inn,instrument=instrument,meal=meal,voyage=voyage
mkdir -p "$out"
field() { sed -n "s/.*\"$1\":\\([-0-9.e]*\\).*/\\1/p"; }

run() { # label, forwards a step, learning rate, flags
  label=$1 per=$2 lr=$3
  shift 3
  dir=$out/$(echo "$label-$lr" | tr -c 'a-z0-9.\n-' _)
  bin/luthier train --model $model --data $data/train.tsv --task classify --template '{text} The {mask}' --verbalizer $words --method lora \
    --target-modules all-linear --batch-size 16 --eps 1e-2 --lr "$lr" --max-steps $((forwards / per)) --seed "${SEED:-1}" --save-strategy no \
    --log-steps 1000 --out "$dir" --overwrite "$@" >"$dir.log" 2>&1
  train=$(bin/luthier eval --adapter "$dir" --data $data/train.tsv --batch-size 50 --json | field loss)
  test=$(bin/luthier eval --adapter "$dir" --data $data/test.tsv --batch-size 50 --json | field accuracy)
  echo "$train | $label | $lr | $((forwards / per)) | $train | $test"
}

best() { # label, forwards a step, learning rates, flags
  label=$1 per=$2 rates=$3
  shift 3
  for lr in $rates; do run "$label" "$per" "$lr" "$@"; done | sort -g | head -1 | cut -d'|' -f2- | sed 's/^/|/; s/$/ |/'
}

echo '| optimizer | best lr | steps | training loss | test accuracy |'
echo '|---|---|---|---|---|'
best "mezo" 2 "3e-4 1e-3 2e-3" --optim mezo
best "mezo, 4 directions" 8 "1e-3 4e-3" --optim mezo --directions 4
best "mezo, one-sided" 2 "3e-4 1e-3" --optim mezo --one-sided
best "mezo, gaussian" 2 "3e-4 1e-3" --optim mezo --noise gaussian
best "mezo-sign" 2 "1e-3 3e-3" --optim mezo-sign
best "mezo-momentum" 2 "1e-4 3e-4" --optim mezo-momentum --zo-window 24
best "mezo-adam" 2 "5e-4 2e-3" --optim mezo-adam --zo-window 24
best "mezo-conservative" 5 "1e-3 3e-3" --optim mezo-conservative
best "fzoo, 8 directions" 9 "3e-3 1e-2" --optim fzoo
best "lozo, rank 2" 2 "5e-4 1e-3" --optim lozo
best "sparse-mezo" 2 "1e-3 2e-3" --optim sparse-mezo
best "hizoo" 3 "1e-3 2e-3" --optim hizoo
best "mezo-svrg, 4 batches" 6 "5e-4 1e-3" --optim mezo-svrg --svrg-batches 4 --svrg-full-lr 1
