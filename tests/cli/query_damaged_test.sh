#!/bin/sh
# Damaged databases through every command of the program: whatever it answers, it ends by itself with status 0, 1 or 2, in time, gives
# back its memory, and writes nothing (tests/bench/damaged.c; tests/bench/damaged.sh runs ten thousand copies, fault/damaged_test hundreds
# through the library; bench/damaged_sabotage proves that each fault is found).
set -u
build=$1
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# No command is left out but the one that starts another program.
"$build/tests/bench/bench-damaged" --list | cut -d' ' -f1 | sort -u >"$work/tried"
"$build/tcpledger-query" --help | awk '/^  [a-z]/ { print $1 }' | grep -vx -e shell | sort -u >"$work/commands"
[ -s "$work/commands" ] || { echo "FAILED: --help lists no commands"; failed=1; }
left=$(comm -13 "$work/tried" "$work/commands")
[ -z "$left" ] || { echo "FAILED: tests/bench/damaged.c does not try: $left"; failed=1; }

sh tests/bench/damaged.sh "$build" 16 >"$work/told" || failed=1

# A copy that is made again is the same one, and no sound one: what a failure says can be run again.
for time in first second; do
    mkdir "$work/$time"
    TMPDIR=$work/$time sh tests/bench/damaged.sh "$build" 1 5 1 >>"$work/told" || failed=1
done
cmp "$work"/first/damaged-*/bad.db "$work"/second/damaged-*/bad.db || failed=1
if cmp -s "$work"/first/damaged-*/bad.db "$work"/first/damaged-*/1.db; then echo "FAILED: a copy with no damage"; failed=1; fi

# An index whose entry behind the range that was asked for says another session: it was waited for without end (copy 8140 of ten thousand).
"$build/tcpledger-ingest" -q fixtures/http-lossy.pcap -o "$work/led.db" || failed=1
python3 - "$work/led.db" <<'END' || failed=1
import sys
with open(sys.argv[1], "r+b") as db:
    page = db.read()
    # chunk_by_offset's record of session 1, direction 1 (both constants, of type 9), 8629 (type 2), chunk 10 (type 1); 8 is the constant 0.
    entry = bytes([5, 9, 9, 2, 1, 8629 >> 8, 8629 & 255, 10])
    assert page.count(entry) == 1
    db.seek(page.index(entry) + 1)
    db.write(b"\x08")
END
if timeout 20 "$build/tcpledger-query" "$work/led.db" payload 1 --message 2 >"$work/bytes" 2>"$work/why"; then
    echo "FAILED: payload of a stream whose index leads astray"; failed=1
fi
grep -q 'damaged: pieces out of order at offset 8629' "$work/why" || { echo "FAILED: said of it: $(head -n 1 "$work/why")"; failed=1; }
[ $failed = 0 ] || cat "$work/told"
exit $failed
