#!/bin/sh
# run.sh BUILD - one table: tcpledger beside tcpflow, tshark and cp, over generated loads, in one run on this machine.
#
# Environment: LOADS ("bulk tiny lossy"), SCALE (1: full size; 0.1 for a quick look), RUNS (5; medians are shown), SEED (1),
# TMPDIR (needs about four times the largest load), PROGRAMS (all; a list of names as in the table, with _ for spaces).
# The programs take turns in each run, over a warm cache; what they write is removed in between.  Absent ones are skipped with a note.
set -eu
build=${1:?usage: run.sh BUILD_FOLDER}
LOADS=${LOADS:-bulk tiny lossy}
SCALE=${SCALE:-1}
RUNS=${RUNS:-5}
SEED=${SEED:-1}
PROGRAMS=${PROGRAMS:-ledger ledger_--compress_0 tcpflow tshark cp_+_fsync}
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
    tcpflow) set -- "$1" tcpflow -r "$file" -o "$out/flows" ;;
    tshark) set -- "$1" tshark -n -q -z conv,tcp -r "$file" ;;
    cp_+_fsync) set -- "$1" sh -c 'cp "$1" "$2" && sync "$2"' sh "$file" "$out/copy" ;;
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
echo "Command: LOADS=\"$LOADS\" SCALE=$SCALE RUNS=$RUNS SEED=$SEED sh tests/bench/run.sh BUILD"
for p in $PROGRAMS; do have "$p" || echo "Skipped: $p is not installed (scripts/deps.sh --bench)"; done
echo
echo "| load | program | seconds | MB/s | packets/s | peak RSS MB | times ledger | written MB |"
echo "|---|---|---:|---:|---:|---:|---:|---:|"

for load in $LOADS; do
    file=$dir/$load.pcap
    "$gen" --load "$load" --scale "$SCALE" --seed "$SEED" -o "$file" 2>"$dir/made"
    frames=$(sed -n 's/^\([0-9]*\) frames.*/\1/p' "$dir/made")
    bytes=$(wc -c <"$file")
    rm -f "$dir"/times.* "$dir"/size.*
    sync
    cat "$file" >/dev/null
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
        printf '%s %s %s %s %s %s\n' "$(median "$dir/times.$p" 1)" "$(median "$dir/times.$p" 2)" "$bytes" "$frames" "$base" "$size" |
            awk -v load="$load" -v name="$(echo "$p" | tr _ ' ')" '{
                s = $1 > 0 ? $1 : 0.005
                printf "| %s | %s | %.2f | %.0f | %.0f | %.0f | %s | %s |\n", load, name, $1, $3 / s / 1e6, $4 / s, $2 / 1024,
                    ($5 > 0 ? sprintf("%.2f", $1 / $5) : "-"), ($6 > 0 ? sprintf("%.0f", $6 / 1e6) : "-") }'
    done
    rm -rf "$file" "$dir/out"
done
exit $status
