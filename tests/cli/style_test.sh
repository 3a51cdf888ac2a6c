#!/bin/sh
# Every C file is formatted as .clang-format says, and no comment is left as it breaks one that is too wide.
set -eu
cd "$(dirname "$0")/../.."
if grep -rnE '^ ?\*[^*/ ]' --include='*.[ch]' src tests examples; then exit 1; fi
command -v clang-format >/dev/null 2>&1 || { echo "clang-format is not installed"; exit 77; }
case $(clang-format --version) in *"version 14."*) ;; *) echo "the style is clang-format 14's; this one is another"; exit 77 ;; esac
find src tests examples -name '*.[ch]' 2>/dev/null | xargs clang-format --dry-run -Werror
