#!/bin/sh
# report from the outside: where it goes, its formats, that the page is whole and alone.
set -u
query=$1/tcpledger-query
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
command -v python3 >/dev/null 2>&1 || { echo "python3 is not installed"; exit 77; }
failed=0
fail() { echo "FAILED: $*"; failed=1; }

"$1/tcpledger-ingest" --quiet fixtures/http-lossy.pcap -o "$tmp/page.db" || fail "ingest"
before=$(cksum <"$tmp/page.db")
"$query" "$tmp/page.db" report -o "$tmp/page.html" >"$tmp/out" 2>&1 || fail "report"
[ ! -s "$tmp/out" ] || fail "not silent: $(cat "$tmp/out")"
"$query" "$tmp/page.db" report >"$tmp/piped.html" || fail "report to a pipe"
cmp -s "$tmp/page.html" "$tmp/piped.html" || fail "a file and a pipe differ"
tail -n 1 "$tmp/page.html" | grep -q '^</html>$' || fail "the page does not end"
grep -q "<strong>97.9 %</strong> of the 282,940 bytes" "$tmp/page.html" || fail "the verdict"
grep -q "cf22c06e6301a9648162978e30505ab1756beec7420bd6db1a36d26297627373" "$tmp/page.html" || fail "the capture's hash"
grep -q "$tmp" "$tmp/page.html" && fail "the folder of the database is told"
if grep -qE '(src|href)="[^#]|url\([^#]|@import|https?:' "$tmp/page.html"; then fail "something is fetched"; fi
# The hashes in the policy are those of what stands in the page.
for part in style script; do
  hash=$(python3 - "$tmp/page.html" "$part" <<'PY'
import base64, hashlib, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
part = re.search(f"<{sys.argv[2]}>(.*?)</{sys.argv[2]}>", text, re.S).group(1)
print(base64.b64encode(hashlib.sha256(part.encode()).digest()).decode())
PY
  )
  grep -qF "$part-src 'sha256-$hash'" "$tmp/page.html" || fail "the policy does not name the $part"
done

for format in table csv json jsonl; do
  "$query" "$tmp/page.db" report --format $format -o "$tmp/facts.$format" || fail "report --format $format"
  [ -s "$tmp/facts.$format" ] || fail "nothing as $format"
done
python3 - "$tmp/facts.json" "$tmp/facts.jsonl" <<'PY' || fail "facts"
import json, sys
facts = json.load(open(sys.argv[1]))
s = facts["summary"][0]
assert (s["stream_bytes"], s["stored_bytes"], s["capture_loss"], s["unknown_loss"]) == (282940, 277100, 5840, 0), s
assert sum(r["stored_bytes"] for r in facts["timeline"]) == 277100
assert sum(r["capture_loss"] for r in facts["timeline"]) == 5840
assert sum(r["bytes"] for r in facts["reasons"]) == 5840
assert sum(r["capture_loss"] for r in facts["hosts"]) == 5840
assert [r["session_id"] for r in facts["sessions"]] == [1, 2]
lost = [r["length"] for r in facts["gap_map"] if r["state"] == "capture_loss"]
assert lost == [1460] * 4, lost
rows = [json.loads(line) for line in open(sys.argv[2])]
assert len(rows) == sum(len(v) for v in facts.values())
PY

"$query" "$tmp/page.db" report -o "$tmp/page.db" 2>"$tmp/err"; [ $? -eq 2 ] || fail "the database was taken for the output"
grep -q "the database itself" "$tmp/err" || fail "no word of the database itself"
"$query" "$tmp/page.db" report -o "$tmp/none/x.html" 2>"$tmp/err"; [ $? -eq 1 ] || fail "a folder that is not there"
"$query" "$tmp/page.db" report now 2>/dev/null; [ $? -eq 2 ] || fail "an argument too many"
if [ -w /dev/full ]; then
  "$query" "$tmp/page.db" report -o /dev/full 2>/dev/null && fail "a full disk went unnoticed"
fi
[ "$(cksum <"$tmp/page.db")" = "$before" ] || fail "the database was changed"
[ $failed -eq 0 ] && echo "all good"
exit $failed
