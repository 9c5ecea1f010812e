#!/bin/sh
# Fuzz every target, one after the other: sh scripts/fuzz.sh [TIME [NAME...]]
#
#   sh scripts/fuzz.sh                 20 s each
#   sh scripts/fuzz.sh 1h              an hour each
#   sh scripts/fuzz.sh 1h FuzzCSV      that target alone
#
# TIME is Go's (90s, 1h), FUZZTIME is its other name; GO is the Go command, FUZZ_PARALLEL the processes (default 2). Go keeps the inputs
# that reach new code in its cache, so a later run goes on from them; an input that fails is written to testdata/fuzz of its package,
# where every test run tries it again. Exit code 1 if a target fails; the others still run.
set -u
cd "$(dirname "$0")/.."
time=${1:-${FUZZTIME:-20s}}
[ $# -gt 0 ] && shift
go=${GO:-go}
failed=""
ran=0
targets=$(grep -rn --include='*_test.go' '^func Fuzz[A-Z]' . | sed 's/^\.\/\(.*\)\/[^/]*:[0-9]*:func \(Fuzz[A-Za-z0-9]*\).*/\1 \2/' | grep -v '^out/' | sort)
wanted() { # NAME among the rest of the arguments, or there are none
  name=$1
  shift
  [ $# -eq 0 ] && return 0
  for w in "$@"; do [ "$w" = "$name" ] && return 0; done
  return 1
}
fuzz() { # DIR NAME; without the limit Go may spend the whole time on making one new input smaller
  out=$($go test "./$1" -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 20x -parallel "${FUZZ_PARALLEL:-2}" 2>&1)
}
late() { # Go's fuzzer, stopped by its clock, now and then takes that for a failure: no input was written then
  case $out in *'Failing input written'*) return 1 ;; *'context deadline exceeded'*) return 0 ;; esac
  return 1
}
while read -r dir name; do
  wanted "$name" "$@" || continue
  ran=$((ran + 1))
  if fuzz "$dir" "$name" || { late && fuzz "$dir" "$name"; }; then
    printf '%-18s %-22s ok    %s\n' "$dir" "$name" "$(printf '%s\n' "$out" | grep '^fuzz: elapsed' | tail -1 | sed 's/^fuzz: //')"
  else
    printf '%-18s %-22s FAILED\n%s\n' "$dir" "$name" "$out"
    failed="$failed $name"
  fi
done <<LIST
$targets
LIST
if [ "$ran" = 0 ]; then
  echo "no target of that name; there are: $(printf '%s\n' "$targets" | sed 's/.* //' | tr '\n' ' ')"
  exit 1
fi
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
