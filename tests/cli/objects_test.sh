#!/bin/sh
# objects from the outside: every format, files that are what they say, and attacks on the folder they go to.
set -u
query=$(cd "$1" && pwd)/tcpledger-query || exit 1
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
command -v python3 >/dev/null 2>&1 || { echo "python3 is not installed"; exit 77; }
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

# ---- the list
expect 0 "$db" objects --format csv
says 'session_id,number,part,sender,protocol,kind,media_type,size,missing,expected,state,file,asked,sha256'
says '1,2,1,server,http,response,text/html,5420,1460,6880,holes,,GET /,'
says '3,2,1,server,http,response,image/png,115990,0,115990,whole,,GET /img2.png,56f51e5aecce3127b0326ac8914f99e36549a4877695a900257064e3f6c5be68'
[ "$(wc -l <"$work/out")" -eq 6 ] || fail "five objects"
expect 0 "$db" objects 3 --limit 1; says "GET /img2.png"
expect 0 "$db" objects --dir client --format json; says '[]'
expect 0 "$db" objects --where 'session_id = 2' --format jsonl
[ "$(wc -l <"$work/out")" -eq 1 ] || fail "--where"
expect 2 "$db" objects --body; expect 2 "$db" objects x; expect 1 "$db" objects 77

# ---- the files: what the manifest says of them is so
expect 0 "$db" objects --export "$work/files" --format json
python3 - "$work" <<'PY' || fail "files and manifest"
import hashlib, json, os, sys
folder = os.path.join(sys.argv[1], "files")
rows = json.load(open(os.path.join(sys.argv[1], "out")))
lines = [json.loads(x) for x in open(os.path.join(folder, "manifest.jsonl"))]
assert len(rows) == len(lines) == 5
assert sorted(os.listdir(folder)) == sorted([x["file"] for x in lines] + ["manifest.jsonl"])
for row, line in zip(rows, lines):
    data = open(os.path.join(folder, line["file"]), "rb").read()
    assert hashlib.sha256(data).hexdigest() == line["sha256"] == row["sha256"] and len(data) == line["size"]
    assert sum(n for _, n in line["gaps"]) == line["missing"] and line["gap_count"] == len(line["gaps"])
    assert line["state"] == ("holes" if line["missing"] else "whole") and line["size"] + line["missing"] == line["expected"]
PY
"$query" "$db" payload 3 --message 2 --body -o "$work/body" && cmp -s "$work/body" "$work/files/s3-m2.png" || fail "not the body's bytes"

# ---- nothing is overwritten, no link is followed
expect 1 "$db" objects --export "$work/files"; tells "manifest.jsonl: File exists"
mkdir "$work/trap" "$work/other"
echo mine >"$work/victim"
ln -s "$work/victim" "$work/trap/s1-m2.html"
expect 1 "$db" objects --export "$work/trap"; tells "s1-m2.html: File exists"
[ "$(cat "$work/victim")" = mine ] || fail "a link was followed"
mkdir "$work/dangling"
ln -s "$work/new" "$work/dangling/manifest.jsonl"
expect 1 "$db" objects --export "$work/dangling"
[ ! -e "$work/new" ] || fail "a dangling link was followed"
mkdir "$work/taken"
echo mine >"$work/taken/s1-m2.html"
expect 1 "$db" objects --export "$work/taken"
[ "$(cat "$work/taken/s1-m2.html")" = mine ] || fail "a file was overwritten"
expect 1 "$db" objects --export "$work/victim"; tells "Not a directory"
expect 1 "$db" objects --export "$work/no/such/folder"; tells "No such file"

# ---- 60 names that want to be elsewhere: in targets, media types and the database's own text
cp "$db" "$work/bad.db"
python3 - "$work/bad.db" <<'PY' || fail "no hostile database"
import sqlite3, sys
names = ["..", "../..", "../../../tmp/x", "/etc/passwd", "//x", "a/../../b", "..\\..\\x", "C:\\x", "\\\\host\\share", "NUL", "CON", "aux.txt", "COM1",
         "x" * 300, "", " ", ".", "-rf", "--help", "*", "?", "~", "$(touch x)", "`touch x`", "; touch x", "| touch x", "&", "%2e%2e%2f", "%00",
         "..%c0%af", "a\nb", "a\rb", "a\tb", "a\x1b[31mb", "a\x00b", "\u202egpj.exe", "\ufeffx", "caf\u00e9", "\U0001f4a9", "a:b", "a|b", "a<b>",
         "\"", "'", "<script>alert(1)</script>", ".htaccess", "manifest.jsonl", "s1-m2.html", "s3-m2.png", ".git/config", "x.php\x00.png", "x.",
         "x ", "\x7f", "\x9b31m", "\u2028", "....//", "..;/", "file:///etc/passwd", "proc/self/mem"]
assert len(names) == 60
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA foreign_keys = OFF")
row = db.execute("SELECT * FROM message WHERE message_id = (3 << 32) + 2").fetchone()
for i, name in enumerate(names):
    new = list(row)
    new[0], new[10], new[11] = (3 << 32) + 100 + i, name, None
    db.execute("INSERT INTO message VALUES (%s)" % ",".join("?" * len(new)), new)
db.execute("UPDATE message SET summary = '../../' || char(27) || '[31m' WHERE message_id & 4294967295 < 100")
db.commit()
PY
mkdir "$work/cage"
touch "$work/mark"
(cd "$work/cage" && "$query" "$work/bad.db" objects --export in --format jsonl >"$work/out" 2>"$work/err" </dev/null) || fail "hostile export: $(head -c 300 "$work/err")"
[ "$(find "$work/cage/in" -type f | wc -l)" -eq 66 ] || fail "65 objects and a manifest: $(find "$work/cage/in" | wc -l)"
[ -z "$(find "$work/cage/in" -mindepth 1 | grep -Ev '/in/(s[0-9]+-m[0-9]+(-[0-9]+)?\.[a-z0-9]+|manifest\.jsonl)$')" ] || fail "a name that is not ours"
outside=$(find "$work" -newer "$work/mark" -type f ! -path "$work/cage/in/*" ! -name out ! -name err)
[ -z "$outside" ] || fail "outside the folder: $outside"
if LC_ALL=C grep -aqP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]' "$work/out" "$work/cage/in/manifest.jsonl"; then fail "control bytes"; fi
for format in table csv json; do
  expect 0 "$work/bad.db" objects --format $format
  if LC_ALL=C grep -aqP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]' "$work/out"; then fail "control bytes: $format"; fi
done

# ---- a full disk is told
if [ -w /dev/full ]; then "$query" "$db" objects >/dev/full 2>"$work/err" && fail "a full disk went unnoticed"; fi
# ---- what a decoded search sees
expect 0 "$db" grep --decoded '<title>' --format csv; says '1,server,289,2,'; says ',6,7,151'
tells "of 5 bodies"

[ $failed -eq 0 ] && echo "all good"
exit $failed
