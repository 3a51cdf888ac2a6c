#!/bin/sh
# tshark_conv says what tshark -z conv,tcp does of frames, start and duration (its bytes are rounded for people, and of whole frames).
set -eu
command -v tshark >/dev/null 2>&1 || { echo "tshark is not installed"; exit 77; }
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for capture in fixtures/http-one.pcap fixtures/http-page.pcap fixtures/http-lossy.pcap; do
    "$1/tcpledger-ingest" --quiet "$capture" -o "$tmp/x.db"
    # 192.0.2.1:1 <-> 192.0.2.2:2  <- frames, bytes and their unit, -> frames, bytes, unit, frames, bytes, unit, start, duration
    tshark -n -q -z conv,tcp -r "$capture" 2>/dev/null |
        awk '$2 == "<->" { gsub(":", "|", $1); gsub(":", "|", $3); print $1 "|" $3 "|" $4 "|" $7 "|" $10 "|" $13 "|" $14 }' | sort >"$tmp/tshark"
    sqlite3 "$tmp/x.db" 'SELECT "Address A", "Port A", "Address B", "Port B", "<- Frames", "-> Frames", "Total Frames",
        printf("%.9f", "Relative Start"), printf("%.4f", "Duration") FROM tshark_conv' | sort >"$tmp/ours"
    [ -s "$tmp/tshark" ]
    diff "$tmp/tshark" "$tmp/ours"
    rm "$tmp/x.db"
done
