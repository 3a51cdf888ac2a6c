#!/bin/sh
# tcpledger-query diff and merge: what differs is told and nothing else, and a merged database says all that both said, and is sound.
set -u
build=$1
query=$build/tcpledger-query
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
fail() { echo "FAILED: $*"; failed=1; }
expect() {
  wanted=$1; shift
  "$query" "$@" >"$work/out" 2>"$work/err" </dev/null
  status=$?
  [ "$status" -eq "$wanted" ] || fail "status $status instead of $wanted: $*: $(head -c 300 "$work/err")"
}
says() { grep -q -- "$1" "$work/out" || fail "not on stdout: $1: $(head -c 500 "$work/out")"; }
tells() { grep -q -- "$1" "$work/err" || fail "not on stderr: $1: $(head -c 300 "$work/err")"; }
lines() { [ "$(wc -l <"$work/out")" -eq "$1" ] || fail "$(wc -l <"$work/out") lines, not $1: $(head -c 500 "$work/out")"; }

{ cat schema/0*.sql schema/views.sql tests/support/sample.sql; echo "PRAGMA user_version = $(ls schema/0*.sql | wc -l);"; } | sqlite3 "$work/sample.db" || { echo "no sample"; exit 1; }
"$build/tcpledger-ingest" -q fixtures/http-lossy.pcap -o "$work/page.db" && "$build/tcpledger-ingest" -q fixtures/http-page.pcap -o "$work/whole.db" &&
  "$build/tcpledger-ingest" -q fixtures/http-segmented.pcap -o "$work/other.db" || fail ingest
cd "$work" || exit 1

# ---- diff: nothing
for format in table csv json jsonl; do expect 0 page.db diff page.db --format $format; done
expect 0 page.db diff page.db; lines 0
expect 0 sample.db diff sample.db --quick
# Other batches, other chunks, other numbers: the same.
cd - >/dev/null || exit 1
"$build/tcpledger-ingest" -q --batch-bytes 16K --compress 0 fixtures/http-segmented.pcap fixtures/http-lossy.pcap -o "$work/mixed.db" || fail "ingest mixed"
cd "$work" || exit 1
expect 1 page.db diff mixed.db --format csv
grep -v '^session_a\|^,[0-9]*,.*,session,,is there$' out && fail "more than sessions of one only"

# ---- diff: what there is
expect 1 page.db diff whole.db --format csv; says '^1,1,.*,server gap bytes,'; says ',server gap,2920+1460 acked,$'; says ',server bytes,[0-9a-f]*,[0-9a-f]*$'; says ',message '
expect 1 page.db diff whole.db --quick --format csv; grep -q ' bytes,[0-9a-f]\{64\}' out && fail "--quick reads payload"
cp page.db changed.db
sqlite3 changed.db "UPDATE gap SET reason = 'end' WHERE gap_id = 1; UPDATE message SET summary = 'GET /x' WHERE message_id = (1 << 32) + 1"
expect 1 page.db diff changed.db --format csv; lines 3; says ',message 1,'; says 'server gap,2920+1460 acked,2920+1460 end'
expect 1 page.db diff changed.db --format jsonl; lines 2
sqlite3 changed.db "UPDATE chunk SET data = zeroblob(raw_size) WHERE chunk_id = 1"
expect 1 page.db diff changed.db --format csv; lines 4
expect 1 page.db diff changed.db --format csv --quick; lines 3
expect 2 page.db diff no.db; tells "no.db"
expect 2 no.db diff page.db; tells "no.db"
expect 2 page.db diff

# ---- merge
expect 0 page.db merge other.db sample.db -o all.db
expect 0 all.db verify; [ ! -s out ] || fail "not sound: $(cat out)"
[ "$(sqlite3 all.db 'PRAGMA integrity_check; PRAGMA foreign_key_check')" = ok ] || fail "not sound for SQLite"
for table in capture session stream chunk gap stray message frame_count ingest; do
  sum=0
  for db in page other sample; do sum=$((sum + $(sqlite3 $db.db "SELECT count(*) FROM $table"))); done
  [ "$(sqlite3 all.db "SELECT count(*) FROM $table")" -eq $sum ] || fail "$table: not $sum rows"
done
# Each of them is in it, unchanged.
for db in page other sample; do
  expect 1 $db.db diff all.db --format csv
  grep -v '^session_a\|^,[0-9]*,.*,session,,is there$' out && fail "$db differs from the merged"
done
n=$(sqlite3 page.db "SELECT max(session_id) FROM session")
"$query" other.db payload 1 --dir server >one 2>err; "$query" all.db payload $((n + 1)) --dir server >two 2>err
cmp -s one two || fail "payload after the merge"
[ "$(sqlite3 all.db "SELECT count(*) FROM message WHERE session_id <> message_id >> 32 OR answers_message_id >> 32 <> session_id")" -eq 0 ] || fail "message numbers"
# The packets of a session are still found.
[ -d "$OLDPWD/fixtures" ] && (cd "$OLDPWD" && "$query" "$work/all.db" pcap $((n + 1)) -o "$work/p.pcapng") || fail "pcap after the merge"
# It can be gone on with.
(cd "$OLDPWD" && "$build/tcpledger-ingest" -q fixtures/http-one.pcap -o "$work/all.db") || fail "ingest into the merged"
expect 0 all.db verify; [ ! -s out ] || fail "not sound after an ingest: $(cat out)"

# ---- merge: refused
sum=$(cksum page.db other.db sample.db)
expect 1 page.db merge page.db -o new.db; tells "in another one"
expect 1 page.db merge other.db -o sample.db; tells "exists"
expect 1 page.db merge no.db -o new.db
expect 2 page.db merge other.db; tells "-o"
ln -s nowhere link.db
expect 1 page.db merge other.db -o link.db
cp sample.db bad.db
sqlite3 bad.db "PRAGMA ignore_check_constraints = ON; UPDATE message SET missing = -7 WHERE message_id = (SELECT min(message_id) FROM message)"
expect 1 page.db merge bad.db -o new.db; tells "damaged"
sqlite3 bad.db "PRAGMA foreign_keys = OFF; UPDATE session SET session_id = 2147483647 WHERE session_id = 4"
expect 1 page.db merge bad.db -o new.db; tells "do not fit"
[ ! -e new.db ] && [ ! -e nowhere ] || fail "what could not be finished was left"
[ "$(cksum page.db other.db sample.db)" = "$sum" ] || fail "a source was changed"
[ $failed -eq 0 ] && echo "all good"
exit $failed
