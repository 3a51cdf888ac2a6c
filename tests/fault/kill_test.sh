#!/bin/sh
# SIGKILL at random moments of an ingest of many small transactions: whatever state is hit, the database opens, is intact and balances,
# the capture says 'interrupted', and the same command again makes of it what an undisturbed run makes.
#
# TL_KILLS: how many (50; 12 with sanitizers).  TL_SEED: other moments.
set -eu
build=$1
ingest=$build/tcpledger-ingest query=$build/tcpledger-query
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
[ -x "$build/tests/bench/bench-gen" ] || { echo "bench-gen is not built"; exit 77; }
kills=${TL_KILLS:-50}
if [ -z "${TL_KILLS:-}" ] && grep -q __asan_init "$ingest"; then kills=12; fi
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # a kill loses nothing that was written, synced or not
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

fail() { echo "FAILED: $*" >&2; [ ! -f err ] || sed 's/^/    /' err >&2; exit 1; }
# Everything but the row of the run, and statistics.
dump() { sqlite3 "$1" .dump | grep -v -e '^INSERT INTO ingest ' -e '^INSERT INTO sqlite_stat' -e '^ANALYZE' | sha256sum; }
index() { "$ingest" --batch-bytes 16K --commit-bytes 64K --compress 0 a.pcap -o "$1" 2>err; }
ms() { date +%s%N | sed 's/......$//'; }

"$build/tests/bench/bench-gen" --sessions 60 --open 10 --messages 10 --object 8000 --loss 0.5 --reorder 1 --seed 7 -o a.pcap 2>err
began=$(ms)
index whole.db || fail "the undisturbed run"
took=$(($(ms) - began))
whole=$(dump whole.db)

empty=0 partial=0 complete=0
# killed WAIT: an ingest into db, killed after so many seconds; then what is there must be good.  Counts what it was.
killed() {
    "$ingest" --batch-bytes 16K --commit-bytes 64K --compress 0 a.pcap -o db 2>err &
    pid=$!
    sleep "$1"
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    if [ -s db ] && [ -f db-journal ]; then
        # A journal is there: a reader, which may not roll it back, says so, unless it has no content yet.
        "$query" db verify >out 2>err || [ -s err ] || fail "verify says nothing of the journal (after $1 s)"
    fi
    if [ -s db ]; then
        intact=$(sqlite3 db "PRAGMA integrity_check") # writable: rolls back
        [ "$intact" = ok ] || fail "integrity_check after $1 s: $intact"
    fi
    state=
    if [ -s db ] && [ "$(sqlite3 db "PRAGMA user_version")" != 0 ]; then
        "$query" db verify >out 2>err || { cat out >&2; fail "verify after $1 s"; }
        state=$(sqlite3 db "SELECT i.state || '/' || c.state || '/' || (SELECT count(*) > 0 FROM chunk) FROM ingest AS i JOIN capture AS c")
    fi
    case $state in
    "" | interrupted/interrupted/0) empty=$((empty + 1)) ;;
    interrupted/interrupted/1) partial=$((partial + 1)) ;;
    complete/complete/1) complete=$((complete + 1)) ;;
    *) fail "states after $1 s: $state" ;;
    esac
}

n=0
for wait in $(awk -v n="$kills" -v most="$took" -v seed="${TL_SEED:-1}" \
    'BEGIN { srand(seed); for (i = 0; i < n; i++) printf "%.3f\n", rand() * most * 1.05 / 1000 }'); do
    n=$((n + 1))
    # Each third one hits a database that the kill before left.
    [ $((n % 3)) = 0 ] || rm -f db db-journal
    killed "$wait"
    [ $((n % 3)) != 2 ] || continue
    index db || fail "the same command again, after a kill at $wait s"
    [ ! -f db-journal ] || fail "a journal stays (after $wait s)"
    [ "$(dump db)" = "$whole" ] || fail "the same command again makes something else, after a kill at $wait s"
    "$query" db verify >out 2>err || { cat out >&2; fail "verify of the completed run"; }
done
echo "$kills kills within $took ms: $empty before anything was stored, $partial in between, $complete too late"
# Where the machine was busy during the undisturbed run only, all were too late: halve what lies between too early and too late, in ms.
more=1 early=0 late=$took
while [ "$partial" = 0 ] && [ "$more" -le 60 ]; do
    [ $((late - early)) -gt 1 ] || { early=0 late=$took; } # it took another time than before: anew
    middle=$(((early + late) / 2)) before=$empty
    rm -f db db-journal
    killed "$(awk -v ms="$middle" 'BEGIN { printf "%.3f", ms / 1000 }')"
    if [ "$empty" -gt "$before" ]; then early=$middle; else late=$middle; fi
    more=$((more + 1))
done
[ "$partial" -gt 0 ] || fail "not one kill hit an ingest that had stored something"
