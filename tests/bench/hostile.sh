#!/bin/sh
# hostile.sh BUILD - the attacks of bench-adversary, ingested: a table of seconds (CPU, the best of RUNS) and peak memory, for HOSTILE.md.
#
# Environment: KINDS, SIZES (of one-byte segments, SYNs, fragments), RUNS (3), OPTIONS (of tcpledger-ingest), TMPDIR.
set -eu
build=${1:?usage: hostile.sh BUILD_FOLDER}
KINDS=${KINDS:-in_order reverse every_second random staircase holes}
SIZES=${SIZES:-65536 131072 262144 524288 1048576}
RUNS=${RUNS:-3}
dir=$(mktemp -d "${TMPDIR:-/tmp}/hostile.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
echo "| kind | n | CPU s | wall s | us a frame | T(n)/T(n/2) | peak RSS MB | database MB |"
echo "|---|---:|---:|---:|---:|---:|---:|---:|"
for kind in $KINDS; do
    before=0
    for n in $SIZES; do
        "$build/tests/bench/bench-adversary" --kind "$kind" --n "$n" -o "$dir/a.pcap"
        : >"$dir/times"
        run=0
        while [ $run -lt "$RUNS" ]; do
            rm -f "$dir/db"
            LC_ALL=C /usr/bin/time -a -f '%U %S %e %M' -o "$dir/times" "$build/tcpledger-ingest" --quiet ${OPTIONS:-} "$dir/a.pcap" -o "$dir/db"
            run=$((run + 1))
        done
        size=$(wc -c <"$dir/db")
        awk '{ print $1 + $2, $3, $4 }' "$dir/times" | sort -n | head -n 1 | {
            read -r cpu wall rss
            awk -v k="$kind" -v n="$n" -v c="$cpu" -v w="$wall" -v r="$rss" -v b="$before" -v s="$size" 'BEGIN {
                printf "| %s | %d | %.2f | %.2f | %.2f | %s | %.0f | %.1f |\n", k, n, c, w, c * 1e6 / n, (b > 0 ? sprintf("%.2f", c / b) : ""), r / 1024, s / 1e6 }'
            echo "$cpu" >"$dir/cpu"
        }
        before=$(cat "$dir/cpu")
    done
done
