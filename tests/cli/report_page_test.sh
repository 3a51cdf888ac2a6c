#!/bin/sh
# The report of a hostile capture in a browser: nothing captured runs, tables sort and filter, keyboard, contrast, phones, paper, no script.
set -eu
command -v python3 >/dev/null 2>&1 || { echo "python3 is not installed"; exit 77; }
cd "$(dirname "$0")/../.."
python3 -c 'import sys; sys.path.insert(0, "tests/cli"); import browser; sys.exit(browser.find() is None)' || { echo "Chromium is not installed"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
capture=$tmp/'"><script>x.pcap'
python3 tests/cli/hostile_pcap.py "$capture"
"$1/tcpledger-ingest" --quiet "$capture" -o "$tmp/hostile.db"
"$1/tcpledger-query" "$tmp/hostile.db" report -o "$tmp/page.html"
python3 tests/cli/report_page_check.py "$tmp/page.html"
