#!/bin/sh
# Each file of queries/ on a database that is known: what it says by name is tests/golden/queries/NAME.txt, and the stock shell says the same.
# UPDATE=1 writes the golden files anew.
set -u
query=$1/tcpledger-query
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
command -v python3 >/dev/null 2>&1 || { echo "python3 is not installed"; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
db=$tmp/queries.db
failed=0
fail() { echo "FAILED: $*"; failed=1; }

{ cat schema/0*.sql schema/views.sql tests/support/sample.sql tests/golden/queries.sql
  echo "PRAGMA user_version = $(ls schema/0*.sql | wc -l);"; } | sqlite3 -bail "$db" || { echo "no database"; exit 1; }
"$query" "$db" verify || fail "the database is not sound"

questions=0
"$query" "$db" queries --format csv >"$tmp/list"
for file in queries/*.sql; do
    name=$(basename "$file" .sql)
    head -n 1 "$file" | grep -q '^-- title: .' || fail "$name has no title"
    grep -q "^$name," "$tmp/list" || fail "$name is not listed"
    case $name in check_*) # says nothing of a sound database, here and in the stock shell
        [ -z "$(sqlite3 -bail "$db" <"$file" 2>&1)" ] || fail "sqlite3 < $file"
        continue ;;
    esac
    questions=$((questions + 1))
    "$query" "$db" run "$name" --format csv >"$tmp/$name.txt" 2>"$tmp/err" || { fail "run $name: $(cat "$tmp/err")"; continue; }
    [ "$(wc -l <"$tmp/$name.txt")" -gt 1 ] || fail "$name finds nothing: tests/golden/queries.sql lacks something for it"
    [ -z "${UPDATE:-}" ] || cp "$tmp/$name.txt" "tests/golden/queries/$name.txt"
    diff "tests/golden/queries/$name.txt" "$tmp/$name.txt" || fail "$name"
    sqlite3 -bail -json "$db" <"$file" >"$tmp/$name.stock" 2>"$tmp/err" || fail "sqlite3 < $file: $(cat "$tmp/err")"
    "$query" "$db" run "$name" --format json >"$tmp/$name.ours"
done
# The stock shell shows text raw: what it obeys is escaped here before the two are compared.
python3 - "$tmp" $questions <<'PY' || fail "the stock shell says otherwise"
import glob, json, sys
def answers(file):
    return json.loads(open(file, encoding="utf-8", errors="surrogateescape").read() or "[]")
safe = lambda v: "".join(c if c.isprintable() else "".join(f"\\x{b:02x}" for b in c.encode()) for c in v) if isinstance(v, str) else v
files = glob.glob(sys.argv[1] + "/*.stock")
assert len(files) == int(sys.argv[2]), "an answer is missing"
for file in files:
    stock = [{k: safe(v) for k, v in row.items()} for row in answers(file)]
    ours = answers(file[:-5] + "ours")
    assert stock == ours, (file, stock, ours)
PY
[ $questions -ge 25 ] || fail "only $questions questions"
for golden in tests/golden/queries/*.txt; do
    [ -f "queries/$(basename "$golden" .txt).sql" ] || fail "$golden is of no query"
done
[ $failed -eq 0 ] && echo "$questions queries, all good"
exit $failed
