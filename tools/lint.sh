#!/usr/bin/env bash
# clang-format and clang-tidy over the tree; fails on the first file that does not pass.
# Usage: bash tools/lint.sh [format|tidy]     (both without an argument)
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-both}

bash tools/setup/packages.sh build test lint
mapfile -t sources < <(git ls-files '*.cpp' '*.h')

if [ "$what" != tidy ]; then
  clang-format-14 --dry-run --Werror "${sources[@]}"
  echo "clang-format: ${#sources[@]} files as they should be"
fi

if [ "$what" != format ]; then
  # Of its own, since clang cannot read GCC's precompiled headers.
  cmake -S . -B build/lint -G Ninja -DCMAKE_BUILD_TYPE=Release -DOPALINE_PRECOMPILED_HEADERS=OFF >/dev/null
  ninja -C build/lint -t targets all | sed -n 's/^\(.*\.pb\.h\):.*/\1/p' | xargs -r ninja -C build/lint >/dev/null
  mapfile -t units < <(printf '%s\n' "${sources[@]}" | grep '\.cpp$')
  printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 4 \
    clang-tidy-14 --quiet -p build/lint --extra-arg=-Wno-unknown-warning-option
  echo "clang-tidy: ${#units[@]} files without a finding"
fi
