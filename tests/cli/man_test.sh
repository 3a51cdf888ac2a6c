#!/bin/sh
# The manual pages name every option, command, query, table, view and column, and mandoc finds no fault in them.
set -u
man=$1/man
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
fail() { echo "FAILED: $*"; failed=1; }
named() { grep -qE -- "$2" "$man/$1" || fail "$1 does not name $3"; }

for option in $("$1/tcpledger-ingest" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
    named tcpledger-ingest.1 "^\.It (Fl [a-zA-Z] , )?Fl $(echo "$option" | cut -c2-)( |\$)" "$option"
done
commands=$("$1/tcpledger-query" --help | sed -n 's/^  \([a-z][a-z_-]*\) .*/\1/p')
[ -n "$commands" ] || fail "no commands"
for command in $commands; do
    named tcpledger-query.1 "^\.Ss $command( |\$)" "the command $command"
    for option in $("$1/tcpledger-query" "$command" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
        awk -v name="$command" '/^\.S[sh] /{ on = $1 == ".Ss" && $2 == name } on' "$man/tcpledger-query.1" >"$tmp/section"
        grep -qE -- "^\.It (Fl [a-zA-Z] , )?Fl $(echo "$option" | cut -c2-)( |\$)" "$tmp/section" || fail "$command: $option is not in its section"
    done
done
for query in queries/*.sql; do named tcpledger-query.1 "^\.It $(basename "$query" .sql)\$" "$query"; done

cat schema/0*.sql schema/views.sql | sqlite3 "$tmp/db"
for name in $(sqlite3 "$tmp/db" "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'"); do
    awk -v name="$name" '/^\.S[sh] /{ on = $1 == ".Ss" && $2 == name } on' "$man/tcpledger.5" >"$tmp/section"
    [ -s "$tmp/section" ] || fail "tcpledger.5 does not have $name"
    sqlite3 "$tmp/db" "SELECT name FROM pragma_table_info('$name')" >"$tmp/columns"
    while IFS= read -r column; do
        grep -qE -e "Va $column( |\$)" "$tmp/section" || fail "tcpledger.5: $name.$column"
    done <"$tmp/columns"
done
if command -v mandoc >/dev/null 2>&1; then
    for page in tcpledger-ingest.1 tcpledger-query.1 tcpledger.5; do
        mandoc -T lint -W warning "$man/$page" >"$tmp/lint" || fail "$page: $(head -5 "$tmp/lint")"
    done
fi
[ $failed -eq 0 ] && echo "all good"
exit $failed
