#!/bin/sh
# Installs what is missing, builds, indexes a capture with loss in it, and shows sessions, messages and the loss report.
set -eu
cd "$(dirname "$0")/.."
sh scripts/deps.sh
cmake --preset release >/dev/null
cmake --build --preset release --target tcpledger-ingest tcpledger-query
bin=build/release
db=$(mktemp -d)/demo.db
trap 'rm -rf "$(dirname "$db")"' EXIT

show() {
    printf '\n$ %s\n' "$*" | sed "s|$db|demo.db|; s|$bin/||"
    "$@"
}

show $bin/tcpledger-ingest fixtures/http-lossy.pcap -o "$db"
show $bin/tcpledger-query "$db" sessions
show $bin/tcpledger-query "$db" messages
show $bin/tcpledger-query "$db" loss
show $bin/tcpledger-query "$db" verify
printf '\nverify is silent: streams tile, the ledger balances, every frame is counted.\n'
