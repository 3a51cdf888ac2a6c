#!/bin/sh
# Damaged databases through the program itself: whatever it answers, it ends by itself with status 0, 1 or 2 (fault/damaged_test has
# hundreds of copies through the library; these few prove that the commands are as careful).
set -u
query=$1/tcpledger-query
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
cat schema/0*.sql schema/views.sql tests/support/sample.sql | sqlite3 "$work/good" || { echo "no sample"; exit 1; }
size=$(wc -c <"$work/good")

copy=0
opened=0
while [ $copy -lt 16 ]; do
  cp "$work/good" "$work/bad"
  # Two bytes a copy, in the last three quarters: the schema lies before, and damage to it ends at the check of the schema.
  awk -v seed=$copy -v size="$size" 'BEGIN { srand(seed + 1); for (i = 0; i < 2; i++) printf "%d %03o\n", int((1 + 3 * rand()) * size / 4), int(rand() * 256) }' |
  while read -r at byte; do
    printf "\\$byte" | dd of="$work/bad" bs=1 seek="$at" conv=notrunc 2>/dev/null
  done
  for words in "sessions --format json" "session 1" "session 2 --format csv" "messages" "loss" "info --format jsonl" "verify" \
               "payload 1 --dir server" "payload 1 --message 2 --body --gaps zero -o $work/part" "run largest_losses" "exchanges" "hosts" "timeline --format json" \
               "follow 1" "follow 2 --as yaml" "frames 1" "explain 1"; do
               "payload 1 --dir server" "payload 1 --message 2 --body --gaps zero -o $work/part" "run largest_losses" \
               "grep needle" "grep -e [a-z]+ --format json" "grep --decoded o" "objects --format csv" "objects --export $work/files"; do
    # shellcheck disable=SC2086
    rm -rf "$work/files"
    timeout 60 "$query" "$work/bad" $words >"$work/out" 2>"$work/err" </dev/null
    status=$?
    [ $status -eq 0 ] && opened=$((opened + 1))
    if [ $status -gt 2 ] || grep -q Sanitizer "$work/err"; then
      echo "FAILED: copy $copy: $words: status $status: $(head -c 1000 "$work/err")"
      failed=1
    fi
  done
  copy=$((copy + 1))
done
[ $opened -gt 16 ] || { echo "FAILED: only $opened answers: the copies test nothing"; failed=1; }
[ $failed -eq 0 ] && echo "all good: $opened answers of 272"
exit $failed
