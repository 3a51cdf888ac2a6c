#!/bin/sh
# ingest_progress_test.sh BUILD - the progress line: on a terminal, erased before anything else is said, and nowhere else.
set -u
build=${1:?usage: ingest_progress_test.sh BUILD_FOLDER}
command -v python3 >/dev/null || { echo "python3 is missing: skipped"; exit 77; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/progress.XXXXXX")
trap 'rm -rf "$dir"' EXIT
here=$(dirname "$0")
failed=0
fail() { echo "FAILED: $1"; failed=1; }

python3 "$here/progress_pty.py" "$build/tests/bench/bench-adversary" "$build/tcpledger-ingest" "$dir/a.db" >"$dir/seen" || fail "the terminal run"
grep -q '^<RETURN>[0-9]* MB   [0-9]* MB/s   1 session   0 gaps' "$dir/seen" || fail "no progress line: $(cat "$dir/seen")"
grep -q '<RETURN><ERASE>.*a.db: [0-9]* frames' "$dir/seen" || grep -q '<RETURN><ERASE>tcpledger-ingest: ' "$dir/seen" ||
    fail "the line is not erased before the next one: $(cat "$dir/seen")"

"$build/tests/bench/bench-adversary" --kind dribble --n 300000 -o "$dir/b.pcap"
"$build/tcpledger-ingest" "$dir/b.pcap" -o "$dir/b.db" 2>"$dir/plain" || fail "the plain run"
grep -q 'MB/s' "$dir/plain" && fail "progress in a file"
[ "$(wc -l <"$dir/plain")" = 1 ] || fail "more than the summary: $(cat "$dir/plain")"
exit $failed
