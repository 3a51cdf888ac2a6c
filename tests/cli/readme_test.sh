#!/bin/sh
# What the README shows is what a user gets: its SQL runs in the stock shell, its example's figures are those of the programs.
set -eu
build=$1
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
db=$tmp/page.db
"$build/tcpledger-ingest" fixtures/http-lossy.pcap -o "$db" 2>"$tmp/summary"
grep -q 'page.db: 234 frames, 3 sessions, 277100 payload bytes, 11 messages, 4 gaps (5840 bytes missing)' "$tmp/summary"

sed -n '/^```sql/,/^```/p' README.md | grep -v '^```' >"$tmp/ten.sql"
[ "$(grep -c ';$' "$tmp/ten.sql")" -ge 10 ]
sqlite3 -bail "$db" <"$tmp/ten.sql" >"$tmp/answers"
grep -q '404|/svg/binary-desktop.svg' "$tmp/answers"

sqlite3 "$db" "SELECT sender, stream_offset, length, reason, proof_frame FROM gaps WHERE session_id = 1" >"$tmp/gaps"
sed -n 's/^    \(server|.*\)/\1/p' README.md | diff - "$tmp/gaps"

"$build/tcpledger-query" "$db" messages 1 >"$tmp/table"
sed -n '/^    session_id  number/,/^$/p' README.md | sed 's/^    //; s/ *$//; /^$/d' | while IFS= read -r line; do
    grep -qF -- "$line" "$tmp/table" || { echo "not as shown: $line"; exit 1; }
done

# Each question of the example, asked; each line shown under it is in the answer.
build_path=$(cd "$build" && pwd)
ln -s "$PWD/fixtures" "$tmp/fixtures"
sed -n '/^Of the same example:/,/^!\[/p' README.md | sed -n 's/^    //p' >"$tmp/example"
asked=0
while IFS= read -r line; do
    case $line in
    '$ '*)
        asked=$((asked + 1))
        (cd "$tmp" && PATH=$build_path:$PATH sh -c "${line#??}") >"$tmp/answer" 2>&1 </dev/null || { echo "failed: $line: $(cat "$tmp/answer")"; exit 1; }
        ;;
    *) sed 's/ *$//' "$tmp/answer" | grep -qxF -- "$line" || { echo "not as shown: $line"; exit 1; } ;;
    esac
done <"$tmp/example"
[ "$asked" -eq 7 ] && [ -s "$tmp/two.pcapng" ] && [ -s "$tmp/lossy.zip" ] && [ -s "$tmp/report.html" ]

# The first command, but for what it installs and builds.
sh scripts/demo.sh "$build_path" >"$tmp/demo"
grep -q "capture loss" "$tmp/demo" && grep -q '<svg' "$build/demo/report.html" && "$build/tcpledger-query" "$build/demo/page.db" verify

"$build/tcpledger-ingest" --trace 1 fixtures/http-lossy.pcap >"$tmp/trace"
sed -n "/tcpledger-ingest --trace/,/^\$/p" README.md | grep -v -e tcpledger -e "\.\.\.$" -e "^\$" | sed "s/^    //" | while IFS= read -r line; do
    grep -qxF -- "$line" "$tmp/trace" || { echo "not in the trace: $line"; exit 1; }
done
"$build/tcpledger-query" "$db" payload 3 --message 2 --body -o "$tmp/img2.png"
[ "$(wc -c <"$tmp/img2.png")" = 115990 ]
for query in queries/*.sql; do
    sqlite3 -bail "$db" <"$query" >/dev/null || { echo "$query does not run in the stock shell"; exit 1; }
done
