#!/usr/bin/env bash
# Runs a program of these tests under valgrind's memcheck: exit 0 if nothing is reported, or, for a case that
# leaks on purpose (leak_...), if something is. 77, which is skipped, without valgrind.
set -uo pipefail
program="$1"
name="$2"

command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
valgrind --quiet --error-exitcode=9 --track-origins=no --num-callers=20 "$program" "$name"
code=$?
case "$name" in
  leak_*) [ "$code" -eq 9 ] || { echo "a leak was not found"; exit 1; } ;;
  *) exit "$code" ;;
esac
