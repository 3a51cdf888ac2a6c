#!/bin/sh
# ingest_trace_test.sh BUILD - --trace: one session's story on standard output, and no database.
set -u
build=${1:?usage: ingest_trace_test.sh BUILD_FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
case $build in /*) ;; *) build=$PWD/$build ;; esac
dir=$(mktemp -d "${TMPDIR:-/tmp}/trace.XXXXXX")
trap 'rm -rf "$dir"' EXIT
failed=0
fail() { echo "FAILED: $1"; failed=1; }

cp "$root/fixtures/http-lossy.pcap" "$dir/a.pcap"
cd "$dir" || exit 1
"$build/tcpledger-ingest" --trace 1 a.pcap >one 2>err || fail "status of a trace"
cmp one "$root/tests/golden/trace-http-lossy-1.txt" || fail "not the golden trace"
[ -s err ] && fail "said on stderr: $(cat err)"
[ "$(ls)" = "$(printf 'a.pcap\nerr\none')" ] || fail "something was written: $(ls)"
"$build/tcpledger-ingest" --trace 1 - <a.pcap | cmp - one || fail "from standard input it is another one"

"$build/tcpledger-ingest" --trace 4 a.pcap >none 2>err && fail "a session that is not there is status 0"
grep -q 'there is no session 4' err || fail "no word about it: $(cat err)"
for wrong in 0 x -1 ''; do
    "$build/tcpledger-ingest" --trace "$wrong" a.pcap >none 2>err
    [ $? = 2 ] || fail "--trace '$wrong' is not wrong usage"
done
"$build/tcpledger-ingest" --trace 1 a.pcap -o a.db >none 2>err
[ $? = 2 ] || fail "-o beside --trace is not wrong usage"
[ -e a.db ] && fail "a database beside a trace"
head -c 20000 a.pcap >cut.pcap
"$build/tcpledger-ingest" --trace 1 cut.pcap >part 2>err && fail "a cut capture is status 0"
grep -q '^closed end' part || fail "a cut capture has no end: $(tail -n 3 part)"
exit $failed
