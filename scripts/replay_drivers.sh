#!/bin/sh
# A run without gradients on one driver, replayed on another, must end in the same bytes. The first is the default adapter; the second the
# Vulkan driver whose ICD file is the argument, or SwiftShader where Debian's chromium package has brought it.
set -eu
cd "$(dirname "$0")/.."
icd=${1:-/usr/lib/chromium/vk_swiftshader_icd.json}
out=${OUT:-out/drivers}
[ -f "$icd" ] || { echo "no second driver: $icd is not there (apt-get install chromium brings SwiftShader)" >&2; exit 1; }
common="--model internal/nano/model --data internal/nano/data/train.tsv --task classify --batch-size 16 --save-strategy no --hash-steps 10 --max-steps 30"
n=0
while read -r how; do
  n=$((n + 1))
  rm -rf "$out/a$n" "$out/b$n"
  mkdir -p "$out/b$n"
  # shellcheck disable=SC2086 # the flags are words
  bin/luthier train $common $how --out "$out/a$n" >"$out/a$n.log" 2>&1
  cp "$out/a$n/replay.log" "$out/b$n/"
  # With the log and no checkpoint, --resume repeats every update on the device, checks each hash on the way, and has no step left to take.
  # shellcheck disable=SC2086
  VK_ICD_FILENAMES=$icd VK_DRIVER_FILES=$icd bin/luthier train $common $how --out "$out/b$n" --resume >"$out/b$n.log" 2>&1
  for f in adapter_model.safetensors model.safetensors; do
    if [ -f "$out/a$n/$f" ]; then cmp "$out/a$n/$f" "$out/b$n/$f"; fi
  done
  echo "$how: the same bytes on $(sed -n 's/^adapter: *//p' "$out/a$n.log") and $(sed -n 's/^adapter: *//p' "$out/b$n.log")"
done <<'END'
--method lora --optim mezo --lr 3e-4 --eps 1e-2
--method full --optim mezo --lr 1e-5
--method full --optim mezo --lr 1e-5 --noise gaussian
--method lora --optim mezo-momentum --lr 1e-4 --eps 1e-2
--method lora --optim mezo-adam --lr 1e-4 --eps 1e-2
--method lora --optim lozo --lr 3e-4 --eps 1e-2
--method lora --optim sparse-mezo --lr 1e-4 --eps 1e-2
END
