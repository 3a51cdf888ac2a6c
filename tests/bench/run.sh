#!/bin/sh
# run.sh BUILD [--scale X] [--runs N] [--seed N] [--loads "bulk tiny lossy"] - one table: tcpledger beside tcpflow, tshark, cp and a plain
# write, over generated loads, in one run on this machine; and after it the figures that the project holds itself to.
#
# The same by environment: LOADS, SCALE (1: full size; 0.1 for a quick look), RUNS (5; medians are shown), SEED (1); and
# TMPDIR (needs about four times the largest load), PROGRAMS (all; a list of names as in the table, with _ for spaces).
# The programs take turns in each run, over a warm cache; what they write is removed in between.  Absent ones are skipped with a note.
# "Short" is a tenth of the load: time and memory must grow with the capture, and with its open sessions, only.
set -eu
usage="usage: run.sh BUILD_FOLDER [--scale X] [--runs N] [--seed N] [--loads LIST]"
build=${1:?$usage}
shift
while [ $# -gt 0 ]; do
    case $1 in
    --scale) SCALE=${2:?$usage} ;;
    --runs) RUNS=${2:?$usage} ;;
    --seed) SEED=${2:?$usage} ;;
    --loads) LOADS=${2:?$usage} ;;
    *)
        echo "$usage" >&2
        exit 2
        ;;
    esac
    shift 2
done
LOADS=${LOADS:-bulk tiny lossy}
SCALE=${SCALE:-1}
RUNS=${RUNS:-5}
SEED=${SEED:-1}
PROGRAMS=${PROGRAMS:-ledger ledger_--compress_0 ledger_(short) tcpflow tshark cp_+_fsync plain_write}
ingest=$build/tcpledger-ingest
gen=$build/tests/bench/bench-gen
timer=/usr/bin/time
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
status=0

for need in "$ingest" "$gen"; do
    [ -x "$need" ] || { echo "run.sh: $need is missing: build it first (cmake --preset release && cmake --build --preset release)" >&2; exit 1; }
done
if [ ! -x $timer ]; then
    echo "run.sh: GNU time is missing (package time)" >&2
    exit 1
fi

# The peers without which the table is still worth something.
have() {
    case $1 in
    tcpflow) command -v tcpflow >/dev/null ;;
    tshark) command -v tshark >/dev/null ;;
    *) true ;;
    esac
}

# One run of program $1 over $file: appends "seconds rss_kb" to $dir/times.PROGRAM.
measure() {
    out=$dir/out
    rm -rf "$out"
    mkdir "$out"
    sync
    case $1 in
    ledger) set -- "$1" "$ingest" --quiet "$file" -o "$out/db" ;;
    ledger_--compress_0) set -- "$1" "$ingest" --quiet --compress 0 "$file" -o "$out/db" ;;
    ledger_\(short\)) set -- "$1" "$ingest" --quiet "$short" -o "$out/db" ;;
    tcpflow) set -- "$1" tcpflow -r "$file" -o "$out/flows" ;;
    tshark) set -- "$1" tshark -n -q -z conv,tcp -r "$file" ;;
    cp_+_fsync) set -- "$1" sh -c 'cp "$1" "$2" && sync "$2"' sh "$file" "$out/copy" ;;
    plain_write) set -- "$1" dd if=/dev/zero of="$out/copy" bs=65536 count=$((bytes / 65536)) ;;
    esac
    name=$1
    shift
    if LC_ALL=C $timer -f '%e %M' -o "$dir/time" "$@" >/dev/null 2>"$dir/stderr"; then
        cat "$dir/time" >>"$dir/times.$name"
        if [ -f "$out/db" ]; then wc -c <"$out/db" >"$dir/size.$name"; fi
    else
        echo "run.sh: $name failed on $load: $(tail -n 1 "$dir/stderr")" >&2
        status=1
    fi
}

# The middle one of column $2 of a file.
median() {
    sort -n -k "$2,$2" "$1" | awk -v c="$2" '{ v[NR] = $c } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

echo "Machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(awk '/MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo), $(uname -sr)"
echo "Date: $(date -u +%Y-%m-%d); $("$ingest" --version 2>/dev/null | head -n 1)"
for p in tcpflow tshark; do have $p && echo "$($p --version 2>/dev/null | head -n 1)"; done
echo "Command: sh tests/bench/run.sh BUILD --scale $SCALE --runs $RUNS --seed $SEED --loads \"$LOADS\""
for p in $PROGRAMS; do have "$p" || echo "Skipped: $p is not installed (scripts/deps.sh --bench)"; done
echo
echo "| load | program | seconds | MB/s | packets/s | peak RSS MB | times ledger | written MB |"
echo "|---|---|---:|---:|---:|---:|---:|---:|"

for load in $LOADS; do
    file=$dir/$load.pcap
    "$gen" --load "$load" --scale "$SCALE" --seed "$SEED" -o "$file" 2>"$dir/made"
    frames=$(sed -n 's/^\([0-9]*\) frames.*/\1/p' "$dir/made")
    payload=$(sed -n 's/.* \([0-9]*\) payload bytes.*/\1/p' "$dir/made")
    bytes=$(wc -c <"$file")
    short=$dir/$load-short.pcap
    "$gen" --load "$load" --scale "$(awk -v s="$SCALE" 'BEGIN { print s / 10 }')" --seed "$SEED" -o "$short" 2>"$dir/made.short"
    short_frames=$(sed -n 's/^\([0-9]*\) frames.*/\1/p' "$dir/made.short")
    short_bytes=$(wc -c <"$short")
    rm -f "$dir"/times.* "$dir"/size.*
    sync
    cat "$file" "$short" >/dev/null
    run=0
    while [ $run -lt "$RUNS" ]; do
        for p in $PROGRAMS; do
            if have "$p"; then measure "$p"; fi
        done
        run=$((run + 1))
    done
    base=$([ -f "$dir/times.ledger" ] && median "$dir/times.ledger" 1 || echo 0)
    for p in $PROGRAMS; do
        [ -f "$dir/times.$p" ] || continue
        size=$([ -f "$dir/size.$p" ] && cat "$dir/size.$p" || echo 0)
        n=$bytes frames_n=$frames
        if [ "$p" = "ledger_(short)" ]; then n=$short_bytes frames_n=$short_frames; fi
        seconds=$(median "$dir/times.$p" 1)
        rss=$(median "$dir/times.$p" 2)
        echo "$load $p $seconds $rss $size $payload" >>"$dir/medians"
        printf '%s %s %s %s %s %s\n' "$seconds" "$rss" "$n" "$frames_n" "$base" "$size" |
            awk -v load="$load" -v name="$(echo "$p" | tr _ " ")" '{
                s = $1 > 0 ? $1 : 0.005
                printf "| %s | %s | %.2f | %.0f | %.0f | %.0f | %s | %s |\n", load, name, $1, $3 / s / 1e6, $4 / s, $2 / 1024,
                    ($5 > 0 ? sprintf("%.2f", $1 / $5) : "-"), ($6 > 0 ? sprintf("%.0f", $6 / 1e6) : "-") }'
    done
    rm -rf "$file" "$short" "$dir/out"
done

# Each figure beside what is to be reached; one whose programs or loads were not run is left out.
echo
echo "| figure | reach | aim | here |"
echo "|---|---:|---:|---:|"
touch "$dir/medians"
awk '{ s[$1, $2] = $3 > 0 ? $3 : 0.005; r[$1, $2] = $4; w[$1, $2] = $5; pay[$1] = $6 }
    function row(what, reach, aim, a, b) { if (a > 0 && b > 0) printf "| %s | %s | %s | %.2f |\n", what, reach, aim, a / b }
    END {
        l = "ledger"; z = "ledger_--compress_0"; h = "ledger_(short)"; cp = "cp_+_fsync"
        row("bulk, --compress 0: times faster than tcpflow", "2", "3", s["bulk", "tcpflow"], s["bulk", z])
        row("bulk: times faster than tcpflow", "1.3", "2", s["bulk", "tcpflow"], s["bulk", l])
        row("bulk, --compress 0: times the time of cp + fsync", "at most 3", "2", s["bulk", z], s["bulk", cp])
        row("tiny: times faster than tcpflow", "6", "12", s["tiny", "tcpflow"], s["tiny", l])
        row("bulk: times faster than tshark", "5", "10", s["bulk", "tshark"], s["bulk", l])
        row("tiny: times faster than tshark", "5", "10", s["tiny", "tshark"], s["tiny", l])
        row("lossy: times the time of bulk", "at most 1.2", "1.1", s["lossy", l], s["bulk", l])
        row("bulk: times the time of a tenth of it", "at most 10.5", "", s["bulk", l], s["bulk", h])
        row("tiny: times the time of a tenth of it", "at most 10.5", "", s["tiny", l], s["tiny", h])
        row("bulk: times the peak RSS of a tenth of it", "at most 1.1", "", r["bulk", l], r["bulk", h])
        row("tiny: times the peak RSS of a tenth of it", "at most 1.1", "", r["tiny", l], r["tiny", h])
        row("tiny: peak RSS, MB", "at most 160", "96", r["tiny", l], 1024)
        row("bulk, --compress 0: size of the database, times the payload", "at most 1.05", "1.03", w["bulk", z], pay["bulk"])
    }' "$dir/medians"
exit $status
