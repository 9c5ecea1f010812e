#!/bin/sh
# The demo: LoRA on the bundled model, from loading to answers. Everything it writes lies in out/demo.
set -eu
cd "$(dirname "$0")/.."
model=internal/nano/model
data=internal/nano/data
out=out/demo
rm -rf "$out" && mkdir -p "$out"

step() { if [ -t 1 ]; then printf "\n\033[1m%s\033[0m\n" "$*"; else printf "\n%s\n" "$*"; fi; }
accuracy() { sed -n 's/.*"accuracy":\([0-9.]*\).*/\1/p'; }

step "1. Before: the bundled model with a fresh head. What is a sentence of a review about? 400 test sentences, five topics"
before=$(bin/luthier eval --model $model --data $data/test.tsv --task classify --batch-size 40 --json | accuracy)
echo "accuracy $before"

step "2. Fine-tuning with LoRA on 250 sentences; half of the things in the test are not among them"
bin/luthier train --model $model --data $data/train.tsv --eval-data $data/test.tsv --task classify --method lora \
  --target-modules all-linear --lora-r 8 --lr 3e-3 --epochs 6 --batch-size 16 --eval-batch-size 40 \
  --warmup-ratio 0.1 --log-steps 10 --out $out/adapter

step "3. After"
after=$(bin/luthier eval --adapter $out/adapter --data $data/test.tsv --batch-size 40 --json | accuracy)
echo "accuracy $before before, $after after"

step "4. Merging: the adapter folded into the weights answers the same"
bin/luthier merge --adapter $out/adapter --dtype f32 --out $out/merged
head -9 $data/test.tsv | tail -8 | cut -f1 > $out/questions.txt
bin/luthier predict --adapter $out/adapter --data $out/questions.txt --json > $out/applied.jsonl
bin/luthier predict --model $out/merged --data $out/questions.txt --json > $out/merged.jsonl
prob() { sed -n 's/.*"probability":\([0-9.eE+-]*\).*/\1/p' "$1"; }
prob $out/applied.jsonl > $out/applied.p
prob $out/merged.jsonl > $out/merged.p
paste $out/applied.p $out/merged.p | awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > m) m = d } END {
  printf "largest difference of a probability, applied against merged: %.1e\n", m; if (m > 1e-4 || NR == 0) exit 1 }'

step "5. Answers"
bin/luthier predict --adapter $out/adapter "The blankets were lovely and the attic was charming." \
  "Rosa said that the captain was dreadful." "The trumpets were superb." "I thought that the roast was second-rate."

step "Now with a model of your own (a directory with config.json, model.safetensors and tokenizer.json):"
cat <<TXT
  bin/luthier plan  --model MODEL --data train.jsonl --method lora
  bin/luthier train --model MODEL --data train.jsonl --method lora --target-modules all-linear --out out/mine
  bin/luthier generate --adapter out/mine --prompt "Once upon a time"
TXT
