#!/bin/sh
# All captures of ../shared/captures, where they are there: every database is sound (verify is silent), a damaged capture keeps what came
# before the damage, and the streams are those of truth.jsonl but for what is named below.
set -eu
build=$1
captures=../shared/captures
[ -d "$captures" ] || { echo "../shared/captures is not there"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

for capture in "$captures"/*.pcap*; do
    name=$(basename "$capture")
    status=0
    "$build/tcpledger-ingest" --quiet "$capture" -o "$tmp/x.db" 2>"$tmp/err" || status=$?
    want=0
    case $name in 27-* | 28-*) want=1 ;; esac
    if [ $status != $want ]; then
        echo "$name: status $status, expected $want: $(cat "$tmp/err")"
        bad=1
    fi
    if ! "$build/tcpledger-query" "$tmp/x.db" verify >"$tmp/out" 2>&1 || [ -s "$tmp/out" ]; then
        echo "$name: verify says: $(head -5 "$tmp/out")"
        bad=1
    fi
    rm -f "$tmp/x.db"
done

# What single captures are there for: name, options, question, answer.
expect() {
    rm -f "$tmp/x.db"
    # shellcheck disable=SC2086 # options are words
    "$build/tcpledger-ingest" --quiet $2 "$captures/$1" -o "$tmp/x.db"
    got=$("$build/tcpledger-query" "$tmp/x.db" sql "$3" --format csv | tail -n +2 | tr '\n' ' ')
    if [ "$got" != "$4 " ]; then
        echo "$1 $2: $3: expected $4, got $got"
        bad=1
    fi
}
outcomes="SELECT outcome, frames FROM frame_count ORDER BY outcome"
expect 32-vlan-collisions.pcap "" "$outcomes" "other_channel,28 tcp,14"
expect 32-vlan-collisions.pcap "" "SELECT count(*), sum(missing) FROM session LEFT JOIN message USING (session_id)" "2,0"
expect 32-vlan-collisions.pcap "--vlan key" "SELECT vlan, conn_state FROM session ORDER BY session_id" '"",SF 42,SF 10.20,SF'
expect 12-qi_internet_SYNACK_curl_jsonip.pcap "" "SELECT reason, direction, stream_offset, length, frame FROM stray" "conflict,1,17,26,9"
expect 08-bigtransfer.pcap "" "SELECT sum(length), sum(stored_bytes) FROM stream WHERE session_id = 3" "5416666670,23822"
expect 16-test5-lines-randomized.pcap "" "SELECT session_id, sum(stored_bytes), sum(gap_bytes) FROM stream GROUP BY 1" "1,2004,0"
expect 35-gtp1_gn_normal_incl_fragmentation.pcap "" "$outcomes" "fragment,36 fragment_lost,4 tcp,68"

# 16-: the SYN of frame 10 has the ISN of the session that the other frames belong to (frame 4 acknowledges it, and its time is before
# theirs), so it is its SYN, come late; Wireshark, and with it the truth, begins a second stream at every SYN that comes after data.
cat >"$tmp/known" <<'TEXT'
16-test5-lines-randomized.pcap stream 1: session not found
TEXT
if command -v python3 >/dev/null 2>&1; then
    python3 ../shared/tools/truthcheck.py --ingest "$build/tcpledger-ingest" -v "$captures/truth.jsonl" "$captures" >"$tmp/truth" || true
    grep -q '^directions	3[0-9][0-9]$' "$tmp/truth" || { echo "truthcheck did not run"; bad=1; }
    grep 'stream' "$tmp/truth" | sort >"$tmp/differences" || true
    if ! diff "$tmp/known" "$tmp/differences"; then
        echo "the streams differ from truth.jsonl (<: known, >: found)"
        bad=1
    fi
fi
exit $bad
