#!/usr/bin/env bash
# Downloads the MNIST database and verifies it.
set -euo pipefail

mirrors=(https://ossci-datasets.s3.amazonaws.com/mnist/ https://storage.googleapis.com/cvdf-datasets/mnist/)
attempts=3

# SHA-256 of the four files as Y. LeCun, C. Cortes and C. J. C. Burges published them.
checksums="\
440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609  train-images-idx3-ubyte.gz
3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c  train-labels-idx1-ubyte.gz
8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6  t10k-images-idx3-ubyte.gz
f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6  t10k-labels-idx1-ubyte.gz"

usage() {
  cat <<END
Usage: bash tools/fetch-mnist.sh [--mirror URL]... [FOLDER]

Downloads the four files of the MNIST database (about 11.6 MB) to FOLDER, by default ./mnist, and
verifies their SHA-256. A file that is there and intact is not downloaded again.

  --mirror URL   a folder that holds the files, instead of the public mirrors; may be repeated
  --help         this text
END
}

usage_error() {
  echo "fetch-mnist.sh: $1 (see --help)" >&2
  exit 2
}

folder=
own_mirrors=()
while [ $# -gt 0 ]; do
  case "$1" in
    --help) usage; exit 0 ;;
    --mirror) [ $# -ge 2 ] || usage_error "--mirror needs a URL"; own_mirrors+=("$2"); shift ;;
    --mirror=*) own_mirrors+=("${1#--mirror=}") ;;
    -*) usage_error "unknown option '$1'" ;;
    *) [ -z "$folder" ] || usage_error "more than one folder"; folder=$1 ;;
  esac
  shift
done
folder=${folder:-mnist}
[ ${#own_mirrors[@]} -eq 0 ] || mirrors=("${own_mirrors[@]}")

download() {  # URL FILE
  if command -v curl >/dev/null; then
    curl --fail --location --silent --show-error --connect-timeout 20 --max-time 600 --output "$2" "$1"
  elif command -v wget >/dev/null; then
    wget --quiet --tries=1 --timeout=60 --output-document="$2" "$1"
  else
    echo "fetch-mnist.sh: install curl or wget" >&2
    exit 1
  fi
}

is_intact() {  # FILE SHA256
  [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status
}

fetch() {  # NAME SHA256
  local mirror attempt
  if is_intact "$folder/$1" "$2"; then
    echo "$folder/$1: already there"
    return
  fi
  for attempt in $(seq "$attempts"); do
    [ "$attempt" -eq 1 ] || sleep "$attempt"
    for mirror in "${mirrors[@]}"; do
      download "${mirror%/}/$1" "$partial" || continue
      if is_intact "$partial" "$2"; then
        mv "$partial" "$folder/$1"
        echo "$folder/$1: downloaded and verified"
        return
      fi
      echo "fetch-mnist.sh: ${mirror%/}/$1 does not have the published SHA-256" >&2
    done
  done
  echo "fetch-mnist.sh: no mirror gave an intact $1; try again later or name another with --mirror" >&2
  exit 1
}

mkdir -p "$folder"
working=$(mktemp -d "$folder/.fetch-mnist-XXXXXX")
partial=$working/partial
trap 'rm -rf "$working"' EXIT

while read -r sum name; do
  fetch "$name" "$sum"
done <<<"$checksums"
