#!/bin/sh
# Installs what is missing, builds, indexes a capture with loss in it, asks it what the README asks, and writes the report.
# demo.sh [BUILD_FOLDER]: with a build that is there.  Database and report stay in BUILD_FOLDER/demo.
set -eu
cd "$(dirname "$0")/.."
bin=${1:-build/release}
if [ $# -eq 0 ]; then
    sh scripts/deps.sh
    cmake --preset release >/dev/null
    cmake --build --preset release --target tcpledger-ingest tcpledger-query
fi
demo=$bin/demo
rm -rf "$demo"
mkdir "$demo"

show() {
    printf '\n$ %s\n' "$*" | sed "s|$demo/||g; s|$bin/||"
    "$@"
}

show "$bin/tcpledger-ingest" fixtures/http-lossy.pcap -o "$demo/page.db"
show "$bin/tcpledger-query" "$demo/page.db" sessions
show "$bin/tcpledger-query" "$demo/page.db" messages
show "$bin/tcpledger-query" "$demo/page.db" exchanges
show "$bin/tcpledger-query" "$demo/page.db" explain 1
show "$bin/tcpledger-query" "$demo/page.db" grep --context 4 PNG
show "$bin/tcpledger-query" "$demo/page.db" loss
show "$bin/tcpledger-query" "$demo/page.db" verify
printf 'verify is silent: streams tile, the ledger balances, every frame is counted.\n'
show "$bin/tcpledger-query" "$demo/page.db" report -o "$demo/report.html"
printf '\nThe report is %s, the database %s.\n' "$demo/report.html" "$demo/page.db"
