#!/bin/sh
# What is found in real captures (fixtures, and ../shared/captures where they are there), message by message:
# tests/golden/messages/PROTOCOL-of-CAPTURE.txt holds the first messages of each.
# UPDATE_GOLDEN=1 writes them anew: read the difference before it is committed.
set -eu
build=$1
captures=../shared/captures
golden=tests/golden/messages
[ -d "$captures" ] || echo "../shared/captures is not there: only fixtures are looked at"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0
columns="session_id, number, sender, protocol, kind, summary, stream_offset, length, missing, complete, sync, pairing, answers"

for want in "$golden"/*.txt; do
    name=$(basename "$want" .txt)
    capture=$(echo "fixtures/${name#*-of-}".pcap*)
    if [ ! -f "$capture" ]; then
        [ -d "$captures" ] || continue
        capture=$(echo "$captures/${name#*-of-}".pcap*)
    fi
    if [ ! -f "$capture" ]; then
        echo "$name: no such capture"
        bad=1
        continue
    fi
    rm -f "$tmp/x.db"
    "$build/tcpledger-ingest" --quiet "$capture" -o "$tmp/x.db"
    "$build/tcpledger-query" "$tmp/x.db" sql "SELECT $columns FROM messages ORDER BY session_id, number LIMIT 60" --format csv >"$tmp/got"
    if [ -n "${UPDATE_GOLDEN:-}" ]; then
        cp "$tmp/got" "$want"
    elif ! diff -u "$want" "$tmp/got" >"$tmp/diff"; then
        echo "$name:"
        head -40 "$tmp/diff"
        bad=1
    fi
done
exit $bad
