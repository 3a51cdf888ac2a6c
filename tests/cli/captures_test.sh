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
