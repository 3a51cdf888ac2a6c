#!/bin/sh
# grep from the outside: every format, what is searched and said, wrong use, nothing that a terminal obeys.
set -u
query=$1/tcpledger-query
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
db=$work/page.db
failed=0

fail() { echo "FAILED: $*"; failed=1; }
expect() {
  wanted=$1; shift
  "$query" "$@" >"$work/out" 2>"$work/err" </dev/null
  status=$?
  [ "$status" -eq "$wanted" ] || fail "status $status instead of $wanted: $*: $(head -c 300 "$work/err")"
}
says() { grep -qF -- "$1" "$work/out" || fail "not on stdout: $1: $(head -c 600 "$work/out")"; }
tells() { grep -qF -- "$1" "$work/err" || fail "not on stderr: $1: $(head -c 300 "$work/err")"; }

"$1/tcpledger-ingest" --quiet fixtures/http-lossy.pcap -o "$db" || exit 1

# ---- the hits, and what they say
expect 0 "$db" grep '\x89PNG\r\n' --format csv
says 'session_id,sender,stream_offset,number,before,match,after,time,capture_id,frame,length,body_offset'
says '3,server,274,2,'
says ',\x89PNG\x0d\x0a,'
says ',2024-07-15T13:41:06.503749000Z,1,40,6,'
[ "$(wc -l <"$work/out")" -eq 3 ] || fail "two pictures"
tells "2 hits; searched 277100 of 282940 bytes (97.94 %) of 6 streams; next to gaps: 0 of the hits, 6 of 10 stretches"
expect 0 "$db" grep --limit 1 PNG; tells " 1 hit; "; tells "stopped before the end"
expect 0 "$db" grep nosuchbytes; tells "0 hits; searched 277100 of 282940"
expect 0 "$db" grep -e '^content-type' --dir server; tells "0 hits"
expect 0 "$db" grep -e '(?i)^content-type: image/\w+$' --dir server -C 0 --format csv
[ "$(grep -c ',"",Content-Type: image/[a-z]*,"",' "$work/out")" -eq 3 ] || fail "types of pictures: $(cat "$work/out")"
expect 0 "$db" grep --regex -C 1l '404' --dir server --format jsonl
says '"match":"404"'
says '"before":"'
# A pattern from one frame into the next: the last bytes of frame 40's segment and the first of the next.
"$query" "$db" payload 3 --dir server >"$work/stream"
needle=$(dd if="$work/stream" bs=1 skip=1452 count=16 2>/dev/null | od -An -v -tx1 | tr -d '\n' | sed 's/ /\\x/g')
expect 0 "$db" grep "$needle" --format csv; says '3,server,1452,2,'
# What a gap cuts is not found: the byte before it and the byte after it are no neighbours.
gap=$(sqlite3 "$db" "SELECT stream_offset FROM gap WHERE session_id = 1 AND direction = 1 ORDER BY 1 LIMIT 1" 2>/dev/null)
if [ -n "$gap" ]; then
  "$query" "$db" payload 1 --dir server 2>/dev/null | dd bs=1 skip=$((gap - 8)) count=16 2>/dev/null | od -An -v -tx1 | tr -d '\n' | sed 's/ /\\x/g' >"$work/needle"
  expect 0 "$db" grep "$(cat "$work/needle")"; tells "0 hits"
  head -c 32 "$work/needle" >"$work/half"
  expect 0 "$db" grep "$(cat "$work/half")" --dir server; tells "next to gaps: 1 of the hits"
fi
expect 2 "$db" sql 'SELECT tl_sieve(session_id, direction, stream_offset, raw_size, data) FROM chunk'; tells "for searches only"
# -i: bytes and expressions, with what a pattern may hold.
expect 0 "$db" grep -i 'http/1.1 404 NOT found\r\nCONTENT' --format csv; says '1,server,93140,5,'; tells "1 hit;"
expect 0 "$db" grep 'http/1.1 404 NOT found'; tells "0 hits"
expect 0 "$db" grep -i -e '^content-TYPE: image/(png|JPEG)$'; tells "3 hits"
expect 0 "$db" grep -i '\x89png'; tells "2 hits"
expect 0 "$db" grep --ignore-case -F 'h.tp'; tells "0 hits"
expect 2 "$db" grep -i 'a\d'; tells "backslash at byte 2"
expect 2 "$db" grep -i ''; tells "empty"
expect 2 "$db" grep -i -e '('; tells "wrong at byte"
# Filters are those of sessions.
expect 0 "$db" grep HTTP --where 'session_id = 2'; tells "2 hits"
expect 0 "$db" grep HTTP --port 1; tells "of 0 bytes"
expect 0 "$db" grep HTTP --protocol nosuch; tells "0 hits"

# ---- JSON tells both in one object, JSON lines the summary last
if command -v python3 >/dev/null 2>&1; then
  expect 0 "$db" grep HTTP --format json
  python3 - "$work/out" <<'PY' || fail "not the JSON we mean"
import json, sys
d = json.load(open(sys.argv[1]))
t = d["searched"][0]
assert len(d["hits"]) == t["hits"] == 11 and t["searched_bytes"] == 277100 and t["finished"] == 1 and 0.97 < t["share"] < 0.98
PY
  [ ! -s "$work/err" ] || fail "JSON needs no stderr"
  expect 0 "$db" grep HTTP --format jsonl
  python3 - "$work/out" <<'PY' || fail "not the JSON lines we mean"
import json, sys
rows = [json.loads(x) for x in open(sys.argv[1])]
assert [r["section"] for r in rows] == ["hits"] * 11 + ["searched"]
PY
fi

# ---- wrong use: 2 and one line
for words in "grep" "grep a b" "grep a --dir x" "grep a -C x" "grep a -C" "grep -e (" "grep a\\d" "grep a --by host" "grep a --context 4x"; do
  # shellcheck disable=SC2086
  expect 2 "$db" $words
  [ "$(wc -l <"$work/err")" -eq 1 ] || fail "not one line for '$words': $(cat "$work/err")"
done
expect 2 "$db" grep ''; tells "empty"
expect 2 "$db" grep a --where "1) OR (1"

# ---- nothing that a terminal obeys
for format in table csv json jsonl; do
  expect 0 "$db" grep -e '[\x00-\x1f\x7f-\xff]+' --format $format
  if LC_ALL=C grep -aqP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' "$work/out"; then fail "control bytes: $format"; fi
done

# ---- a reader that leaves; a damaged chunk
"$query" "$db" grep -e . 2>/dev/null | head -n 3 >/dev/null
if command -v sqlite3 >/dev/null 2>&1; then
  sqlite3 "$db" "UPDATE chunk SET arrivals = X'00' WHERE session_id = 3"
  expect 1 "$db" grep PNG; tells "damaged: the arrivals of a chunk"
  sqlite3 "$db" "UPDATE chunk SET raw_size = raw_size + 9 WHERE session_id = 3"
  expect 1 "$db" grep PNG; tells "damaged"
fi

[ $failed -eq 0 ] && echo "all good"
exit $failed
