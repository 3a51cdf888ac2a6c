#!/bin/sh
# ingest_set_test.sh BUILD - a capture cut into ten files and given in one command, in any order, is the uncut capture.
set -u
build=${1:?usage: ingest_set_test.sh BUILD_FOLDER}
command -v python3 >/dev/null && command -v sqlite3 >/dev/null || { echo "python3 or sqlite3 is missing: skipped"; exit 77; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/set.XXXXXX")
trap 'rm -rf "$dir"' EXIT
here=$(dirname "$0")
failed=0
fail() { echo "FAILED: $1"; failed=1; }

# All that a database says, without ids of captures and frames, and without where chunks end: a chunk is of one capture.
dump() {
    sqlite3 "$1" <<'SQL'
SELECT 'session', session_id, client_addr, client_port, server_addr, server_port, vlan, tunnel, first_ns, last_ns, conn_state, history,
       close_reason, roles, midstream, rtt_ns, protocol, community_id FROM session ORDER BY session_id;
SELECT 'stream', * FROM stream ORDER BY session_id, direction;
SELECT 'bytes', session_id, direction, group_concat(d, '') FROM (SELECT session_id, direction, hex(sqlar_uncompress(data, raw_size)) AS d
       FROM chunk ORDER BY session_id, direction, stream_offset) GROUP BY session_id, direction;
SELECT 'gap', session_id, direction, stream_offset, length, reason, before_ns, after_ns FROM gap ORDER BY 2, 3, 4;
SELECT 'stray', session_id, direction, stream_offset, length, reason, ns, hex(data) FROM stray ORDER BY 2, 3, 4, 7, 8;
SELECT 'message', message_id, direction, ordinal, stream_offset, length, missing, head_length, protocol, kind, summary, detail, complete,
       sync, first_ns, last_ns, peer_acked, answers_message_id, pairing FROM message ORDER BY message_id;
SELECT 'outcome', outcome, sum(frames), sum(bytes) FROM frame_count GROUP BY outcome ORDER BY outcome;
SQL
}

# NAME FILE SPANS: 1 where sessions reach over files
compare() {
    name=$1
    file=$2
    spans=$3
    python3 "$here/cut_pcap.py" "$file" 10 "$dir/part" || fail "$name: cutting"
    rm -f "$dir"/*.db
    "$build/tcpledger-ingest" -q "$file" -o "$dir/whole.db" || fail "$name: the whole"
    # Not in order: their first frames tell it.
    set --
    for i in 7 0 3 9 1 8 2 6 4 5; do set -- "$@" "$dir/part$i.pcap"; done
    "$build/tcpledger-ingest" -q "$@" -o "$dir/parts.db" || fail "$name: the parts"
    dump "$dir/whole.db" >"$dir/whole"
    dump "$dir/parts.db" >"$dir/parts"
    [ "$(wc -l <"$dir/whole")" -gt 5 ] || fail "$name: an empty dump"
    cmp -s "$dir/whole" "$dir/parts" || fail "$name: $(diff "$dir/whole" "$dir/parts" | cut -c1-300 | head -n 6)"
    "$build/tcpledger-query" "$dir/parts.db" verify >"$dir/verify" || fail "$name: verify: $(cat "$dir/verify")"
    # Frames count from 1 in each file, and sessions reach over files.
    wrong=$(sqlite3 "$dir/parts.db" "SELECT count(*) FROM session JOIN capture ON capture_id = last_capture_id WHERE last_frame > frames")
    [ "$wrong" = 0 ] || fail "$name: frame numbers beyond their file"
    [ "$(sqlite3 "$dir/parts.db" "SELECT count(*) FROM capture")" = 10 ] || fail "$name: not ten captures"
    over=$(sqlite3 "$dir/parts.db" "SELECT count(*) > 0 FROM session WHERE first_capture_id < last_capture_id")
    [ "$over" = "$spans" ] || fail "$name: sessions that reach over files: $over"
}

for fixture in http-page http-lossy http-segmented; do compare "$fixture" "$here/../../fixtures/$fixture.pcap" 1; done
"$build/tests/bench/bench-gen" --load lossy --scale 0.01 --retransmit 2 -o "$dir/lossy.pcap" 2>/dev/null
compare "generated, lossy" "$dir/lossy.pcap" 1
for kind in random staircase conflicts jumps syn_flood; do
    "$build/tests/bench/bench-adversary" --kind $kind --n 1500 -o "$dir/attack.pcap"
    compare "$kind" "$dir/attack.pcap" $([ $kind = syn_flood ] && echo 0 || echo 1)
done

# The comparison can fail: without the last part it is another database.
rm -f "$dir/parts.db" "$dir/part9.pcap"
"$build/tcpledger-ingest" -q "$dir"/part?.pcap -o "$dir/parts.db"
dump "$dir/parts.db" | cmp -s - "$dir/whole" && fail "a missing part does not show"
exit $failed
