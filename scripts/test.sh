#!/bin/sh
# Installs what is missing, builds with sanitizers and warnings as errors, and runs all tests.
# Arguments go to ctest: sh scripts/test.sh -L unit
set -eu
cd "$(dirname "$0")/.."
sh scripts/deps.sh
cmake --preset dev >/dev/null
cmake --build --preset dev
exec ctest --preset dev -j "$(nproc)" "$@"
