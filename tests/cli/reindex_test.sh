#!/bin/sh
# reindex: on a fresh database nothing changes, row for row; with a new framing the messages are those of an ingest with it; a failure changes
# nothing.
set -eu
build=$1
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
query=$build/tcpledger-query
dump() { sqlite3 "$1" "SELECT * FROM message ORDER BY message_id; SELECT session_id, protocol FROM session"; }
same() {
    dump "$1" >"$tmp/before"
    "$query" "$1" reindex 2>"$tmp/why" || { echo "$2: $(cat "$tmp/why")"; exit 1; }
    dump "$1" >"$tmp/after"
    cmp -s "$tmp/before" "$tmp/after" || { echo "$2: reindex changed:"; diff "$tmp/before" "$tmp/after" | head -5; exit 1; }
    [ -z "$("$query" "$1" verify)" ] || { echo "$2: verify"; exit 1; }
}

# Lossy traffic, of many sessions and of few with long answers, of which more has to wait for a lost request than a framer holds; every
# fixture.  (model/reframe_test frames the sessions of all shared captures again.)
n=0
for how in "--sessions 30 --open 20 --messages 20 --object 20000 --loss 1" "--sessions 8 --open 1 --messages 6 --object 200000 --loss 5"; do
    # shellcheck disable=SC2086
    "$build/tests/bench/bench-gen" $how --reorder 1 --retransmit 1 --seed 4 -o "$tmp/lossy" 2>/dev/null
    rm -f "$tmp/db"
    "$build/tcpledger-ingest" -q "$tmp/lossy" -o "$tmp/db"
    same "$tmp/db" "$how"
done
for file in fixtures/*.pcap*; do
    rm -f "$tmp/db"
    "$build/tcpledger-ingest" -q "$file" -o "$tmp/db" 2>/dev/null || [ -f "$tmp/db" ]
    same "$tmp/db" "$file"
    n=$((n + 1))
done
[ $n -ge 6 ]

# A framing that the ingest did not know.
"$build/tests/bench/bench-gen" --sessions 10 --messages 6 --object 3000 --protocol framed --seed 4 -o "$tmp/framed" 2>/dev/null
"$build/tcpledger-ingest" -q "$tmp/framed" -o "$tmp/unknown.db"
"$build/tcpledger-ingest" -q --framings tests/bench/framed.ini "$tmp/framed" -o "$tmp/known.db"
dump "$tmp/unknown.db" >"$tmp/unknown"
dump "$tmp/known.db" >"$tmp/known"
if cmp -s "$tmp/unknown" "$tmp/known"; then exit 1; fi
"$query" "$tmp/unknown.db" reindex 3 --framings tests/bench/framed.ini 2>/dev/null
[ "$(sqlite3 "$tmp/unknown.db" "SELECT group_concat(DISTINCT session_id) FROM message WHERE protocol = 'framed'")" = 3 ]
"$query" "$tmp/unknown.db" reindex --framings tests/bench/framed.ini 2>/dev/null
dump "$tmp/unknown.db" | cmp - "$tmp/known"

# What goes wrong leaves the messages.
for words in "reindex --framings fixtures/README.md" "reindex 99" "reindex --detector fixtures/http-one.pcap" "reindex x"; do
    # shellcheck disable=SC2086
    if "$query" "$tmp/known.db" $words 2>"$tmp/why"; then echo "accepted: $words"; exit 1; fi
    [ "$(wc -l <"$tmp/why")" = 1 ]
done
# Sessions that are out of order in the table: their ids went 1, 2, ..., 1, and reindex went round for ever.
cp "$tmp/known.db" "$tmp/round.db"
python3 tests/cli/circle.py "$tmp/round.db" session
if timeout 20 "$query" "$tmp/round.db" reindex 2>"$tmp/why"; then echo "sessions out of order were framed"; exit 1; fi
grep -q 'damaged: session 1 comes after' "$tmp/why"

sqlite3 "$tmp/known.db" "UPDATE chunk SET raw_size = raw_size + 1 WHERE chunk_id = (SELECT max(chunk_id) FROM chunk)" 2>/dev/null
if "$query" "$tmp/known.db" reindex 2>"$tmp/why"; then echo "a damaged chunk was framed"; exit 1; fi
grep -q 'damaged' "$tmp/why"
dump "$tmp/known.db" | cmp - "$tmp/known"

# One transaction: killed at the first byte that it writes behind a limit, at least once half way through its commit, it has done nothing.
"$build/tests/bench/bench-gen" --sessions 100 --messages 20 --object 3000 --protocol framed --seed 4 -o "$tmp/framed" 2>/dev/null
"$build/tcpledger-ingest" -q "$tmp/framed" -o "$tmp/whole.db"
dump "$tmp/whole.db" >"$tmp/before"
half=0
for limit in 400 1500 3000 6000; do
    cp "$tmp/whole.db" "$tmp/killed.db"
    # shellcheck disable=SC3045
    if { (ulimit -c 0 && ulimit -f $limit && exec "$query" "$tmp/killed.db" reindex --framings tests/bench/framed.ini); } 2>/dev/null; then
        continue
    fi
    cmp -s "$tmp/whole.db" "$tmp/killed.db" || half=$((half + 1))
    dump "$tmp/killed.db" | cmp - "$tmp/before"
    [ -z "$("$query" "$tmp/killed.db" verify)" ]
    rm -f "$tmp"/killed.db*
done
[ $half -gt 0 ]
