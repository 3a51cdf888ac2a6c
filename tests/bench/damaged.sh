#!/bin/sh
# damaged.sh BUILD [COPIES]: COPIES (10,000) damaged copies of two databases, half each, through every command of tcpledger-query: no
# signal, no sanitizer report, no status above 2, no run of more than 5 s, no write.  BUILD: build/dev, for the sanitizers.
# Two at a time; about 25 ms a run on a calm core, so hours for all of it.
set -eu
build=$1
half=$((${2:-10000} / 2))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ cat schema/0*.sql schema/views.sql tests/support/sample.sql; echo "PRAGMA user_version = $(ls schema/0*.sql | wc -l);"; } | sqlite3 "$work/sample.db"
"$build/tcpledger-ingest" -q fixtures/http-lossy.pcap -o "$work/page.db"
"$build/tests/bench/bench-damaged" "$work/sample.db" "$half" >"$work/a" &
one=$!
status=0
"$build/tests/bench/bench-damaged" "$work/page.db" "$half" 1000000 || status=1
wait $one || status=1
cat "$work/a"
exit $status
