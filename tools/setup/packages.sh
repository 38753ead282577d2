#!/usr/bin/env bash
# Installs the Debian packages a step needs, and only those that are missing.
# Usage: bash tools/setup/packages.sh build|test|lint|sanitizers...
set -euo pipefail

build=(g++ cmake ninja-build pkg-config libgmp-dev libboost-dev libprotobuf-dev protobuf-compiler libonnx-dev
       nlohmann-json3-dev libcli11-dev libeigen3-dev zlib1g-dev libssl-dev liblbfgs-dev
       libcsv-dev libpng-dev prometheus-cpp-dev)
test=(catch2 libbenchmark-dev python3 git libonnx-testdata curl openssl valgrind
      clang-14 libclang-rt-14-dev)
lint=(clang-format-14 clang-tidy-14 libomp-14-dev)
sanitizers=(clang-14 libomp-14-dev libclang-rt-14-dev)

wanted=()
for step in "$@"; do
  case "$step" in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    lint) wanted+=("${lint[@]}") ;;
    sanitizers) wanted+=("${sanitizers[@]}") ;;
    *) echo "packages.sh: unknown step '$step' (build, test, lint or sanitizers)" >&2; exit 2 ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "packages.sh: run as root, or install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
