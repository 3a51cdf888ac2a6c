#!/bin/sh
# tcpledger-query export: what lands in a folder, a .zip and an .sqlar is the payload, the manifest says what it is, and nothing that
# exists is touched.
set -u
build=$1
query=$build/tcpledger-query
for tool in sqlite3 python3; do command -v $tool >/dev/null 2>&1 || { echo "$tool is not installed"; exit 77; }; done
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
tells() { grep -q -- "$1" "$work/err" || fail "not on stderr: $1: $(head -c 300 "$work/err")"; }

{ cat schema/0*.sql schema/views.sql tests/support/sample.sql; echo "PRAGMA user_version = $(ls schema/0*.sql | wc -l);"; } | sqlite3 "$work/sample.db" || { echo "no sample"; exit 1; }
"$build/tcpledger-ingest" -q fixtures/http-lossy.pcap -o "$work/page.db" || fail ingest
cd "$work" || exit 1

# ---- the three containers hold the same
expect 0 page.db export -o folder; tells "3 sessions, 6 files"
expect 0 page.db export -o page.zip
expect 0 page.db export -o page.sqlar
mkdir unzipped unarchived
(cd unzipped && python3 -m zipfile -e ../page.zip . && python3 -m zipfile -t ../page.zip >/dev/null) || fail "unzip"
if command -v unzip >/dev/null 2>&1; then unzip -tq page.zip >/dev/null || fail "unzip -t"; fi
(cd unarchived && sqlite3 ../page.sqlar -Ax) || fail "sqlite3 -Ax"
[ "$(ls folder | tr '\n' ' ')" = "manifest.json s1-client.bin s1-server.bin s2-client.bin s2-server.bin s3-client.bin s3-server.bin " ] || fail "names: $(ls folder)"
for copy in unzipped unarchived; do
  [ "$(ls $copy)" = "$(ls folder)" ] || fail "$copy: $(ls $copy)"
  for file in folder/*.bin; do cmp -s "$file" "$copy/$(basename "$file")" || fail "$copy: $file differs"; done
done
for n in 1 2 3; do for side in client server; do
  "$query" page.db payload $n --dir $side -o one.bin 2>/dev/null
  cmp -s one.bin folder/s$n-$side.bin || fail "s$n-$side.bin is not what payload gives"
done; done

expect 2 page.db export -o page.tar.gz; tells "FILE.zip or FILE.sqlar"
[ ! -e page.tar.gz ] || fail "a folder page.tar.gz"

# ---- the manifest
cat >check.py <<'P'
import hashlib, json, os, sys
folder, gaps = sys.argv[1:3]
m = json.load(open(folder + "/manifest.json"))
assert m["gaps"] == gaps and m["schema"] >= 4 and m["tool"].startswith("tcpledger-query ") and m["command"][1].endswith(".db") and m["command"][2] == "export", m
assert m["captures"] and len(m["captures"][0]["sha256"] or 64 * "0") == 64, m["captures"]
names = []
for s in m["sessions"]:
    for f in s["files"]:
        data = open(folder + "/" + f["name"], "rb").read()
        names.append(f["name"])
        assert hashlib.sha256(data).hexdigest() == f["sha256"] and len(data) == f["bytes"], f
        assert f["missing"] == sum(r[1] for r in f["missing_ranges"]), f
        assert f["bytes"] == f["stream_length"] - (f["missing"] if gaps == "skip" else 0), f
        for offset, length, reason in f["missing_ranges"]:
            assert reason and (gaps == "skip" or data[offset:offset + length] == bytes(length)), f
assert sorted(names + ["manifest.json"]) == sorted(os.listdir(folder)), names
print(len(names), sum(f["missing"] for s in m["sessions"] for f in s["files"]))
P
[ "$(python3 check.py folder skip)" = "6 5840" ] || fail "manifest: $(python3 check.py folder skip 2>&1)"
expect 0 page.db export 1 2 1 --gaps zero -o zeros
[ "$(python3 check.py zeros zero)" = "4 5840" ] || fail "manifest with zeros: $(python3 check.py zeros zero 2>&1)"

# ---- which sessions
expect 0 sample.db export --lossy --limit 1 -o lossy; tells "1 session,"
expect 0 sample.db export --host 2001:db8::1 -o host
[ -e host/s2-client.bin ] && [ ! -e host/s1-client.bin ] || fail "filters: $(ls host)"
expect 0 sample.db export --where "session_id = 77" -o none; tells "0 sessions, 0 files"
expect 2 sample.db export 1 --lossy -o both; tells "not both"
expect 2 sample.db export 1; tells "-o"
expect 1 sample.db export 77 -o none77; tells "no session 77"
[ ! -e none77 ] || fail "a folder was made for nothing"
# Five gigabytes of nothing: a folder takes no room for it, an .sqlar says that it cannot.
expect 0 sample.db export 2 --gaps zero -o huge
[ "$(wc -c <huge/s2-client.bin)" -eq 5000000004 ] && [ "$(du -sk huge | cut -f1)" -lt 1000 ] || fail "a huge hole"
expect 1 sample.db export 2 --gaps zero -o huge.sqlar; tells "folder or a .zip"
[ ! -e huge.sqlar ] || fail "what could not be finished was left"

# ---- nothing is written over, nothing outside
sum=$(cksum page.zip page.sqlar sample.db)
for there in page.zip page.sqlar sample.db folder; do
  expect 1 page.db export -o $there; [ -s err ] || fail "in silence: $there"
done
[ "$(cksum page.zip page.sqlar sample.db)" = "$sum" ] || fail "something was written over"
mkdir planted outside
echo precious >outside/victim
ln -s ../outside/victim planted/s1-server.bin
ln -s outside link
ln -s outside/new.zip link.zip
expect 1 page.db export 1 -o planted; tells "s1-server.bin"
expect 1 page.db export 1 -o link
expect 1 page.db export 1 -o link.zip
[ "$(ls outside)" = victim ] && [ "$(cat outside/victim)" = precious ] || fail "written outside the folder"
[ ! -e planted/manifest.json ] || fail "a manifest of a failed export"
expect 1 page.db export 1 -o no/such/place.zip
# A database whose counts lie is found out.
cp page.db liar.db
sqlite3 liar.db "UPDATE stream SET stored_bytes = stored_bytes + 1 WHERE session_id = 3 AND direction = 1"
for to in liar liar.zip liar.sqlar; do expect 1 liar.db export 3 -o $to; tells "verify"; done
[ ! -e liar.zip ] && [ ! -e liar.sqlar ] || fail "a wrong archive was left"
# Many members, and names from the wire in the manifest only.
sqlite3 sample.db "UPDATE session SET protocol = '../../etc/passwd' || char(10, 27) WHERE session_id = 1"
expect 0 sample.db export -o hostile
LC_ALL=C grep -aqP '[\x00-\x08\x0b-\x1f]' hostile/manifest.json && fail "control bytes in the manifest"
python3 check.py hostile skip >/dev/null || fail "manifest of hostile names"
[ $failed -eq 0 ] && echo "all good"
exit $failed
