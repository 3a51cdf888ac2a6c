#!/bin/sh
# All 256 byte values in payload and in text columns: no command puts a raw control byte (but newline and tab) on a terminal or into a
# table, csv or JSON, with colours or without; and what a person's own expression costs is limited.
set -u
query=$1/tcpledger-query
for tool in sqlite3 python3; do command -v $tool >/dev/null 2>&1 || { echo "$tool is not installed"; exit 77; }; done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
db=$work/hostile.db
failed=0
fail() { echo "FAILED: $*"; failed=1; }
TERM=xterm; export TERM
unset NO_COLOR PAGER

# The 54 bytes of session 4's request become all 256 values, then the same as lines; its texts, and the capture's path, likewise.
all=$(awk 'BEGIN { for (i = 0; i < 256; i++) printf "%02X", i; for (i = 0; i < 256; i++) printf "%02X0D0A", i }')
{ cat schema/0*.sql schema/views.sql tests/support/sample.sql; echo "PRAGMA user_version = $(ls schema/0*.sql | wc -l);"; } | sqlite3 "$db" || { echo "no sample"; exit 1; }
sqlite3 "$db" "UPDATE chunk SET data = X'$all', raw_size = 1024, arrivals = X'8008000000' WHERE session_id = 4;
UPDATE stream SET length = 1034, stored_bytes = 1024, gap_bytes = 10, captured_bytes = 1024 WHERE session_id = 4 AND direction = 0;
INSERT INTO gap VALUES (9, 4, 0, 1024, 10, 'acked', 2, 3, 2, 2, NULL, NULL, 1715595436123457789, NULL, 2, 3);
UPDATE message SET summary = CAST(X'1b5b33316d009b1b5d303b610a0d090808e280ae' AS TEXT), detail = '{\"a\":\"' || char(27) || '[2J\"}' WHERE session_id = 4;
UPDATE message SET protocol = char(27) || '[5m', kind = 'request' WHERE session_id = 4;
UPDATE session SET protocol = char(27) || 'c', history = char(155) || '31m', vlan = char(7) WHERE session_id = 4;
UPDATE capture SET path = '/tmp/' || char(27) || ']0;x' || char(7) || '.pcap'" || fail "no hostile database"

# clean FILE WHAT: our own colours are taken off first, and only those
clean() {
  escape=$(printf '\033')
  sed "s/$escape\[\(0\|1\|2\|7\|31\|33\|34\)m//g" "$1" >"$work/plain"
  if LC_ALL=C grep -aqP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' "$work/plain"; then
    fail "control bytes: $2: $(LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]' "$work/plain" | head -n 2 | cat -v | cut -c1-300)"
  fi
}

shown=0
while read -r words; do
  # shellcheck disable=SC2086
  python3 tests/cli/query_pty.py "$query" --no-pager "$db" $words >"$work/out" || fail "status: $words"
  [ -s "$work/out" ] || fail "nothing: $words"
  clean "$work/out" "$words on a terminal"
  shown=$((shown + 1))
  case $words in payload*) continue ;; esac
  for format in table csv json jsonl; do
    # shellcheck disable=SC2086
    "$query" --color always "$db" $words --format $format >"$work/out" || fail "status: $words $format"
    clean "$work/out" "$words --format $format"
  done
done <<WORDS
sessions
session 4
messages
messages 4
exchanges
hosts
timeline
payload 4
follow 4
frames 4
explain 9
loss
info
WORDS
for form in text hex raw yaml; do
  python3 tests/cli/query_pty.py "$query" --no-pager "$db" follow 4 --as $form >"$work/out" || fail "status: follow --as $form"
  clean "$work/out" "follow --as $form"
  "$query" "$db" follow 4 --as $form >"$work/out" 2>"$work/err"
  clean "$work/out" "follow --as $form in a pipe"
  clean "$work/err" "follow --as $form on stderr"
done
[ $shown -ge 13 ] || fail "only $shown commands"
# The gap is a line that no payload can be.
"$query" "$db" follow 4 | grep -q '^! 10 bytes of the client are missing' || fail "no gap in follow"
[ "$("$query" "$db" follow 4 | grep -c '^[^><!]')" -eq 6 ] || fail "lines of another kind: $("$query" "$db" follow 4 | grep '^[^><!]')"

# ---- what an expression may cost: each command that takes one gives up in time
endless="(WITH RECURSIVE a(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM a) SELECT max(x) FROM a) > 0"
for command in sessions messages exchanges hosts timeline; do
  timeout 60 "$query" "$db" $command --timeout 1 --where "$endless" >"$work/out" 2>"$work/err"
  [ $? -eq 2 ] && grep -q "stopped after 1 seconds" "$work/err" || fail "no limit: $command: $(head -c 300 "$work/err")"
  "$query" "$db" $command --where "1) OR (1" >"$work/out" 2>"$work/err"
  [ $? -eq 2 ] || fail "an injection: $command"
done

[ $failed -eq 0 ] && echo "all good: $shown commands"
exit $failed
