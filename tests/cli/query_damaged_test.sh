#!/bin/sh
# Damaged databases through every command of the program: whatever it answers, it ends by itself with status 0, 1 or 2, in time, and
# writes nothing (tests/bench/damaged.c; tests/bench/damaged.sh runs ten thousand copies, fault/damaged_test hundreds through the library).
set -u
build=$1
damaged=$build/tests/bench/bench-damaged
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
{ cat schema/0*.sql schema/views.sql tests/support/sample.sql; echo "PRAGMA user_version = $(ls schema/0*.sql | wc -l);"; } | sqlite3 "$work/sample.db" || { echo "no sample"; exit 1; }
"$build/tcpledger-ingest" -q fixtures/http-lossy.pcap -o "$work/page.db" || exit 1

# No command is left out but the one that starts another program, and the one that writes into its database (reindex_test.sh).
"$damaged" --list | cut -d' ' -f1 | sort -u >"$work/tried"
"$build/tcpledger-query" --help | awk '/^  [a-z]/ { print $1 }' | grep -vx -e shell -e reindex | sort -u >"$work/commands"
[ -s "$work/commands" ] || { echo "FAILED: --help lists no commands"; failed=1; }
left=$(comm -13 "$work/tried" "$work/commands")
[ -z "$left" ] || { echo "FAILED: tests/bench/damaged.c does not try: $left"; failed=1; }

"$damaged" "$work/sample.db" 8 || failed=1
"$damaged" "$work/page.db" 8 1000000 || failed=1
exit $failed
