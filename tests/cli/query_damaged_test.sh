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
[ $failed = 0 ] || cat "$work/told"
exit $failed
