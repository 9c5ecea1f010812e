#!/bin/sh
# The same results on two Vulkan drivers: every kernel's parity test and whole models against PyTorch on each; short runs whose losses follow
# each other within f32 rounding from driver to driver; and two runs of one command on one driver that end in the same bytes.
#   sh scripts/test_drivers.sh [ICD ...]      default: Mesa's lavapipe, and SwiftShader of Debian's chromium package
# LIMIT is the largest relative difference of a loss between the first driver and each other one (default 1e-4).
set -eu
cd "$(dirname "$0")/.."
out=${OUT:-out/test-drivers}
limit=${LIMIT:-1e-4}
if [ $# -eq 0 ]; then
  for f in /usr/share/vulkan/icd.d/lvp_icd*.json /etc/vulkan/icd.d/lvp_icd*.json; do
    if [ -f "$f" ] && [ $# -eq 0 ]; then set -- "$f"; fi
  done
  set -- "$@" /usr/lib/chromium/vk_swiftshader_icd.json
fi
[ $# -ge 2 ] || { echo "two drivers are wanted, have: $* (apt-get install mesa-vulkan-drivers chromium brings both)" >&2; exit 1; }
for icd in "$@"; do
  [ -f "$icd" ] || { echo "$icd is not there (apt-get install mesa-vulkan-drivers chromium brings lavapipe and SwiftShader)" >&2; exit 1; }
done
rm -rf "$out" && mkdir -p "$out"
common="--model internal/nano/model --data internal/nano/data/train.tsv --task classify --batch-size 16 --max-steps 20 --log-steps 1 --save-strategy no"
failed=0

# on ICD command...: the command with that driver alone.
on() {
  icd=$1
  shift
  env VK_ICD_FILENAMES="$icd" VK_DRIVER_FILES="$icd" REQUIRE_GPU=1 "$@"
}

# the largest relative difference of the losses of two runs, step by step.
difference() {
  sed -n 's/.*"last_loss":\([^,}]*\).*/\1/p' "$1/metrics.jsonl" >"$out/x"
  sed -n 's/.*"last_loss":\([^,}]*\).*/\1/p' "$2/metrics.jsonl" >"$out/y"
  paste "$out/x" "$out/y" | awk 'NF != 2 || $2 == 0 { bad = 1 } { d = $1 / $2 - 1; if (d < 0) d = -d; if (d > m) m = d }
    END { if (bad || NR == 0) { print "nan"; exit } printf "%.2g\n", m }'
}

n=0
for icd in "$@"; do
  n=$((n + 1))
  log=$out/kernels-$n.log
  if on "$icd" ${GO:-go} test -count=1 -timeout 60m -v -run '^(TestParity|TestParityPhilox|TestGoldenDevice|TestGoldenGPUKernels|TestGoldenTraining)$' \
    ./internal/parity ./model ./train >"$log" 2>&1; then
    kernels=$(grep -c '^    --- PASS: TestParity/' "$log")
    echo "$(sed -n 's/.*parity_test.go:[0-9]*: //p' "$log" | head -n 1): $kernels kernels as float64 has them, whole models as PyTorch has them"
  else
    echo "FAILED on $icd: see $log" >&2
    grep -E -- '--- FAIL|differs by' "$log" >&2 || tail -n 5 "$log" >&2
    failed=1
  fi
  while read -r name how; do
    for again in 1 2; do
      # shellcheck disable=SC2086 # the flags are words
      on "$icd" "${LUTHIER:-bin/luthier}" train $common $how --out "$out/$name-$n-$again" >"$out/$name-$n-$again.log" 2>&1
    done
    for f in adapter_model.safetensors model.safetensors; do
      [ -f "$out/$name-$n-1/$f" ] || continue
      if cmp "$out/$name-$n-1/$f" "$out/$name-$n-2/$f"; then
        echo "  $name: two runs, one sha256 $(sha256sum "$out/$name-$n-1/$f" | cut -c 1-16)..."
      else
        failed=1
      fi
    done
    [ $n -gt 1 ] || continue
    d=$(difference "$out/$name-1-1" "$out/$name-$n-1")
    echo "  $name: losses of 20 steps differ by at most $d of themselves from the first driver's"
    awk -v d="$d" -v limit="$limit" 'BEGIN { exit !(d + 0 == d && d <= limit + 0) }' </dev/null || { echo "  beyond $limit" >&2; failed=1; }
  done <<'END'
lora --method lora --target-modules all-linear --lr 3e-3
full --method full --lr 3e-4
END
done
exit $failed
