#!/bin/sh
# query.sh BUILD [--scale X] [--runs N] - one table: what questions to large databases cost, as whole processes, and after it the figures
# that the project holds itself to.
#
# Three databases: a million small sessions with 1 % of the frames lost, one stream of a gigabyte, and the load bulk stored raw.  They are
# made anew, or reused: DB, STREAM_DB, BULK_DB in the environment name them.  --scale (1): so many times as large; --runs (5): medians are
# shown; those of small questions are of four times as many.  TMPDIR needs 14 GB.
# A core's GB/s is of stored payload, by the processor's time; payload unpacks a long stream on two cores, so its figure is by the clock.
# Over a warm cache: what is asked more than once is asked once before.
set -eu
usage="usage: query.sh BUILD_FOLDER [--scale X] [--runs N]"
build=${1:?$usage}
shift
scale=1 runs=5
while [ $# -gt 0 ]; do
    case $1 in
    --scale) scale=${2:?$usage} ;;
    --runs) runs=${2:?$usage} ;;
    *)
        echo "$usage" >&2
        exit 2
        ;;
    esac
    shift 2
done
query=$build/tcpledger-query
ingest=$build/tcpledger-ingest
gen=$build/tests/bench/bench-gen
timed=$build/tests/bench/bench-timed
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-query.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
for need in "$query" "$ingest" "$gen" "$timed"; do
    [ -x "$need" ] || { echo "query.sh: $need is missing: build it first (cmake --preset release && cmake --build --preset release)" >&2; exit 1; }
done
scaled() { awk -v a="$1" -v s="$scale" 'BEGIN { n = int(a * s); print (n > 0 ? n : 1) }'; }

db=${DB:-$dir/million.db} stream_db=${STREAM_DB:-$dir/stream.db} bulk_db=${BULK_DB:-$dir/bulk.db}
if [ ! -e "$db" ]; then
    "$gen" --load tiny --sessions "$(scaled 1000000)" --loss 1 --seed 1 -o "$dir/million.pcap" 2>"$dir/made"
    "$ingest" --quiet "$dir/million.pcap" -o "$db"
fi
if [ ! -e "$stream_db" ]; then
    "$gen" --sessions 1 --open 1 --messages "$(scaled 70000)" --object 30000 --text 50 --seed 1 -o - 2>"$dir/made" | "$ingest" --quiet - -o "$stream_db"
fi
if [ ! -e "$bulk_db" ]; then
    "$gen" --load bulk --scale "$scale" --seed 1 -o - 2>"$dir/made" | "$ingest" --quiet --compress 0 - -o "$bulk_db"
fi
ask() { "$query" "$1" sql "$2" --format csv | tail -n 1; }
sessions=$(ask "$db" "SELECT count(*) FROM session")
id=$((sessions / 2 + 1))
usual=$(ask "$db" "SELECT client_addr FROM session WHERE session_id = $id")
worst=$(ask "$db" "SELECT host FROM (SELECT client_addr AS host FROM session UNION ALL SELECT server_addr FROM session) GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
stored() { ask "$1" "SELECT sum(stored_bytes) FROM stream"; }
tiny_bytes=$(stored "$db") bulk_bytes=$(stored "$bulk_db")
stream_bytes=$(ask "$stream_db" "SELECT stored_bytes FROM stream WHERE session_id = 1 AND direction = 1")

echo "Machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(awk '/MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo), $(uname -sr); load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "Date: $(date -u +%Y-%m-%d); $("$query" --version | head -n 1)"
echo "Command: sh tests/bench/query.sh BUILD --scale $scale --runs $runs"
echo "Databases: $sessions sessions, $tiny_bytes bytes of payload stored in $(wc -c <"$db"); bulk, raw: $bulk_bytes in $(wc -c <"$bulk_db"); one stream: $stream_bytes in $(wc -c <"$stream_db")"
echo
echo "| question | ms | CPU ms | GB/s a core | peak RSS MB |"
echo "|---|---:|---:|---:|---:|"

# row NAME RUNS BYTES COMMAND...: a line of the table, and one of $dir/rows (name|ms|CPU ms|MB|bytes).  BYTES 0: no rate.
status=0
row() {
    name=$1 n=$2 bytes=$3
    shift 3
    if { [ "$n" -gt 1 ] && ! "$timed" 1 "$@" >/dev/null; } || ! "$timed" "$n" "$@" >"$dir/time"; then
        status=1
        return 0
    fi
    read -r wall cpu rss <"$dir/time"
    echo "$name|$wall|$cpu|$rss|$bytes" >>"$dir/rows"
    echo "$name|$wall|$cpu|$rss|$bytes" | awk -F '|' '{ ms = $2 < 100 ? "%.1f" : "%.0f"
        printf "| %s | " ms " | " ms " | %s | %.0f |\n", $1, $2, $3, ($5 > 0 ? sprintf("%.2f", $5 / $3 / 1e6) : ""), $4 }'
}
# For commands that make a file: anew each time.
anew() { echo "rm -rf '$dir/out.zip' '$dir/out.db'; exec \"\$@\""; }

literal=Zqx19fK regex='Zqx[0-9]+fK' caseless='(?i)zqx\d+fk'
row "session ID" $((4 * runs)) 0 "$query" "$db" session $id
row "messages ID" $((4 * runs)) 0 "$query" "$db" messages $id
row "payload ID" $((4 * runs)) 0 "$query" "$db" payload $id --dir client
row "sessions --host USUAL --limit 20" $((4 * runs)) 0 "$query" "$db" sessions --host "$usual" --limit 20
row "sessions --host WORST --limit 20" $((4 * runs)) 0 "$query" "$db" sessions --host "$worst" --limit 20
row "loss" "$runs" 0 "$query" "$db" loss
row "grep LITERAL" "$runs" "$tiny_bytes" "$query" "$db" grep "$literal"
row "grep -e REGEX" "$runs" "$tiny_bytes" "$query" "$db" grep -e "$regex"
row "grep -e (?i)REGEX" "$runs" "$tiny_bytes" "$query" "$db" grep -e "$caseless"
row "bulk: grep LITERAL" "$runs" "$bulk_bytes" "$query" "$bulk_db" grep "$literal"
row "bulk: grep -e REGEX" "$runs" "$bulk_bytes" "$query" "$bulk_db" grep -e "$regex"
row "bulk: grep -e (?i)REGEX" "$runs" "$bulk_bytes" "$query" "$bulk_db" grep -e "$caseless"
row "stream: payload ID" "$runs" "$stream_bytes" "$query" "$stream_db" payload 1 --dir server
if [ -e "$(ask "$db" "SELECT path FROM capture LIMIT 1")" ]; then
    row "pcap ID" 1 0 "$query" "$db" pcap $id -o "$dir/out.pcapng"
    row "pcap ID --no-hash" "$runs" 0 "$query" "$db" pcap $id --no-hash -o "$dir/out.pcapng"
else
    echo "Skipped: pcap, because the capture of DB is gone" >&2
fi
row "export --limit 10000" 1 0 sh -c "$(anew)" sh "$query" "$db" export --limit 10000 -o "$dir/out.zip"
row "merge (with stream)" 1 0 sh -c "$(anew)" sh "$query" "$db" merge "$stream_db" -o "$dir/out.db"

echo
echo "| figure | reach | here |"
echo "|---|---:|---:|"
awk -F '|' '{ ms[$1] = $2; cpu[$1] = $3; mb[$1] = $4; bytes[$1] = $5 }
    function row(what, reach, format, here) { printf "| %s | %s | " format " |\n", what, reach, here }
    function most(name, reach) { if (name in ms) row(name ": ms", "under " reach, "%.1f", ms[name]) }
    function rate(name, reach) { if (cpu[name] > 0) row(name ": GB/s a core", reach, "%.2f", bytes[name] / cpu[name] / 1e6) }
    END {
        most("session ID", 20); most("messages ID", 20); most("payload ID", 20)
        most("sessions --host USUAL --limit 20", 50); most("sessions --host WORST --limit 20", 50)
        most("loss", 2000)
        rate("grep LITERAL", 1); rate("grep -e REGEX", 0.3); rate("grep -e (?i)REGEX", 0.3)
        rate("bulk: grep LITERAL", 1); rate("bulk: grep -e REGEX", 0.3); rate("bulk: grep -e (?i)REGEX", 0.3)
        if (ms["stream: payload ID"] > 0) row("stream: payload ID: GB/s", 1, "%.2f", bytes["stream: payload ID"] / ms["stream: payload ID"] / 1e6)
        if ("stream: payload ID" in mb) row("stream: payload ID: peak RSS, MB", "under 32", "%.1f", mb["stream: payload ID"])
    }' "$dir/rows"
exit $status
