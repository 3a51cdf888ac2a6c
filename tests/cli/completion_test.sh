#!/bin/sh
# Completion in bash and zsh: commands, options and queries are those that the programs name.
set -eu
command -v bash >/dev/null 2>&1 || { echo "bash is not installed"; exit 77; }
build=$(cd "$1" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$build/tcpledger-ingest" --quiet fixtures/http-one.pcap -o "$tmp/x.db"
# offers FUNCTION WORD... : what bash would offer for the last word
offers() {
    PATH=$build:$PATH bash -c '. completion/tcpledger.bash; f=$1; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); $f; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}
[ "$(offers _tcpledger_query tcpledger-query x.db rep)" = report ]
[ "$(offers _tcpledger_query tcpledger-query x.db report --format js | tr '\n' ' ')" = "json jsonl " ]
[ "$(offers _tcpledger_query tcpledger-query x.db report --out)" = --output ]
[ "$(offers _tcpledger_query tcpledger-query "$tmp/x.db" run beac)" = beacons ]
[ "$(offers _tcpledger_query tcpledger-query "$tmp/x.d")" = "$tmp/x.db" ]
[ -z "$(offers _tcpledger_query tcpledger-query x.db sessions --host 1)" ]
[ "$(offers _tcpledger_ingest tcpledger-ingest --comp)" = --compress ]
# All of them, not only those asked for here.
"$build/tcpledger-query" --help | sed -n 's/^  \([a-z][a-z_-]*\) .*/\1/p' | sort >"$tmp/commands"
offers _tcpledger_query tcpledger-query x.db "" | sort | diff "$tmp/commands" -
if command -v zsh >/dev/null 2>&1; then
    zsh -n completion/_tcpledger
    # The compsys helpers are put in place of: what would be described is printed.
    PATH=$build:$PATH zsh -fc '_describe() { print -l ${(P)2} }; service=tcpledger-query words=(tcpledger-query x.db "") CURRENT=3; source completion/_tcpledger' |
        sed 's/:.*//' | sort | diff "$tmp/commands" -
fi
