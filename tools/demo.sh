#!/usr/bin/env bash
# Installs what is missing, builds the opaline command and classifies encrypted digits with it.
# Usage: bash tools/demo.sh [OPTIONS OF opaline demo]
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

bash "$root/tools/setup/packages.sh" build
cmake -S "$root" -B "$root/build/demo" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DOPALINE_PRECOMPILED_HEADERS=ON -DOPALINE_BUILD_TESTS=OFF -DOPALINE_BUILD_BENCH=OFF --log-level=WARNING >/dev/null
cmake --build "$root/build/demo" --target opaline_command
exec "$root/build/demo/tools/opaline" demo "$@"
