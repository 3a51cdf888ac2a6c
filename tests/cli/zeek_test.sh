#!/bin/sh
# conn_log's rows are those that Zeek's own tests expect, where the shared captures are there.
set -eu
[ -f ../shared/zeek_expect.tsv ] || { echo "../shared/zeek_expect.tsv is not there"; exit 77; }
command -v python3 >/dev/null 2>&1 || { echo "python3 is not installed"; exit 77; }
out=$(python3 tests/cli/zeek_check.py "$1/tcpledger-ingest" ../shared/zeek_expect.tsv ../shared/captures) || true
echo "$out"
# 34-: Zeek counts a tenth retransmission of the server before the client's FIN (letter t); the capture shows nine before it (frames 13, 15,
# 16, 25, 39, 52, 55, 66, 73), the tenth is frame 83.
# 22-: the client tries three times with the same numbers and is refused three times: one session here, three of a packet each way to Zeek.
[ "$(echo "$out" | grep -vc -e '^34-pppoe-over-qinq.pcap 20394 443 ' -e '^22-pop3.pcap .* Zeek: REJ Sr 0 0 0 1 1 here: (.REJ., .Sr., 0, 0, 0, 3, 3, None)')" = 1 ] &&
    echo "$out" | grep -q '^25 rows, 3 differ'
