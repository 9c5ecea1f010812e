#!/bin/sh
# What a run leaves for other programs, read by those programs: TensorBoard's reader and Hugging Face's and PEFT's checks of a model card.
# A run on the bundled model is killed on its way and resumed, so that its event files are two; then come a run on all weights and a language
# model. Wants the packages of scripts/requirements.txt and tensorboard; PYTHON names the interpreter. Writes out/check.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
model=internal/nano/model
data=internal/nano/data
out=out/check
rm -rf $out && mkdir -p $out

run="--model $model --data $data/train.tsv --eval-data $data/test.tsv --task classify --lr 3e-3 --batch-size 16 --eval-batch-size 40
  --target-modules all-linear --epochs 3 --log-steps 2 --save-steps 8 --save-strategy steps --report-to tensorboard --out $out/lora"
touch $out/first.log
bin/luthier train $run > $out/first.log 2>&1 &
pid=$!
until grep -q "^step 20/" $out/first.log; do
  kill -0 $pid 2>/dev/null || { cat $out/first.log; exit 1; }
  sleep 0.1
done
kill -9 $pid
wait $pid 2>/dev/null || true
echo "killed behind step 20, resumed:"
bin/luthier train $run --resume | grep "^steps:"
"$python" scripts/check_tensorboard.py $out/lora
"$python" scripts/check_card.py $out/lora

echo "all weights:"
bin/luthier train --model $model --data $data/train.tsv --eval-data $data/test.tsv --task classify --method full --batch-size 16 --eval-batch-size 40 \
  --max-steps 4 --eval-steps 2 --load-best --metric accuracy --report-to tensorboard --out $out/full > $out/full.log
"$python" scripts/check_tensorboard.py $out/full
"$python" scripts/check_card.py $out/full

echo "a language model:"
cut -f1 $data/train.tsv > $out/text.txt
bin/luthier train --model $model --data $out/text.txt --eval-data $out/text.txt --task clm --max-length 64 --max-steps 4 --eval-steps 4 \
  --report-to tensorboard --out $out/text > $out/text.log
"$python" scripts/check_tensorboard.py $out/text
"$python" scripts/check_card.py $out/text
