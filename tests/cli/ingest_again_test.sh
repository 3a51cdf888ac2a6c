#!/bin/sh
# Runs that were interrupted: the same command again begins them anew, another one leaves what they stored.
set -eu
build=$1
ingest=$build/tcpledger-ingest query=$build/tcpledger-query
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
fixtures=$(pwd)/fixtures
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
cp "$fixtures/http-page.pcap" page.pcap
cp "$fixtures/http-one.pcap" one.pcap
cp "$fixtures/http-segmented.pcap.gz" other.pcap.gz

fail() { echo "FAILED: $*" >&2; [ ! -f err ] || sed 's/^/    /' err >&2; exit 1; }
run() {
    want=$1
    shift
    got=0
    "$ingest" "$@" >out 2>err </dev/null || got=$?
    [ "$got" = "$want" ] || fail "exit $got instead of $want: $*"
}
says() { grep -q -- "$1" err || fail "does not say '$1'"; }
is() { got=$(sqlite3 "$1" "$2"); [ "$got" = "$3" ] || fail "$2: '$got' instead of '$3'"; }
dump() { sqlite3 "$1" .dump | grep -v -e '^INSERT INTO ingest ' -e '^INSERT INTO sqlite_stat' -e '^ANALYZE'; }
# What a kill leaves of the last run: some of its sessions, and nothing of its end.
interrupt() {
    sqlite3 "$1" "PRAGMA foreign_keys = OFF;
        UPDATE ingest SET state = 'interrupted', finished_ns = NULL WHERE ingest_id = (SELECT max(ingest_id) FROM ingest);
        CREATE TEMP TABLE mine AS SELECT capture_id FROM capture WHERE ingest_id = (SELECT max(ingest_id) FROM ingest);
        DELETE FROM frame_count WHERE capture_id IN mine;
        UPDATE capture SET state = 'interrupted', frames = 0, sha256 = NULL, first_ns = NULL, last_ns = NULL WHERE capture_id IN mine;
        CREATE TEMP TABLE late AS SELECT session_id FROM session WHERE first_capture_id IN mine ORDER BY 1 DESC LIMIT 1;
        DELETE FROM message WHERE session_id IN late; DELETE FROM stray WHERE session_id IN late; DELETE FROM gap WHERE session_id IN late;
        DELETE FROM chunk WHERE session_id IN late; DELETE FROM stream WHERE session_id IN late; DELETE FROM session WHERE session_id IN late"
    sqlite3 "$1" "SELECT 1 FROM sqlite_schema WHERE name = 'session_state'" | grep -q 1 &&
        sqlite3 "$1" "DELETE FROM session_state WHERE ingest_id = (SELECT max(ingest_id) FROM ingest)" || true
    "$query" "$1" verify >out 2>err || fail "verify of an interrupted run"
}

# The only run.
run 0 page.pcap -o whole.db
cp whole.db db
interrupt db
run 0 page.pcap -o db
says 'interrupted at frame [1-9][0-9]* of page.pcap, with 2 sessions and [1-9][0-9]* payload bytes'
[ "$(dump db)" = "$(dump whole.db)" ] || fail "begun anew, but not the same"
run 0 page.pcap -o db
says 'already indexed'

# After a complete one, and of two captures: what was complete stays as it was.
run 0 one.pcap -o two.db
run 0 page.pcap other.pcap.gz -o two.db
cp two.db db
interrupt db
cp db interrupted.db
run 0 page.pcap other.pcap.gz -o db
[ "$(dump db)" = "$(dump two.db)" ] || fail "begun anew after a complete run, but not the same"
# One of the two only: told, and nothing changes.
cp interrupted.db db
run 1 page.pcap -o db
says 'give all of its 2 captures again'
cmp -s db interrupted.db || fail "a refused command changed the database"

# A run that went on with a session of the run before it: told, and nothing changes.
cp interrupted.db db
sqlite3 db "UPDATE session SET last_capture_id = 2 WHERE session_id = 1"
cp db before.db
run 1 page.pcap other.pcap.gz -o db
says 'cannot be taken back'
cmp -s db before.db || fail "a refused command changed the database"

# Another capture: what was stored stays, and can be completed later.
cp whole.db db
interrupt db
run 0 one.pcap -o db
says 'what it stored stays'
is db "SELECT group_concat(state) FROM capture" "interrupted,complete"
is db "SELECT count(*), max(session_id) FROM session" "3|3"
run 0 page.pcap one.pcap -o db
says 'begun anew'
says 'one.pcap: already indexed'
is db "SELECT group_concat(state) FROM capture" "complete,complete"
is db "SELECT count(*) FROM session" 4
"$query" db verify >out 2>err || fail "verify"

# A file that shrank, or another name, is another capture.
cp whole.db db
interrupt db
head -c 20000 page.pcap >t && mv t page.pcap
run 1 page.pcap -o db
says 'what it stored stays'
# --quiet is.
cp "$fixtures/http-page.pcap" page.pcap
cp whole.db db
interrupt db
run 0 -q page.pcap -o db
[ ! -s err ] || fail "speaks with --quiet"
run 2 page.pcap -o db --commit-bytes 0
