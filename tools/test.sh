#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test.
# Usage: [OPALINE_DATA=FOLDER] bash tools/test.sh [OPTIONS OF ctest]
# Tests on data sets are skipped unless OPALINE_DATA names their folder (tools/README.md says what it holds).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash tools/setup/packages.sh build test
cmake --preset release -DOPALINE_PRECOMPILED_HEADERS=ON
cmake --build --preset release
# Every program uses all cores, so threads that wait must not keep one busy.
export OMP_WAIT_POLICY=passive
exec ctest --preset release --parallel "$(nproc)" "$@"
