#!/bin/sh
# damaged.sh BUILD [COPIES [FIRST [LINE]]]: COPIES (10,000) damaged copies of two databases, half each, through every command of
# tcpledger-query: no signal, no sanitizer report, no leak, no status above 2, no failure without a reason, no run of more than 5 s of
# processor time, no write (damaged.c).  BUILD: build/dev, for the sanitizers.  A copy is its number, whenever and wherever it is made:
# FIRST (0) is where to begin, and with LINE (of bench-damaged --list) that command alone is run, as a failure says it.
# One at a time, about 0.5 s a copy on a calm core; the copies lie in memory where there is such a folder.
set -eu
build=$1
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ cat schema/0*.sql schema/views.sql tests/support/sample.sql; echo "PRAGMA user_version = $(ls schema/0*.sql | wc -l);"; } | sqlite3 "$work/sample.db"
"$build/tcpledger-ingest" -q fixtures/http-lossy.pcap -o "$work/page.db"
# The same bytes whenever it is made.
sqlite3 "$work/page.db" "UPDATE ingest SET started_ns = 1700000000000000000, finished_ns = 1700000000100000000"
"$build/tests/bench/bench-damaged" "${2:-10000}" "${3:-0}" "${4:-0}" "$work/sample.db" "$work/page.db"
