#!/bin/sh
# --scan-aggregate: what was asked for and never answered is a few rows of scan, all else is as without it, and the sums are the same.
set -eu
build=$1
ingest=$build/tcpledger-ingest query=$build/tcpledger-query
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
command -v python3 >/dev/null 2>&1 || { echo "python3 is not installed"; exit 77; }
here=$(pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

fail() { echo "FAILED: $*" >&2; [ ! -f err ] || sed 's/^/    /' err >&2; exit 1; }
run() { "$ingest" "$@" >out 2>err </dev/null || fail "exit $?: $*"; }
says() { grep -q -- "$1" "$2" || fail "does not say '$1': $(cat "$2")"; }
is() { got=$(sqlite3 "$1" "$2"); [ "$got" = "$3" ] || fail "$1: $2: '$got' instead of '$3'"; }
sound() { "$query" "$1" verify >out 2>err && [ ! -s out ] || fail "verify of $1: $(cat out)"; }
dump() { sqlite3 "$1" .dump | grep -v -e '^INSERT INTO ingest ' -e '^INSERT INTO sqlite_stat' -e '^ANALYZE'; }
all="SELECT (SELECT count(*) FROM session) + (SELECT coalesce(sum(sessions), 0) FROM scan),
            (SELECT sum(packets) FROM stream) + (SELECT coalesce(sum(packets), 0) FROM scan),
            (SELECT sum(wire_bytes) FROM stream) + (SELECT coalesce(sum(wire_bytes), 0) FROM scan)"
counts="SELECT group_concat(outcome || ' ' || frames || ' ' || bytes) FROM frame_count"
# All sessions of the second are in the first, row for row; what only the first has was one SYN after the other.
only_syns_differ() {
    is "$2" "ATTACH '$1' AS a; SELECT count(*) FROM (SELECT * FROM session EXCEPT SELECT * FROM a.session)" 0
    is "$2" "ATTACH '$1' AS a; SELECT count(*) FROM (SELECT * FROM stream EXCEPT SELECT * FROM a.stream)" 0
    is "$2" "ATTACH '$1' AS a; SELECT count(*) FROM (SELECT * FROM message EXCEPT SELECT * FROM a.message)" 0
    is "$2" "ATTACH '$1' AS a; SELECT DISTINCT conn_state || history FROM a.session WHERE session_id NOT IN (SELECT session_id FROM session)" S0S
    is "$2" "ATTACH '$1' AS a; SELECT (SELECT count(*) FROM a.session) - (SELECT count(*) FROM session) = (SELECT sum(sessions) FROM scan)" 1
    is "$2" "$all" "$(sqlite3 "$1" "$all")"
    is "$2" "$counts" "$(sqlite3 "$1" "$counts")"
    sound "$2"
}

python3 "$here/tests/cli/scan_pcap.py" a.pcap
python3 "$here/tests/cli/scan_pcap.py" b.pcap again
run a.pcap -o each.db
is each.db "SELECT count(*) FROM scan" 0
run --scan-aggregate a.pcap -o few.db
says ': 726 frames, 5 sessions and 702 unanswered ones in 3 rows of scan, ' err
only_syns_differ each.db few.db
"$query" few.db sql "SELECT * FROM scans" --format csv >scans.txt
[ -z "${UPDATE:-}" ] || cp scans.txt "$here/tests/golden/scans.txt"
diff "$here/tests/golden/scans.txt" scans.txt || fail "other rows of scans"
is few.db "SELECT group_concat(conn_state || ' ' || client_addr, ', ') FROM (SELECT * FROM session ORDER BY client_addr)" \
    "SF 10.0.0.1, REJ 10.0.0.2, S0 10.0.0.3, S1 10.0.0.4, S1 10.0.0.5"
is few.db "SELECT healed, (SELECT packets FROM stream WHERE session_id = session.session_id AND direction = 0) FROM session WHERE client_addr = '10.0.0.4'" "0|1"
is few.db "SELECT count(*) FROM session_state WHERE session_id NOT IN (SELECT session_id FROM session)" 0

# Nobody hides them.
"$query" few.db info >out; says '^summed up  *S0  *702$' out
"$query" few.db report --format csv >out; says '^Connections that are only summed up,702,session,' out
"$query" few.db run half_open --format csv >out; says '^192.0.2.80,443,S0,400,,' out
"$query" few.db run scans --format csv >out; says '^10.0.0.66,301,,,,301,' out

# The key of the hash is another one in each run, and threads and batches decide nothing.
run --scan-aggregate a.pcap -o again.db
[ "$(dump few.db)" = "$(dump again.db)" ] || fail "another key, other rows"
run --scan-aggregate --threads 1 --batch-bytes 4K --commit-bytes 1 a.pcap -o again.db
[ "$(dump few.db)" = "$(dump again.db)" ] || fail "other batches, other rows"

# Limits: what is evicted is summed up, too, and what is forgotten.
for limit in '--max-sessions 8' '--idle 50ms' '--memory 4M --max-sessions 100'; do
    rm -f limited.db summed.db
    run $limit a.pcap -o limited.db
    run --scan-aggregate $limit a.pcap -o summed.db
    only_syns_differ limited.db summed.db
done

# No later run goes on with them, and numbers are not used twice.
cp few.db next.db
run b.pcap -o next.db
sound next.db
is next.db "SELECT group_concat(session_id || ' ' || conn_state, ', ') FROM session WHERE first_capture_id = 2" "708 OTH, 709 S0"
is next.db "SELECT sum(sessions) FROM scan" 702
cp few.db next.db
run --scan-aggregate b.pcap -o next.db
is next.db "SELECT ingest_id, sum(sessions), max(last_session_id) FROM scan GROUP BY 1" "1|702|707
2|1|709"
sound next.db

# A run that was interrupted, before its rows of scan or behind them, and is given again: nothing twice, nothing lost.
for scans in 'DELETE FROM scan' 'SELECT 1'; do
    cp few.db killed.db
    sqlite3 killed.db "$scans; UPDATE ingest SET state = 'interrupted', finished_ns = NULL; DELETE FROM frame_count; DELETE FROM frame_position;
        DELETE FROM session_state; UPDATE capture SET state = 'interrupted', frames = 0, sha256 = NULL, first_ns = NULL, last_ns = NULL" >/dev/null
    sound killed.db
    run --scan-aggregate a.pcap -o killed.db
    says 'begun anew' err
    [ "$(dump few.db)" = "$(dump killed.db)" ] || fail "begun anew, but not the same"
done

# merge carries them over, with other numbers.
run --scan-aggregate b.pcap -o other.db
"$query" few.db merge other.db -o both.db 2>err || fail "merge"
sound both.db
[ "$(sqlite3 both.db 'PRAGMA integrity_check; PRAGMA foreign_key_check')" = ok ] || fail "not sound for SQLite"
is both.db "SELECT ingest_id, grouped_by, sum(sessions), min(first_session_id), max(last_session_id), min(first_capture_id) FROM scan GROUP BY 1, 2 ORDER BY 1, 2" \
    "1|client|301|1|707|1
1|endpoint|401|2|706|1
2|endpoint|1|709|709|2"
is both.db "SELECT max(session_id) FROM session" 708
rm both.db
"$query" other.db merge few.db -o both.db 2>err || fail "merge the other way"
sound both.db
is both.db "SELECT sum(sessions), max(last_session_id) FROM scan" "703|709"

# diff tells what was summed up differently.
"$query" few.db diff again.db >out || fail "diff of the same"
sqlite3 again.db "UPDATE scan SET packets = packets + 1 WHERE scan_id = 1; DELETE FROM scan WHERE scan_id = 2"
if "$query" few.db diff again.db --format csv >out; then fail "diff passes over scans"; fi
[ "$(grep -c ',scan,' out)" -eq 2 ] || fail "diff: $(cat out)"

# verify finds what cannot be.
for wrong in "sessions = sessions + 1, packets = packets + 1, first_session_id = 1, last_session_id = 707" "packets = packets + 400"; do
    cp few.db wrong.db
    sqlite3 wrong.db "UPDATE scan SET $wrong WHERE scan_id = 1"
    if "$query" wrong.db verify >out 2>err; then fail "verify passes over: $wrong"; fi
done

"$ingest" --help | grep -q -- --scan-aggregate || fail "--help lacks it"
