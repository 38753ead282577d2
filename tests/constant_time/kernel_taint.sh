#!/usr/bin/env bash
# Compiles the AVX-512 kernels with clang's memory sanitizer and runs kernel_taint.cpp: exit 0 if nothing in them
# depends on secrets in its branches and addresses, and if a leak is found where there is one. 77, which is skipped,
# without clang 14, its runtime, or a processor with AVX-512 IFMA.
# Usage: kernel_taint.sh SOURCE_FOLDER WORK_FOLDER
set -euo pipefail
source="$1"
work="$2"

command -v clang++-14 >/dev/null || { echo "clang++-14 is not installed"; exit 77; }
[ -e "$(clang++-14 -print-runtime-dir)/libclang_rt.msan-$(uname -m).a" ] || { echo "no memory sanitizer"; exit 77; }
grep -q avx512ifma /proc/cpuinfo || { echo "no AVX-512 IFMA here"; exit 77; }

mkdir -p "$work"
flags=(-std=c++20 -O1 -g -fsanitize=memory -fno-omit-frame-pointer -I "$source/lib" -mavx512f -mavx512dq -mavx512vl -mavx512ifma)
kernels="$source/lib/opaline/bigint/kernels"
pids=()
for file in "$kernels/ifma_kernels_eight.cpp" "$kernels/ifma_kernels_four.cpp" "$source/tests/constant_time/kernel_taint.cpp"; do
  clang++-14 "${flags[@]}" -c "$file" -o "$work/$(basename "$file" .cpp).o" &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
clang++-14 -fsanitize=memory "$work"/ifma_kernels_eight.o "$work"/ifma_kernels_four.o "$work"/kernel_taint.o -o "$work/kernel_taint"

"$work/kernel_taint"
if "$work/kernel_taint" leak >"$work/leak.log" 2>&1 || ! grep -q use-of-uninitialized-value "$work/leak.log"; then
  echo "a leak was not found"
  exit 1
fi
