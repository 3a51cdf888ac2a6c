#!/bin/sh
# What each command says of fixtures/http-lossy.pcap, in all four formats, held against tests/golden/query/NAME.txt.
#   UPDATE_GOLDEN=1 sh tests/cli/query_golden_test.sh BUILD    writes the files anew: read the difference before you commit it
set -u
build=$(cd "$1" && pwd)
golden=$(pwd)/tests/golden/query
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
cp fixtures/http-lossy.pcap fixtures/http-page.pcap "$work" && cd "$work" || exit 1
"$build/tcpledger-ingest" http-lossy.pcap -o page.db 2>/dev/null || { echo "no database"; exit 1; }
# What is another on each run and with each version.
sqlite3 page.db "UPDATE ingest SET started_ns = 1721051000000000000, finished_ns = 1721051001500000000, tool_version = '0', options = '{}'"

# say WORDS...: the command as a person types it, all it says, and its status where that is not 0
say() {
  printf '$ tcpledger-query'
  for word in "$@"; do
    case $word in *[!A-Za-z0-9._/:-]*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
  done
  printf '\n'
  "$build/tcpledger-query" "$@" 2>&1 </dev/null
  status=$?
  [ $status -eq 0 ] || echo "(status $status)"
  printf '\n'
}
formats() { for format in table csv json jsonl; do say page.db "$@" --format $format; done; }

# held NAME: standard input against the golden file
held() {
  cat >said
  if [ -n "${UPDATE_GOLDEN:-}" ]; then
    mkdir -p "$golden" && cp said "$golden/$1.txt"
  elif ! diff -u "$golden/$1.txt" said >difference; then
    echo "FAILED: $1 (UPDATE_GOLDEN=1 writes it anew)"
    head -n 40 difference
    failed=1
  fi
}

{ formats sessions; formats sessions --lossy --limit 1; } | held sessions
formats session 1 | held session
{ formats messages 1; formats messages --where "detail->>'status' >= 400" --protocol http; } | held messages
{ formats exchanges; formats exchanges 3 --where "latency_ms > 9"; } | held exchanges
{ formats hosts; formats hosts --lossy --where "client_bytes > 1000"; } | held hosts
{ formats timeline --interval 10ms; formats timeline --host 192.168.56.1 --lossy --interval 50ms; } | held timeline
# Long: the beginning, and what is said of gaps.
begun() { awk 'NR <= 24 || /^! / || /missing/ { print substr($0, 1, 200) } END { print NR " lines" }'; }
{
  for form in text hex raw yaml; do say page.db follow 1 --as $form | begun; done
  for format in table csv json jsonl; do say page.db follow 1 --format $format | begun; done
  formats follow 1 --dir client
  say page.db follow 1 --dir client --as hex --format csv
  say page.db follow 1 --as yaml --format csv
} | held follow
{ formats frames 1 --limit 12; formats frames 1 --dir client; } | held frames
{ formats explain 1; say page.db explain 2; say page.db explain 4; say page.db explain 99; say page.db explain x; } | held explain
formats loss | held loss
{
  formats grep -C 8 PNG
  formats grep -e '^HTTP/1.1 [45][0-9][0-9] .*$' -C 0 --dir server
  formats grep --decoded -C 1l --limit 1 --protocol http "Lorem ipsum"
  formats grep nosuchbytes
} | held grep
{ formats objects; formats objects 3 --dir server --where "server_bytes > 100000"; say page.db objects --where "size > 9"; } | held objects
"$build/tcpledger-ingest" -q http-page.pcap -o other.db || echo "no other database"
{ formats diff other.db; formats diff page.db; say page.db diff other.db --quick; } | held diff
{ formats run largest_losses; formats run http_errors; say page.db run larg; } | held run
{ formats sql "SELECT protocol, count(*) AS sessions, sum(client_bytes) AS bytes FROM sessions GROUP BY 1"; say page.db sql "DELETE FROM session"; } | held sql
formats queries | held query-list
formats report | held report
formats info | held info
formats verify | held verify

[ $failed -eq 0 ] && echo "all good"
exit $failed
