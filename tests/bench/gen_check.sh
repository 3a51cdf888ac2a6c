#!/bin/sh
# gen_check.sh GENERATOR - the generator keeps its promises: reproducible, a truth that adds up, segments that tshark finds no fault with.
set -eu
gen=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-gen.XXXXXX")
trap 'rm -rf "$dir"' EXIT
fail() {
    echo "gen_check: $*" >&2
    exit 1
}

small="--load bulk --sessions 30 --open 7 --messages 6 --object 9000 --ipv6 40"
$gen $small --seed 4 --truth "$dir/a.jsonl" -o "$dir/a.pcap" 2>"$dir/a.sum"
$gen $small --seed 4 --truth "$dir/b.jsonl" -o - >"$dir/b.pcap" 2>/dev/null
$gen $small --seed 5 -o "$dir/c.pcap" 2>/dev/null
cmp "$dir/a.pcap" "$dir/b.pcap" || fail "the same seed gives other bytes"
cmp "$dir/a.jsonl" "$dir/b.jsonl" || fail "the same seed gives another truth"
! cmp -s "$dir/a.pcap" "$dir/c.pcap" || fail "another seed gives the same bytes"
[ "$(wc -l <"$dir/a.jsonl")" -eq 180 ] || fail "not a line for each of 30 x 6 messages"
! grep -q '"whole":false' "$dir/a.jsonl" || fail "something is missing without loss"

$gen $small --seed 4 --loss 5 --reorder 5 --retransmit 5 --truth "$dir/lossy.jsonl" -o "$dir/lossy.pcap" 2>"$dir/lossy.sum"
told=$(sed -n 's/.* payload bytes, \([0-9]*\) missing$/\1/p' "$dir/lossy.sum")
sum=$(sed 's/.*"missing":\([0-9]*\).*/\1/' "$dir/lossy.jsonl" | awk '{ n += $1 } END { print n + 0 }')
[ "$sum" -gt 0 ] && [ "$sum" -eq "$told" ] || fail "missing bytes: $told in all, $sum in the messages"

$gen --load tiny --sessions 200 --open 50 -o "$dir/tiny.pcap" 2>/dev/null
if command -v tshark >/dev/null; then
    count() { tshark -n -r "$dir/$1" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y "$2" 2>/dev/null | wc -l; }
    for f in a tiny; do
        [ "$(count $f.pcap 'tcp.checksum.status == 0 || ip.checksum.status == 0')" -eq 0 ] || fail "$f: bad checksums"
        [ "$(count $f.pcap 'tcp.analysis.flags && !tcp.analysis.window_update')" -eq 0 ] || fail "$f: tshark finds fault with a lossless load"
    done
    [ "$(count a.pcap 'http.response.code == 200')" -eq 90 ] || fail "not 30 x 3 responses"
    [ "$(count lossy.pcap 'tcp.analysis.lost_segment')" -gt 0 ] || fail "no loss in a lossy load"
fi
