#!/bin/sh
# Kills a run with SIGKILL at random moments, each time resumes it, and holds the result against a run that was never killed, byte by byte.
# The run trains the bundled model on the adapter, with dropout, and saves a checkpoint at every step.
#
#   sh scripts/kill.sh [KILLS [SEED [ARGUMENTS OF luthier train ...]]]
#
# KILLS is 100 and SEED 1 if not given; KILL_OUT is the directory that it works in (default: out/kill). It ends with 1 at the first
# difference and leaves the directory as it was then.
set -eu
cd "$(dirname "$0")/.."
kills=${1:-100} seed=${2:-1}
if [ $# -ge 2 ]; then shift 2; else shift $#; fi
bin=${LUTHIER:-bin/luthier}
out=${KILL_OUT:-out/kill}
steps=12
rm -rf "$out" && mkdir -p "$out"

train() { # DIRECTORY MORE...
  dir=$1
  shift
  exec "$bin" train --model internal/nano/model --data internal/nano/data/train.tsv --task classify --target-modules all-linear \
    --lora-dropout 0.1 --lr 3e-3 --batch-size 4 --max-steps $steps --log-steps 1 --save-steps 1 --save-total-limit 3 --out "$dir" "$@"
}
now() { date +%s.%N; }
# What must be the same: the adapter, its settings, the state of the optimizer, and what the metrics say of each step but the times.
sums() {
  (cd "$1" && cksum adapter_model.safetensors adapter_config.json luthier.json checkpoint-$steps/trainable.safetensors checkpoint-$steps/optimizer.safetensors)
  sed -n 's/.*"loss":\([^,}]*\).*"step":\([0-9]*\).*/\2 \1/p; s/.*"step":\([0-9]*\).*"loss":\([^,}]*\).*/\1 \2/p' "$1/metrics.jsonl"
}

began=$(now)
(train "$out/straight" "$@") > "$out/straight.log" 2>&1
took=$(echo "$began $(now)" | awk '{ print $2 - $1 }')
sums "$out/straight" > "$out/straight.sums"
[ "$(wc -l < "$out/straight.sums")" -ge $((5 + steps)) ] || { echo "the metrics of $out/straight lack steps"; exit 1; }
echo "a run of $steps steps takes $took s; killing it $kills times (seed $seed)"

killed=0 draws=0 ended=0 early=0 writing=0
while [ $killed -lt "$kills" ]; do
  draws=$((draws + 1))
  wait_s=$(awk -v s="$seed" -v n=$draws -v t="$took" 'BEGIN { srand(s * 100003 + n); rand(); printf "%.3f", rand() * t }')
  rm -rf "$out/killed"
  (train "$out/killed" "$@") > "$out/killed.log" 2>&1 &
  pid=$!
  sleep "$wait_s"
  if ! kill -9 $pid 2> /dev/null; then # the machine is faster than it was
    wait $pid
    ended=$((ended + 1))
    sums "$out/killed" | cmp -s - "$out/straight.sums" || { echo "draw $draws: a run that was not killed differs"; exit 1; }
    continue
  fi
  wait $pid 2> /dev/null || true
  killed=$((killed + 1))
  ls -a "$out/killed" 2> /dev/null | grep -q '^\.\(tmp\|old\)-' && writing=$((writing + 1))
  if ls "$out"/killed/checkpoint-*/manifest.json > /dev/null 2>&1; then
    how=--resume
  else
    how=--overwrite early=$((early + 1))
  fi
  if ! (train "$out/killed" $how "$@") > "$out/resumed.log" 2>&1; then
    echo "draw $draws, killed after $wait_s s: $how failed"
    tail -3 "$out/resumed.log"
    exit 1
  fi
  sums "$out/killed" > "$out/killed.sums"
  cmp -s "$out/killed.sums" "$out/straight.sums" || { echo "draw $draws, killed after $wait_s s: the result differs"; diff "$out/killed.sums" "$out/straight.sums"; exit 1; }
  [ $((killed % 10)) -ne 0 ] || echo "$killed killed and resumed"
  ls -a "$out/killed" | grep -q '^\.\(tmp\|old\|lock\)' && { echo "draw $draws: something is left in $out/killed"; exit 1; }
done
echo "$began $(now) $killed $early $writing $ended" | awk '{ printf "%d kills in %.0f s: %d before the first checkpoint, %d while files were written; %d runs ended first. All %d ended in the bytes of the straight run.\n",
  $3, $2 - $1, $4, $5, $6, $3 }'
