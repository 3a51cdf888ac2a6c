#!/bin/sh
# The loadable extension in the stock shell, and the command that opens it: the same answers as the program's, nothing written.
set -u
build=$(cd "$1" && pwd) || exit 1
query=$build/tcpledger-query
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
db=$work/page.db
failed=0
fail() { echo "FAILED: $*"; failed=1; }
shell() { echo "$1" | "$query" "$db" shell >"$work/out" 2>"$work/err"; }
says() { grep -qF -- "$1" "$work/out" || fail "not on stdout: $1: $(head -c 300 "$work/out" "$work/err")"; }

"$build/tcpledger-ingest" --quiet fixtures/http-lossy.pcap -o "$db" || exit 1
before=$(cksum <"$db")

# ---- the functions say what the commands say
"$query" "$db" payload 1 --dir server >"$work/stream" 2>/dev/null
shell "SELECT hex(payload(1, 'server'));"
tr -d '\n' <"$work/out" | tr 'A-F' 'a-f' >"$work/hex"
od -An -v -tx1 "$work/stream" | tr -d ' \n' | cmp -s - "$work/hex" || fail "payload() is not what payload gives"
"$query" "$db" grep PNG --format csv 2>/dev/null | sed 1d | cut -d, -f1,3,10 >"$work/hits"
shell ".separator ,
SELECT session_id, stream_offset, frame FROM payload_search('PNG');"
cmp -s "$work/hits" "$work/out" || fail "payload_search() is not what grep gives"
shell "SELECT count(*) FROM chunk WHERE inflate(data, raw_size) IS NOT sqlar_uncompress(data, raw_size);"; says 0
shell "SELECT t.session_id, t.direction FROM stream t WHERE t.stored_bytes <> (SELECT coalesce(sum(length), 0) FROM segments(t.session_id, t.direction));"
[ ! -s "$work/out" ] || fail "segments() does not add up to stored_bytes"
shell "SELECT count(*) FROM session WHERE in_cidr(client_addr, '192.168.0.0/16');"; says 3
shell "SELECT printable(payload(1, 'client', 0, 16)); SELECT hexdump(payload(1, 'client', 0, 16));"
says 'GET / HTTP/1.1\x0d\x0a'
says '00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|'
shell "SELECT * FROM payload_search('(', 1);"; grep -q "missing closing parenthesis" "$work/err" || fail "an error has its text"

# ---- read-only, whatever is typed; odd names are names
shell "DELETE FROM session;"
grep -qi "readonly" "$work/err" || fail "written: $(cat "$work/err")"
[ "$(cksum <"$db")" = "$before" ] || fail "the database was changed"
cp "$db" "$work/-x 'y' \"z\".db"
(cd "$work" && echo "SELECT count(*) FROM session;" | "$query" -- "-x 'y' \"z\".db" shell >out 2>err); says 3
echo "no database" >"$work/text"
"$query" "$work/text" shell >/dev/null 2>"$work/err" </dev/null && fail "opened what is no database"

# ---- no sqlite3, no extension: one line each
mkdir "$work/bin" && cp "$query" "$work/bin/"
PATH=/nonexistent "$query" "$db" shell >"$work/out" 2>"$work/err" </dev/null
[ $? -eq 1 ] && grep -q "sqlite3 shell is not installed" "$work/err" && [ "$(wc -l <"$work/err")" -eq 1 ] || fail "no sqlite3: $(cat "$work/err")"
"$work/bin/tcpledger-query" "$db" shell >"$work/out" 2>"$work/err" </dev/null
[ $? -eq 1 ] && grep -q "tcpledger.so" "$work/err" || fail "no extension: $(cat "$work/err")"
# Installed: bin beside lib/tcpledger.
mkdir -p "$work/lib/tcpledger" && cp "$build/tcpledger.so" "$work/lib/tcpledger/"
echo "SELECT length(payload(3, 1));" | "$work/bin/tcpledger-query" "$db" shell >"$work/out" 2>"$work/err"; says 164450

[ $failed -eq 0 ] && echo "all good"
exit $failed
