#!/bin/sh
# tcpledger-query from the outside: exit status, formats, what goes to stdout and what to stderr.  No ingest: the hand-made sample.
set -u
query=$1/tcpledger-query
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
db=$work/sample.db
failed=0

fail() { echo "FAILED: $*"; failed=1; }
# expect STATUS WORDS... : runs the program with WORDS; stdout and stderr are kept.
expect() {
  wanted=$1; shift
  "$query" "$@" >"$work/out" 2>"$work/err" </dev/null
  status=$?
  [ "$status" -eq "$wanted" ] || fail "status $status instead of $wanted: $*: $(head -c 300 "$work/err")"
}
says() { grep -q -- "$1" "$work/out" || fail "not on stdout: $1"; }
tells() { grep -q -- "$1" "$work/err" || fail "not on stderr: $1: $(head -c 300 "$work/err")"; }
silent() { [ ! -s "$work/out" ] && [ ! -s "$work/err" ] || fail "not silent: $(head -c 300 "$work/out" "$work/err")"; }

{ cat schema/0*.sql schema/views.sql tests/support/sample.sql; echo "PRAGMA user_version = $(ls schema/0*.sql | wc -l);"; } | sqlite3 "$db" || { echo "no sample"; exit 1; }

# ---- wrong use: 2 and one line
for words in "" "$db" "$db nosuch" "$db session" "$db sessions 1" "$db payload 1 2" "$db --format xml sessions" "$db sessions --port 70000" \
             "$db sessions --since yesterday" "$db sessions --host example.org" "$db messages --dir client" "$db payload 1 --format csv" \
             "$db sessions --nosuch" "$db payload 1" "$db payload 1 --body" "$db loss --by colour" "$db run nosuch" "$db payload 1 --gaps maybe"; do
  # shellcheck disable=SC2086
  expect 2 $words
  [ "$(wc -l <"$work/err")" -eq 1 ] || fail "not one line for '$words': $(cat "$work/err")"
  [ ! -s "$work/out" ] || fail "stdout for '$words'"
done
expect 2 "$db" sessions --where "1) OR (1"
tells "where:"
expect 2 "$db" objects --where "size > 1"
tells "no such column: size in the view 'sessions'"
expect 2 "$db" sql "DELETE FROM session"
tells "not authorized\|refused"
expect 0 --help; says "Usage:"
expect 0 "$db" --help; says "Usage:"
expect 0 --version; says "tcpledger-query [0-9]"

# ---- databases that cannot be read: 1 and one line
echo "no database" >"$work/text"
: >"$work/empty"
sqlite3 "$work/newer" "PRAGMA application_id = 0x54434C47; PRAGMA user_version = 99; CREATE TABLE t (a)"
sqlite3 "$work/other" "CREATE TABLE t (a)"
head -c 9000 "$db" >"$work/cut"
mkdir "$work/folder"
for name in text empty newer other cut folder missing; do
  expect 1 "$work/$name" info
  [ "$(wc -l <"$work/err")" -eq 1 ] || fail "not one line for $name: $(cat "$work/err")"
done
expect 1 "$work/newer" info; tells "newer"
[ ! -e "$work/missing" ] || fail "a missing database was made"

# ---- what the commands say
expect 0 "$db" sessions; says "10.0.0.1:40000"
expect 0 "$db" sessions --lossy --limit 1 --format csv
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "--lossy --limit 1: $(cat "$work/out")"
expect 0 --format jsonl "$db" sessions --host 2001:db8::1; says '"session_id":2'
expect 0 "$db" sessions --where "unknown_loss > 0" --format csv; says "^2,"
expect 0 "$db" session 2 --format csv; says ",client,message 1,turn,"
expect 0 "$db" session 1; says "capture loss: acked, between frames 7 and 9"; says "^stray  *10.0.0\|stray"
expect 1 "$db" session 77; tells "no session 77"
expect 0 "$db" messages 1 --format csv
[ "$(wc -l <"$work/out")" -eq 5 ] || fail "messages 1"
expect 0 "$db" info; says "second.pcapng"
expect 0 "$db" loss; says "capture_loss"
expect 0 "$db" loss --by host --format csv; says "^192.0.2.80,"
cp "$work/out" "$work/hosts"
expect 0 "$db" sql "SELECT * FROM loss_by_host WHERE gaps > 0 ORDER BY capture_loss DESC, unknown_loss DESC, host" --format csv
cmp -s "$work/out" "$work/hosts" || fail "loss --by host is not the view"
expect 0 "$db" queries; says "check_tiling"
expect 0 "$db" run http_errors; says "404 Not Found"
expect 0 "$db" sql "SELECT count(*) AS n FROM chunk" --format json; says '\[{"n":6}\]'
expect 0 "$db" verify; silent
expect 0 "$db" verify --format json; silent

for view in $(sqlite3 "$db" "SELECT name FROM sqlite_schema WHERE type = 'view'"); do
  sqlite3 "$db" "PRAGMA trusted_schema = OFF; SELECT * FROM $view" >/dev/null || fail "view $view"
done

# ---- formats are what they say, and in none of them is anything that a terminal obeys
for words in sessions messages info loss queries "session 1" "session 2" "session 3" "session 4" "run top_talkers" "run unanswered" "run conflicts"; do
  for format in table csv json jsonl; do
    # shellcheck disable=SC2086
    expect 0 "$db" $words --format $format
    cp "$work/out" "$work/$(echo "$words" | tr ' ' -).$format"
  done
done
for format in table csv json jsonl; do
  expect 0 "$db" sql "SELECT data, CAST(data AS TEXT) AS t FROM chunk" --format $format
  cp "$work/out" "$work/blobs.$format"
done
bad=$(LC_ALL=C grep -alP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' "$work"/*.table "$work"/*.csv "$work"/*.json "$work"/*.jsonl)
[ -z "$bad" ] || fail "control bytes: $bad"
if command -v python3 >/dev/null 2>&1; then
  python3 - "$work" <<'PY' || fail "not JSON"
import glob, json, sys
files = glob.glob(sys.argv[1] + "/*.json") + glob.glob(sys.argv[1] + "/*.jsonl")
assert len(files) == 26, files
for file in files:
    text = open(file).read()
    try:
        [json.loads(one) for one in (text.splitlines() if file.endswith("l") else [text])]
    except ValueError as e:
        sys.exit(f"{file}: {e}")
PY
fi
# A terminal: no line is wider, payload is escaped.
if command -v script >/dev/null 2>&1; then
  script -qec "stty cols 70; NO_COLOR=1 $query --no-pager $db sessions" /dev/null </dev/null | tr -d '\r' >"$work/tty"
  [ -s "$work/tty" ] || fail "nothing on a terminal"
  awk 'length($0) > 70 && !/^\(no room/ { bad = 1 } END { exit bad }' "$work/tty" || fail "wider than the terminal: $(cat "$work/tty")"
  script -qec "$query --no-pager $db payload 2 --dir client" /dev/null </dev/null | tr -d '\r' >"$work/tty"
  grep -q '\\x00\\x1b\[m' "$work/tty" || fail "payload on a terminal: $(od -c "$work/tty" | head)"
fi

# ---- payload: the bytes and nothing else
expect 0 "$db" payload 1 --message 4 --body
printf none | cmp -s - "$work/out" || fail "body of message 4"
expect 0 "$db" payload 1 --message 2 --body
[ "$(wc -c <"$work/out")" -eq 500 ] || fail "gap skipped"
tells "100 of 600 bytes are missing (skipped)"
expect 0 "$db" payload 1 --message 2 --body --gaps zero -o "$work/body"
[ "$(wc -c <"$work/body")" -eq 600 ] || fail "gap as zeros"
[ "$(tr -d '\000' <"$work/body" | wc -c)" -eq 500 ] || fail "zeros in the gap"
expect 0 "$db" payload 1 --dir client
[ "$(wc -c <"$work/out")" -eq 97 ] || fail "stream of the client"
expect 0 "$db" payload 4; [ "$(wc -c <"$work/out")" -eq 54 ] || fail "the only direction with bytes"
expect 0 "$db" payload 3; silent
expect 2 "$db" payload 1 --message 4 --dir client; tells "sent by the server"
expect 1 "$db" payload 1 --message 99; tells "no message 99"
# Five gigabytes of nothing take no room and no time.
expect 0 "$db" payload 2 --dir client --gaps zero -o "$work/huge"
[ "$(wc -c <"$work/huge")" -eq 5000000004 ] || fail "length of a huge hole"
[ "$(du -k "$work/huge" | cut -f1)" -lt 1000 ] || fail "a huge hole takes room"
before=$(cksum <"$db")
expect 2 "$db" payload 1 --dir client -o "$db"; tells "the database itself"
ln "$db" "$work/link" && expect 2 "$db" payload 1 --dir client -o "$work/link"
[ "$(cksum <"$db")" = "$before" ] || fail "the database was changed"

# Who stopped midway does not know what is missing in all.
cp "$db" "$work/damaged"
sqlite3 "$work/damaged" "UPDATE chunk SET data = X'789c00' WHERE session_id = 1 AND direction = 1 AND stream_offset = 440"
expect 1 "$work/damaged" payload 1 --dir server; tells "cannot be unpacked"
[ "$(wc -l <"$work/err")" -eq 1 ] || fail "not one line for a damaged chunk: $(cat "$work/err")"

# ---- a reader that goes away is no failure; a full disk is
"$query" "$db" payload 2 --dir client --gaps zero 2>"$work/err" | head -c 10 >/dev/null
[ ! -s "$work/err" ] || grep -q "missing" "$work/err" || fail "EPIPE: $(cat "$work/err")"
"$query" "$db" sql "WITH RECURSIVE a(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM a LIMIT 200000) SELECT x FROM a" 2>"$work/err" | head -n 1 >/dev/null
[ ! -s "$work/err" ] || fail "EPIPE: $(cat "$work/err")"
if [ -w /dev/full ]; then
  "$query" "$db" info >/dev/full 2>"$work/err" && fail "a full disk went unnoticed"
  "$query" "$db" payload 1 --dir client >/dev/full 2>"$work/err" && fail "a full disk went unnoticed (payload)"
fi

# ---- verify finds what is wrong
cp "$db" "$work/bad.db"
sqlite3 "$work/bad.db" "UPDATE gap SET length = 99 WHERE gap_id = 1"
expect 1 "$work/bad.db" verify; says "do not tile"
expect 1 "$work/bad.db" verify --format jsonl; says '"section":"check_tiling"'
sqlite3 "$db" "UPDATE chunk SET data = X'00' WHERE chunk_id = 4"
expect 1 "$db" verify
expect 0 "$db" verify --quick

[ $failed -eq 0 ] && echo "all good"
exit $failed
