#!/bin/sh
# The Debian package: made by cpack, unpacked into an empty root, its programs run from there and its files are where they belong.
set -eu
for need in cpack dpkg-deb dpkg-shlibdeps; do command -v $need >/dev/null 2>&1 || { echo "$need is not installed"; exit 77; }; done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
build=$(cd "$1" && pwd)
(cd "$tmp" && cpack -G DEB --config "$build/CPackConfig.cmake" -B "$tmp/made" >"$tmp/log" 2>&1) || { cat "$tmp/log"; exit 1; }
deb=$(echo "$tmp"/made/*.deb)
dpkg-deb -f "$deb" Depends | grep -q 'libpcap0.8.*libsqlite3-0' || { echo "dependencies: $(dpkg-deb -f "$deb" Depends)"; exit 1; }
dpkg-deb -x "$deb" "$tmp/root"
for file in bin/tcpledger-ingest bin/tcpledger-query share/man/man1/tcpledger-ingest.1 share/man/man1/tcpledger-query.1 share/man/man5/tcpledger.5 \
    share/bash-completion/completions/tcpledger-query share/bash-completion/completions/tcpledger-ingest share/zsh/vendor-completions/_tcpledger \
    share/tcpledger/queries/loss.sql share/doc/tcpledger/README.md; do
    [ -s "$tmp/root/usr/$file" ] || { echo "not in the package: $file"; exit 1; }
done
[ -z "$(find "$tmp/root" -type f ! -path "$tmp/root/usr/*")" ] || { echo "files outside /usr"; exit 1; }
# Nothing of the build tree is needed: an empty environment, another folder.
capture=$PWD/fixtures/http-lossy.pcap
cd "$tmp"
env -i PATH="$tmp/root/usr/bin:/usr/bin:/bin" sh -c 'tcpledger-ingest --quiet "$1" -o x.db && tcpledger-query x.db verify && tcpledger-query x.db report -o x.html' sh "$capture"
grep -q '97.9 %' x.html
