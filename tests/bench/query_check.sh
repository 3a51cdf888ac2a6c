#!/bin/sh
# query_check.sh BUILD - query.sh at a thousandth of its size: every question is answered, every figure is there.
set -u
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-query-check.XXXXXX")
trap 'rm -rf "$dir"' EXIT
fail() {
    echo "query_check: $*" >&2
    cat "$dir/out" "$dir/err" >&2
    exit 1
}
sh "$(dirname "$0")/query.sh" "$1" --scale 0.001 --runs 1 >"$dir/out" 2>"$dir/err" || fail "status $?"
[ ! -s "$dir/err" ] || fail "something on stderr"
[ "$(grep -c '^| [^|]* | [0-9.]* | [0-9.]* | [0-9.]* | [0-9]* |$' "$dir/out")" -eq 17 ] || fail "not 17 questions"
[ "$(grep -c '^| [^|]* | \(under \)\{0,1\}[0-9.]* | [0-9.]* |$' "$dir/out")" -eq 14 ] || fail "not 14 figures"
grep -q '^Databases: 1000 sessions' "$dir/out" || fail "not a thousand sessions"
