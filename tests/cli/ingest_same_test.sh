#!/bin/sh
# The same captures make the same database whatever the threads, the locale, the time zone, the umask, the batches and the transactions
# are; the session table's hash key is another one in each run anyway.
set -eu
build=$1
ingest=$build/tcpledger-ingest
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
[ -x "$build/tests/bench/bench-gen" ] || { echo "bench-gen is not built"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp fixtures/http-page.pcap "$tmp/page.pcap"
cd "$tmp"

fail() { echo "FAILED: $*" >&2; [ ! -f err ] || sed 's/^/    /' err >&2; exit 1; }
# Everything but the row of the run, and statistics.
dump() { sqlite3 "$1" .dump | grep -v -e '^INSERT INTO ingest ' -e '^INSERT INTO sqlite_stat' -e '^ANALYZE'; }
# Chunks end where batches do: their bytes joined, and everything else that batches must not show in.
logical() {
    sqlite3 "$1" "SELECT * FROM session; SELECT * FROM stream; SELECT * FROM message; SELECT * FROM frame_count;
        SELECT session_id, direction, stream_offset, length, reason, proof_frame, before_frame, after_frame, told_frame FROM gap ORDER BY 1, 2, 3;
        SELECT session_id, direction, stream_offset, reason, frame, hex(data) FROM stray ORDER BY 1, 2, 3, 5;
        SELECT session_id, direction, group_concat(h, '') FROM (SELECT session_id, direction, hex(sqlar_uncompress(data, raw_size)) AS h
            FROM chunk ORDER BY session_id, direction, stream_offset) GROUP BY 1, 2"
}

"$build/tests/bench/bench-gen" --sessions 40 --open 10 --messages 8 --object 6000 --loss 1 --reorder 2 --retransmit 1 --ipv6 30 --seed 3 -o a.pcap 2>err
"$ingest" -q a.pcap page.pcap -o whole.db 2>err || fail "the first run"
dump whole.db >whole
logical whole.db >whole.logical
[ "$(wc -l <whole.logical)" -gt 300 ] || fail "too little to compare"

# same NAME COMMAND...: makes db, to the byte what whole.db is
same() {
    name=$1
    shift
    rm -f db
    "$@" 2>err || fail "$name: exit $?"
    dump db >got
    cmp -s whole got || { diff whole got | head -5 | cut -c1-200 >err; fail "another database: $name"; }
}
same "again" "$ingest" -q a.pcap page.pcap -o db
for threads in 1 2 8; do
    same "$threads threads" "$ingest" -q --threads $threads a.pcap page.pcap -o db
done
# Small batches, so that many are on their way at a time.
"$ingest" -q --threads 1 --batch-bytes 10K a.pcap page.pcap -o one.db 2>err || fail "one thread, small batches"
dump one.db >one
for threads in 2 8; do
    rm -f db
    "$ingest" -q --threads $threads --batch-bytes 10K a.pcap page.pcap -o db 2>err || fail "$threads threads, small batches"
    dump db | cmp -s one - || fail "another database with small batches and $threads threads"
done
for locale in C POSIX C.UTF-8 $(locale -a 2>/dev/null | grep -i -m 2 -e '^de' -e '^tr' || true); do
    same "locale $locale" env LC_ALL="$locale" "$ingest" -q a.pcap page.pcap -o db
done
for zone in UTC Asia/Kathmandu America/St_Johns XXX-14; do
    same "time zone $zone" env TZ="$zone" "$ingest" -q a.pcap page.pcap -o db
done
for mask in 000 027 077; do
    same "umask $mask" sh -c 'umask "$1" && "$2" -q a.pcap page.pcap -o db && chmod 600 db' sh "$mask" "$ingest"
done
same "no sandbox" "$ingest" -q --no-sandbox a.pcap page.pcap -o db
same "small transactions" "$ingest" -q --commit-bytes 1 a.pcap page.pcap -o db
for batch in 4K 10K 64K 1M 64M; do
    rm -f db
    "$ingest" -q --batch-bytes $batch --commit-bytes 50K a.pcap page.pcap -o db 2>err || fail "batches of $batch"
    logical db >got
    cmp -s whole.logical got || { diff whole.logical got | head -5 | cut -c1-200 >err; fail "another ledger with batches of $batch"; }
done
