#!/bin/sh
# Trains the bundled model without a single gradient: MeZO on LoRA with a prompt, in the memory of inference; then replays the run from its
# log to the same bytes. `make demo-mezo` calls it.
set -eu
cd "$(dirname "$0")/.."
out=${OUT:-out/demo-mezo}
model=internal/nano/model
data=internal/nano/data
prompt='{text} The {mask}'
words=concert=concert,inn=inn,instrument=instrument,meal=meal,voyage=voyage
rm -rf "$out"
mkdir -p "$out"
step() { if [ -t 1 ]; then printf "\n\033[1m%s\033[0m\n" "$*"; else printf "\n%s\n" "$*"; fi; }
accuracy() { sed -n 's/.*"accuracy":\([0-9.]*\).*/\1/p'; }

step "1. Before: the bundled model, asked with a prompt: SENTENCE The ... concert, inn, instrument, meal or voyage? 400 test sentences"
before=$(bin/luthier eval --model $model --data $data/test.tsv --task classify --template "$prompt" --verbalizer $words --batch-size 40 --json | accuracy)
echo "accuracy $before"

step "2. MeZO on 250 sentences: forward passes only, no gradient, no optimizer state"
bin/luthier train --model $model --data $data/train.tsv --eval-data $data/test.tsv --task classify --template "$prompt" --verbalizer $words \
  --method lora --target-modules all-linear --optim mezo --lr 1e-3 --eps 1e-2 --batch-size 16 --max-steps 300 --seed 1 \
  --eval-strategy steps --eval-steps 100 --eval-batch-size 40 --log-steps 20 --save-strategy no --hash-steps 50 --out "$out/adapter"

step "3. After"
after=$(bin/luthier eval --adapter "$out/adapter" --data $data/test.tsv --batch-size 40 --json | accuracy)
echo "accuracy $before before, $after after"

step "4. Memory of a step, beside training with gradients"
for how in "--method lora --target-modules all-linear --optim mezo" "--method full --optim mezo" "--method full --optim adamw"; do
  printf "%-52s " "$how"
  bin/luthier plan --model $model --data $data/train.tsv --task classify $how --batch-size 16 --json | sed -n 's/.*"total_bytes":\([0-9]*\).*/\1 bytes/p'
done

step "5. The run again from its log alone, on the host"
ls -l "$out/adapter/replay.log" | awk '{ print "replay.log: " $5 " bytes, 32 a step" }'
bin/luthier replay --model $model --log "$out/adapter/replay.log" --out "$out/replayed"
cmp "$out/adapter/adapter_model.safetensors" "$out/replayed/adapter_model.safetensors"
echo "adapter_model.safetensors: the same bytes"

step "Next, with your own model and data"
cat <<'END'
  bin/luthier plan   --model MODEL --data train.jsonl --task classify --method full --optim mezo
  bin/luthier train  --model MODEL --data train.jsonl --task classify --template '{text} It was' --verbalizer ' bad, good' --method lora --optim mezo --out out/mine
  bin/luthier replay --model MODEL --log out/mine/replay.log --out out/again
END
