#!/usr/bin/env bash
# Fuzzes every reader of what strangers send (tests/fuzz/README.md), one after the other, and says what it found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

corpus="${OPALINE_FUZZ_CORPUS:-${XDG_CACHE_HOME:-$HOME/.cache}/opaline/fuzz}"
seconds=60

usage() {
  cat <<END
Usage: bash tools/fuzz.sh [--seconds N] [--corpus FOLDER] [NAME...]
Installs what is missing, builds the fuzzers (clang's libFuzzer, address and undefined-behaviour sanitizers) and runs
each of them, or those named, for N seconds ($seconds).

  --seconds N      for each; a night is 3600 or more
  --corpus FOLDER  inputs that reach new code are kept here and built upon the next time, with logs and findings
                   ($corpus)
  --list           the names, once they are built

Ends with 1 if anything was found: the input is in FOLDER/findings. Fix it, and copy it to tests/fuzz/regressions/NAME.
END
}

names=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) seconds="${2:?--seconds needs a number}"; shift ;;
    --corpus) corpus="${2:?--corpus needs a folder}"; shift ;;
    --list) exec build/fuzz/tests/fuzz/opaline_fuzz --list ;;
    -h | --help) usage; exit 0 ;;
    -*) echo "fuzz.sh: unknown option $1 (--help)" >&2; exit 2 ;;
    *) names+=("$1") ;;
  esac
  shift
done
case "$seconds" in '' | *[!0-9]* | 0) echo "fuzz.sh: --seconds needs a whole number above 0" >&2; exit 2 ;; esac

bash tools/setup/packages.sh build sanitizers
runtime="$(clang++-14 -print-runtime-dir)/libclang_rt.fuzzer-$(uname -m).a"
if [ ! -e "$runtime" ]; then
  echo "fuzz.sh: clang 14 has no libFuzzer here ($runtime); install the package libclang-rt-14-dev" >&2
  exit 1
fi
cmake --preset fuzz --log-level=WARNING >/dev/null
cmake --build --preset fuzz
fuzzer=build/fuzz/tests/fuzz/opaline_fuzz

mapfile -t all < <("$fuzzer" --list)
[ ${#names[@]} -gt 0 ] || names=("${all[@]}")
for name in "${names[@]}"; do
  case " ${all[*]} " in *" $name "*) ;; *) echo "fuzz.sh: no fuzzer $name; there are: ${all[*]}" >&2; exit 2 ;; esac
done

mkdir -p "$corpus/findings"
"$fuzzer" --seeds="$corpus/seeds"
failed=()
printf '%-16s %10s %8s %14s %8s\n' fuzzer executions a/second 'code reached' corpus
for name in "${names[@]}"; do
  mkdir -p "$corpus/$name"
  log="$corpus/$name.log"
  inputs=("$corpus/$name" "$corpus/seeds/$name")
  [ ! -d "tests/fuzz/regressions/$name" ] || inputs+=("tests/fuzz/regressions/$name")
  options=(-max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1
           -artifact_prefix="$corpus/findings/$name-")
  [ ! -e "tests/fuzz/dictionaries/$name.dict" ] || options+=(-dict="tests/fuzz/dictionaries/$name.dict")
  verdict=
  "$fuzzer" --target="$name" "${options[@]}" "${inputs[@]}" >"$log" 2>&1 || verdict="FOUND"
  [ -z "$verdict" ] || failed+=("$name")
  awk -v name="$name" -v verdict="$verdict" '
    match($0, /cov: [0-9]+/) { cov = substr($0, RSTART + 5, RLENGTH - 5); if ($2 == "INITED") first = cov }
    match($0, /corp: [0-9]+/) { corpus = substr($0, RSTART + 6, RLENGTH - 6) }
    $1 == "stat::number_of_executed_units:" { runs = $2 }
    $1 == "stat::average_exec_per_sec:" { rate = $2 }
    END { printf "%-16s %10s %8s %14s %8s %s\n", name, runs, rate, first " to " cov, corpus, verdict }' "$log"
done

[ ${#failed[@]} -eq 0 ] && exit 0
for name in "${failed[@]}"; do
  echo
  echo "$name: see $corpus/$name.log"
  grep -hE 'ERROR: |terminate|what\(\)|Test unit written' "$corpus/$name.log" | head -8 || true
  echo "again: $fuzzer --target=$name FILE"
done
exit 1
