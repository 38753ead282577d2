#!/usr/bin/env bash
# Runs the benchmarks and writes what they say into bench/README.md (between its results marks) and
# bench/results.svg: ratios to the gmp rows of the same run first.
# Usage: bash bench/report.sh [--min-time SECONDS] [--filter REGEX] [--build FOLDER] [--from FOLDER]
#   --min-time  seconds a benchmark runs at least (0.5)
#   --filter    only benchmarks whose name matches; the report then has no others
#   --build     a folder with the built programs, instead of building the release preset
#   --from      a folder with bigint.json, paillier.json and inference.json of an earlier run, instead of running
# Products, powers and single operations run on one thread, whole classifications on all cores. Nothing else
# should run meanwhile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

min_time=0.5
filter=.
build=
from=
while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    --min-time | --filter | --build | --from)
      [ $# -ge 2 ] || { echo "report.sh: $1 needs a value" >&2; exit 2; }
      case "$1" in
        --min-time) min_time=$2 ;;
        --filter) filter=$2 ;;
        --build) build=$2 ;;
        --from) from=$2 ;;
      esac
      shift 2 ;;
    *) echo "report.sh: unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
done

if [ -z "$from" ]; then
  if [ -z "$build" ]; then
    bash tools/setup/packages.sh build test
    cmake --preset release >/dev/null
    cmake --build --preset release --target bigint_bench paillier_bench inference_bench
    build=build/release
  fi
  from=$(mktemp -d)
  trap 'rm -rf "$from"' EXIT
  for layer in bigint paillier inference; do
    echo "running ${layer}_bench" >&2
    threads=1
    [ "$layer" = inference ] && threads=$(nproc)
    OMP_NUM_THREADS=$threads "$build/bench/${layer}_bench" --benchmark_filter="$filter" \
      --benchmark_min_time="$min_time" --benchmark_out="$from/$layer.json" --benchmark_out_format=json >&2
  done
fi
python3 bench/report.py "$from" bench
