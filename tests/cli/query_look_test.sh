#!/bin/sh
# How tcpledger-query looks: help of every command, guesses at mistyped words, and what only a terminal gets (colours, humane numbers,
# a pager).
set -u
query=$1/tcpledger-query
for tool in sqlite3 python3; do command -v $tool >/dev/null 2>&1 || { echo "$tool is not installed"; exit 77; }; done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
db=$work/sample.db
failed=0
fail() { echo "FAILED: $*"; failed=1; }
{ cat schema/0*.sql schema/views.sql tests/support/sample.sql; echo "PRAGMA user_version = $(ls schema/0*.sql | wc -l);"; } | sqlite3 "$db" || { echo "no sample"; exit 1; }

# ---- each command has help with its usage and an example, wherever --help stands, and needs no database for it
"$query" --help >"$work/help" || fail "--help"
commands=$(awk '/^  [a-z]/ { print $1 }' "$work/help")
[ "$(echo "$commands" | wc -l)" -ge 10 ] || fail "commands in --help: $commands"
for command in $commands; do
  "$query" no.db "$command" --help >"$work/out" 2>"$work/err" || fail "$command --help"
  [ ! -s "$work/err" ] || fail "$command --help: $(cat "$work/err")"
  grep -q "^Usage: tcpledger-query DB $command" "$work/out" || fail "no usage: $command"
  grep -q "^  tcpledger-query page.db $command" "$work/out" || fail "no example: $command"
  if grep -q '.\{121\}' "$work/out"; then fail "too wide: $command"; fi
  "$query" "$command" --help | cmp -s - "$work/out" || fail "$command --help without a database"
  "$query" --help no.db "$command" --lossy | cmp -s - "$work/out" || fail "--help first: $command"
done

# ---- guesses
"$query" grep --help >"$work/grep"
while read -r wrong meant; do
  "$query" "$db" $wrong >"$work/out" 2>"$work/err"
  [ $? -eq 2 ] || fail "status of $wrong"
  if [ "$meant" = - ]; then
    if grep -q "did you mean" "$work/err"; then fail "a wild guess: $(cat "$work/err")"; fi
  else
    grep -q "did you mean '*$meant'*?" "$work/err" || fail "$wrong: $(cat "$work/err")"
  fi
done <<TEXT
sesions sessions
mess messages
paylaod payload
zzz -
x -
TEXT
"$query" "$db" run larg 2>"$work/err"; grep -q "did you mean 'largest_losses'?" "$work/err" || fail "run larg: $(cat "$work/err")"
"$query" "$db" sessions 2 2>"$work/err"; grep -q "did you mean 'session 2'?" "$work/err" || fail "sessions 2: $(cat "$work/err")"
"$query" sessions "$db" 2>"$work/err"; grep -q "database comes first: tcpledger-query $db sessions" "$work/err" || fail "the wrong order: $(cat "$work/err")"
"$query" sessions 2>"$work/err"; grep -q "say which database: tcpledger-query DB sessions" "$work/err" || fail "no database: $(cat "$work/err")"
"$query" "$db" info now 2>"$work/err"; grep -q "DB info$" "$work/err" || fail "info now: $(cat "$work/err")"
"$query" "$db" sessions --until noon 2>"$work/err"; grep -q "such as 2024-05-13T10:17:07.5Z" "$work/err" || fail "noon: $(cat "$work/err")"
"$query" help grep | cmp -s - "$work/grep" || fail "help grep"
"$query" "$db" help grep | cmp -s - "$work/grep" || fail "DB help grep"
"$query" help | cmp -s - "$work/help" || fail "help"
"$query" "$db" sessions --limt 3 2>"$work/err"; grep -q "did you mean --limit?" "$work/err" || fail "--limt: $(cat "$work/err")"
"$query" "$db" sessions --limit 2>"$work/err"; grep -q "needs a value" "$work/err" || fail "--limit: $(cat "$work/err")"
"$query" "$db" "$(printf '\033[31m')" 2>"$work/err"; grep -q "no command '.x1b\[31m'" "$work/err" || fail "escape: $(cat "$work/err")"

# ---- a terminal
unset NO_COLOR PAGER LESS
TERM=xterm; export TERM
terminal() { python3 tests/cli/query_pty.py "$@" >"$work/tty"; }
escape=$(printf '\033')
says() { grep -qF -- "$1" "$work/tty" || fail "not on the terminal: $1: $(cat -v "$work/tty")"; }
says_not() { if grep -qF -- "$1" "$work/tty"; then fail "on the terminal: $1: $(cat -v "$work/tty")"; fi; }
terminal "$query" "$db" --no-pager session 2; says "${escape}[1m"; says "5.00 GB"
terminal "$query" "$db" --no-pager --color never session 2; says_not "$escape"; says "5.00 GB"
NO_COLOR=1 terminal "$query" "$db" --no-pager session 2; says_not "$escape"
TERM=dumb terminal "$query" "$db" --no-pager session 2; says_not "$escape"
NO_COLOR=1 terminal "$query" "$db" --no-pager --color always session 2; says "${escape}[1m"
for format in csv json jsonl; do
  terminal "$query" "$db" --no-pager session 2 --format $format; says_not "$escape"; says 5000000004
done
"$query" "$db" session 2 >"$work/tty"; says_not "$escape"; says 5000000004
"$query" "$db" session 2 --color always >"$work/tty"; says "${escape}[1m"; says 5000000004

terminal "$query" "$db" --no-pager --color never sessions --protocol nosuch; says "(no rows)"
terminal "$query" "$db" report; says "say -o FILE.html"; says_not "<html"
terminal "$query" "$db" --no-pager report --format table; says "Summary"
terminal "$query" "$db" --no-pager verify; [ ! -s "$work/tty" ] || fail "verify is not silent on a terminal: $(cat "$work/tty")"
terminal "$query" "$db" --no-pager diff "$db"; [ ! -s "$work/tty" ] || fail "diff is not silent on a terminal: $(cat "$work/tty")"
terminal "$query" "$db" --no-pager --color never frames 1; says "2024-05-13 10:17:07."; says_not "T10:17"
terminal "$query" "$db" --no-pager --color never sessions; says "(no room for:"; says "loss  "
terminal "$query" "$db" --no-pager grep GET; says "${escape}[31mGET${escape}[0m"

# ---- a pager: what it gets is what the terminal would get; one that is not there, or is left early, harms nothing
printf '#!/bin/sh\necho "paged:"\ncat\n' >"$work/pager"; chmod +x "$work/pager"
terminal "$query" --no-pager "$db" sessions; mv "$work/tty" "$work/direct"
PAGER=$work/pager terminal "$query" "$db" sessions || fail "status with a pager"
says "paged:"; grep -v "^paged:$" "$work/tty" | cmp -s - "$work/direct" || fail "the pager got something else"
PAGER="exec $work/pager; false" terminal "$query" "$db" sessions; says "paged:"
for none in "" cat "$work/nosuch" "nosuch-pager -x"; do
  PAGER=$none terminal "$query" "$db" sessions || fail "status without a pager: $none"
  cmp -s "$work/tty" "$work/direct" || fail "without a pager: $none"
done
PAGER="head -n 1" terminal "$query" "$db" sql "WITH RECURSIVE a(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM a LIMIT 200000) SELECT x FROM a" ||
  fail "a pager that was left early: $(cat -v "$work/tty")"
[ "$(wc -l <"$work/tty")" -eq 1 ] || fail "more than the pager's line: $(head -c 300 "$work/tty")"
PAGER=$work/pager terminal "$query" --no-pager "$db" sessions; says_not "paged:"
PAGER=$work/pager "$query" "$db" sessions </dev/null | grep -q "paged:" && fail "a pager in a pipe"
# Bytes from the wire stay escaped behind a pager.
PAGER=$work/pager terminal "$query" "$db" payload 2 --dir client; says 'paged:'; says '\x00\x1b[m'; says_not "${escape}[m"

[ $failed -eq 0 ] && echo "all good"
exit $failed
