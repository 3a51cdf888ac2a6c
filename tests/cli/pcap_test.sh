#!/bin/sh
# tcpledger-query pcap: exactly the packets of the session, out of captures of all kinds; captures that moved, changed or are gone.
set -u
build=$1
query=$build/tcpledger-query
command -v python3 >/dev/null 2>&1 || { echo "python3 is not installed"; exit 77; }
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

# ---- the packets are the session's
python3 tests/cli/pcap_check.py "$build" 2 fixtures/http-lossy.pcap || failed=1
captures=../shared/captures
if [ -d "$captures" ]; then
  # Fragments, sections and interfaces, tunnels, big-endian nanoseconds, reused ports, two taps, damage.
  python3 tests/cli/pcap_check.py "$build" 1 "$captures"/46-* "$captures"/47-* "$captures"/35-* "$captures"/27-* "$captures"/30-* \
    "$captures"/36-* "$captures"/40-* "$captures"/29-* "$captures"/32-* "$captures"/45-* || failed=1
fi

# ---- a session over two captures, one of them compressed (which cannot be sought in)
cp fixtures/http-lossy.pcap "$work/whole.pcap"
python3 tests/cli/cut_pcap.py "$work/whole.pcap" 2 "$work/part"
mv "$work/part0.pcap" "$work/a.pcap" && mv "$work/part1.pcap" "$work/b.pcap"
gzip "$work/b.pcap"
(cd "$work" && "$build/tcpledger-ingest" -q a.pcap b.pcap.gz -o two.db && "$build/tcpledger-ingest" -q whole.pcap -o one.db) || fail ingest
cd "$work" || exit 1
for n in 1 2 3; do
  expect 0 one.db pcap $n -o one.pcapng
  expect 0 two.db pcap $n -o two.pcapng
  "$build/tcpledger-ingest" -q one.pcapng -o one-again.db && "$build/tcpledger-ingest" -q two.pcapng -o two-again.db || fail "ingest of $n"
  ask="SELECT direction, stream_offset, raw_size, last_ns FROM chunk ORDER BY 1, 2"
  [ "$("$query" one-again.db sql "$ask" --format csv)" = "$("$query" two-again.db sql "$ask" --format csv)" ] || fail "two captures: session $n"
  rm -f ./*-again.db
done
# Several at once: as many packets as alone, in the order of the capture.
expect 0 two.db pcap 3 1 3 -o both.pcapng
expect 0 two.db pcap 1
[ "$(wc -c <out)" -gt 10000 ] || fail "standard output"

# ---- captures that moved, changed, or never were files
mkdir moved && mv a.pcap b.pcap.gz moved/
expect 1 two.db pcap 1 -o x.pcapng; tells "capture-dir"
[ ! -e x.pcapng ] || fail "a file was made for nothing"
expect 0 two.db pcap 1 -o x.pcapng --capture-dir moved
cmp -s x.pcapng two.pcapng && fail "session 1 is session 3"
mv moved/a.pcap moved/c.pcap
expect 1 two.db pcap 1 -o y.pcapng --capture-dir moved
expect 0 two.db pcap 1 -o y.pcapng --capture-dir moved --capture 1=moved/c.pcap
cmp -s x.pcapng y.pcapng || fail "moved and renamed differ"
expect 2 two.db pcap 1 -o y.pcapng --capture c.pcap; tells "ID=FILE"
cp moved/c.pcap before; printf X | dd of=moved/c.pcap bs=1 seek=3000 conv=notrunc 2>/dev/null
expect 1 two.db pcap 1 -o z.pcapng --capture-dir moved --capture 1=moved/c.pcap; tells "SHA-256"
[ ! -e z.pcapng ] || fail "a changed capture was taken"
expect 0 two.db pcap 1 -o z.pcapng --capture-dir moved --capture 1=moved/c.pcap --no-hash; tells "size only"
printf XX >>moved/c.pcap
expect 1 two.db pcap 1 -o z.pcapng --capture-dir moved --capture 1=moved/c.pcap --no-hash; tells "it changed"
cp before moved/c.pcap
mkfifo pipe
expect 1 two.db pcap 1 -o z.pcapng --capture 1=pipe; tells "not a file"
"$build/tcpledger-ingest" -q - -o stdin.db <whole.pcap
expect 1 stdin.db pcap 1 -o z.pcapng; tells "capture 1, -"
expect 0 stdin.db pcap 1 -o z.pcapng --capture 1=whole.pcap
# Without the positions it is read from the front, and says the same.
expect 0 one.db pcap 2 -o y.pcapng
sqlite3 one.db "DELETE FROM frame_position" 2>/dev/null && expect 0 one.db pcap 2 -o z.pcapng && { cmp -s y.pcapng z.pcapng || fail "without positions"; }

# ---- nothing is written over that must stay
sum=$(cksum one.db whole.pcap)
expect 2 one.db pcap 1 -o one.db; tells "the database itself"
expect 2 one.db pcap 1 -o whole.pcap; tells "a capture itself"
[ "$(cksum one.db whole.pcap)" = "$sum" ] || fail "written over"
expect 1 one.db pcap 99 -o y.pcapng; tells "no session 99"
expect 2 one.db pcap x -o y.pcapng
expect 1 one.db pcap 1 -o /no/such/folder/y.pcapng
[ ! -w /dev/full ] || { expect 1 one.db pcap 1 -o /dev/full; }
[ $failed -eq 0 ] && echo "all good"
exit $failed
