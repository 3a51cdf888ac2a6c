#!/bin/sh
# tcpledger-ingest from the outside: exit status, messages, names, what is refused, what is skipped.
set -eu
build=$1
ingest=$build/tcpledger-ingest
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
fixtures=$(pwd)/fixtures
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

fail() { echo "FAILED: $*" >&2; [ ! -f err ] || sed 's/^/    /' err >&2; exit 1; }
# run STATUS ARGUMENT...: with that exit status; stdout in out, stderr in err
run() {
    want=$1
    shift
    got=0
    "$ingest" "$@" >out 2>err </dev/null || got=$?
    [ "$got" = "$want" ] || fail "exit $got instead of $want: $*"
}
says() { grep -q -- "$1" err || fail "does not say '$1'"; }
is() { got=$(sqlite3 "$1" "$2"); [ "$got" = "$3" ] || fail "$2: '$got' instead of '$3'"; }
one_line() { [ "$(wc -l <err)" = 1 ] || fail "more than one line"; }
# Everything that does not depend on names, times and row numbers of runs.
dump() {
    sqlite3 "$1" "SELECT * FROM session; SELECT * FROM stream; SELECT session_id, direction, stream_offset, raw_size, hex(arrivals), hex(data) FROM chunk ORDER BY 1, 2, 3;
        SELECT session_id, direction, stream_offset, length, reason, proof_frame, before_frame, after_frame FROM gap ORDER BY 1, 2, 3; SELECT * FROM message;
        SELECT * FROM frame_count; SELECT frames, first_ns, last_ns, state FROM capture"
}

# One capture: a summary, nothing on stdout, one file.
run 0 "$fixtures/http-page.pcap" -o page.db
[ ! -s out ] || fail "prints to stdout"
says '239 frames, 3 sessions, 282940 payload bytes, 12 messages, 0 gaps (0 bytes missing)'
one_line
[ "$(ls page*)" = page.db ] || fail "leaves more than the database"
is page.db "PRAGMA integrity_check" ok
is page.db "SELECT state FROM ingest UNION ALL SELECT state FROM capture" "complete
complete"
is page.db "SELECT sha256 FROM capture" "$(sha256sum <"$fixtures/http-page.pcap" | cut -d' ' -f1)"
is page.db "SELECT bytes FROM capture" "$(wc -c <"$fixtures/http-page.pcap")"
is page.db "SELECT json_valid(options), json_extract(options, '\$.compress') FROM ingest" "1|1"

# The same again is skipped, also under another name; a new one is added.
cp page.db before.db
cp "$fixtures/http-page.pcap" renamed.cap
run 0 "$fixtures/http-page.pcap" renamed.cap -o page.db
says 'already indexed'
cmp -s page.db before.db || fail "a skipped capture changed the database"
run 0 "$fixtures/http-page.pcap" "$fixtures/http-one.pcap" -o page.db
is page.db "SELECT count(*), max(session_id) FROM session" "4|4"
is page.db "SELECT count(*) FROM ingest" 2
# One file twice in a command.
run 0 renamed.cap "$fixtures/http-page.pcap" -o twice.db
says 'given twice'
is twice.db "SELECT count(*) FROM session" 3

# Names: the first capture's with .db.
cp "$fixtures/http-one.pcap" a.b.pcap
cp "$fixtures/http-segmented.pcap.gz" seg.pcap.gz
run 0 a.b.pcap
[ -f a.b.db ] || fail "default name"
run 0 seg.pcap.gz --quiet
[ -f seg.db ] || fail "default name of a .gz"
[ ! -s err ] || fail "--quiet is not quiet"
run 0 "$fixtures/http-segmented.pcap" -o plain.db
dump seg.db >a
dump plain.db >b
cmp -s a b || fail "gzip gives another database"
run 0 "$fixtures/http-one.pcapng" -o ng.db
run 0 "$fixtures/http-one.pcap" -o one.db
dump ng.db >a
dump one.db >b
cmp -s a b || fail "pcapng gives another database"

# Standard input; a pipe.
cat "$fixtures/http-page.pcap" | "$ingest" -q - -o stdin.db
"$ingest" -q -o stdin.db - <"$fixtures/http-one.pcap"
is stdin.db "SELECT count(*) FROM session" 4
is stdin.db "SELECT group_concat(path || format) FROM capture" "-pcap,-pcap"

# In the order of their first frames, whatever the order of the arguments.
run 0 "$fixtures/http-page.pcap" "$fixtures/http-one.pcap" "$fixtures/http-segmented.pcap" -o order.db
is order.db "SELECT count(*) FROM capture WHERE first_ns < (SELECT max(first_ns) FROM capture AS c WHERE c.capture_id < capture.capture_id)" 0

# The same content whatever the batches and the packing.
for o in "--batch-bytes 4K" "--batch-bytes 100K -z 0" "-z 9"; do
    run 0 "$fixtures/http-lossy.pcap" $o -o "./$o.db"
    sqlite3 "./$o.db" "SELECT session_id, direction, length, stored_bytes, gap_bytes FROM stream; SELECT * FROM message;
        SELECT session_id, direction, stream_offset, length, reason FROM gap ORDER BY 1, 2, 3; SELECT sum(raw_size) FROM chunk" >b
    [ -f first ] || cp b first
    cmp -s b first || fail "$o gives another database"
done
is "./--batch-bytes 100K -z 0.db" "SELECT sum(length(data) < raw_size) FROM chunk" 0
is "./-z 9.db" "SELECT sum(length(data) < raw_size) > 0 FROM chunk" 1
# Twice the same: twice the same bytes, but for the run's own times.
run 0 "$fixtures/http-lossy.pcap" -o again.db
run 0 "$fixtures/http-lossy.pcap" -o again2.db
dump again.db >a
dump again2.db >b
cmp -s a b || fail "two runs differ"

# A capture that breaks off: what is before it is there, and the status says so.
head -c 150000 "$fixtures/http-page.pcap" >cut.pcap
run 1 cut.pcap
one_line_and_summary=$(wc -l <err)
[ "$one_line_and_summary" = 2 ] || fail "a message and a summary"
says 'cut.pcap: '
says 'everything before that is indexed'
is cut.db "SELECT state, length(error) > 10, frames > 50 FROM capture" "truncated|1|1"
is cut.db "SELECT sum(stored_bytes) > 100000 FROM stream" 1
run 0 cut.pcap
says 'already indexed'

# What is refused, and left as it is.
cp "$fixtures/http-one.pcap" precious.pcap
run 1 "$fixtures/http-page.pcap" -o precious.pcap
says 'precious.pcap: exists and is not a tcpledger database'
cmp -s precious.pcap "$fixtures/http-one.pcap" || fail "precious.pcap was written to"
sqlite3 other.db 'CREATE TABLE t (a)'
cp other.db other.copy
run 1 "$fixtures/http-page.pcap" -o other.db
cmp -s other.db other.copy || fail "other.db was written to"
run 1 no-such.pcap -o none.db
says 'no-such.pcap'
one_line
echo "this is not a capture" >text.pcap
run 1 text.pcap -o none.db
run 1 "$fixtures/http-page.pcap" text.pcap -o none.db
one_line
[ ! -e none.db ] || fail "a database without a capture"
run 1 "$fixtures/http-page.pcap" -o no/such/folder/x.db
says 'no/such/folder/x.db'
run 1 "$fixtures/http-page.pcap" -o /dev/full

# Usage.
run 2
says 'no capture given'
run 2 --no-such-option x
run 2 "$fixtures/http-one.pcap" --compress 10
run 2 "$fixtures/http-one.pcap" --memory lots
run 2 "$fixtures/http-one.pcap" --grace -1s
run 2 "$fixtures/http-one.pcap" --vlan no
run 2 -
says '-o DB is needed'
run 2 - "$fixtures/http-one.pcap" -o x.db
run 2 -i lo
run 0 --help
grep -q '^usage: tcpledger-ingest' out || fail "--help"
run 0 --version
grep -q '^tcpledger [0-9]' out || fail "--version"

# Filters.
run 0 "$fixtures/http-page.pcap" --filter 'tcp port 1' -o filter.db
is filter.db "SELECT count(*) FROM session" 0
run 1 "$fixtures/http-page.pcap" --filter 'no such words' -o none.db
[ ! -e none.db ] || fail "a database in spite of a wrong filter"

# A disk that is full just before the end, and one that has no room for the tables: one message, and what is there is whole.
run 0 --batch-bytes 16K -z 0 "$fixtures/http-page.pcap" -o roomy.db
blocks=$(($(wc -c <roomy.db) / 512))
for room in $((blocks - 100)) 100; do
    rm -f full.db
    got=0
    (
        trap '' XFSZ
        ulimit -f "$room" # blocks of 512 bytes in sh
        "$ingest" --batch-bytes 16K -z 0 "$fixtures/http-page.pcap" -o full.db 2>err
    ) || got=$?
    [ "$got" = 1 ] || fail "exit $got on a full disk"
    one_line
    says 'full.db'
    is full.db "PRAGMA integrity_check" ok
    # It goes on where there is room.
    cp full.db later.db
    run 0 "$fixtures/http-one.pcap" -o later.db
    is later.db "SELECT count(*) FROM capture WHERE state = 'complete'" 1
done
