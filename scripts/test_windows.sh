#!/bin/sh
# The Windows program on Linux: sh scripts/test_windows.sh [PACKAGE...]
#
# Builds luthier.exe with MinGW's C compiler. In Wine, whose Vulkan goes to this machine's, it runs doctor, and a short training run with its
# resumption, whose bytes are compared with the Linux program's; then the tests of PACKAGE (default: those that read and write files, and
# train). Needs x86_64-w64-mingw32-gcc, wine and Xvfb.
# Wine 8 lacks two things that Go's programs use since Windows 10, which are put in here: ProcessPrng, and a way to delete files.
set -eu
cd "$(dirname "$0")/.."
for tool in x86_64-w64-mingw32-gcc wine Xvfb; do
  command -v $tool >/dev/null || { echo "$tool is missing (Debian: gcc-mingw-w64-x86-64 wine wine64 xvfb)" >&2; exit 4; }
done
out=$PWD/out/windows
mkdir -p "$out"
export WINEPREFIX="$out/prefix" WINEDEBUG=-all DISPLAY=:97 LUTHIER_DEVICE=llvmpipe
Xvfb $DISPLAY -screen 0 320x240x24 >/dev/null 2>&1 &
trap 'kill $!' EXIT
at=$(go env GOROOT)/src/internal/syscall/windows/at_windows.go
sed 's/case STATUS_INVALID_INFO_CLASS,/case NTStatus(0xC0000002), STATUS_INVALID_INFO_CLASS,/' "$at" >"$out/at_windows.go"
printf '{"Replace": {"%s": "%s"}}' "$at" "$out/at_windows.go" >"$out/overlay.json"
windows() { CC=x86_64-w64-mingw32-gcc GOOS=windows GOARCH=amd64 CGO_ENABLED=1 go "$@"; }
windows build -overlay "$out/overlay.json" -o "$out/luthier.exe" ./cmd/luthier
wine wineboot -i >/dev/null 2>&1
cat >"$out/prng.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) { return SystemFunction036(p, (ULONG)n); }
C
x86_64-w64-mingw32-gcc -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$out/prng.c" -ladvapi32

wine "$out/luthier.exe" doctor --device llvmpipe >"$out/doctor.log" || { cat "$out/doctor.log"; exit 1; }
tail -1 "$out/doctor.log"
rm -rf "$out/run" "$out/straight"
train() {
  wine "$out/luthier.exe" train --device llvmpipe --model internal/nano/model --data "$out/rows.tsv" --task classify --save-steps 3 --log-steps 3 "$@" >"$out/train.log" || { cat "$out/train.log"; exit 1; }
  grep -E '^(step|done)' "$out/train.log"
}
same() { # FILE FILE WHAT
  cmp "$1" "$2" || { echo "$3: other bytes"; exit 1; }
  echo "$3: the same bytes"
}
awk 'BEGIN { print "text\tlabel"; for (i = 0; i < 64; i++) print (i % 2 ? "good" : "bad") " wood " i "\t" i % 2 }' >"$out/rows.tsv"
train --max-steps 6 --out "$out/straight"
train --max-steps 6 --out "$out/run" --save-total-limit 0
rm -rf "$out/run/checkpoint-6"
train --max-steps 6 --out "$out/run" --resume
same "$out/run/adapter_model.safetensors" "$out/straight/adapter_model.safetensors" resumed
go build -o "$out/luthier" ./cmd/luthier
"$out/luthier" train --device llvmpipe --model internal/nano/model --data "$out/rows.tsv" --task classify --max-steps 6 --out "$out/linux" --overwrite >/dev/null
same "$out/linux/adapter_model.safetensors" "$out/straight/adapter_model.safetensors" "Linux and Windows"
[ $# -gt 0 ] || set -- internal/atomicfile model/safetensors model/torchzip data peft train
for p; do
  windows test -overlay "$out/overlay.json" -c -o "$out/test.exe" "./$p"
  (cd "$p" && wine "$out/test.exe" -test.short) >"$out/test.log" 2>&1 || { cat "$out/test.log"; exit 1; }
  echo "$p: $(tail -1 "$out/test.log")"
done
