#!/bin/sh
# JA3, JA3S and HASSH of real captures are what tshark says; JA4, which tshark 4.0 does not know, is what fingerprints_check.py makes of the
# numbers that tshark reads.
set -u
build=$(cd "$1" && pwd)
command -v tshark >/dev/null 2>&1 || { echo "tshark is not installed (scripts/deps.sh --bench)"; exit 77; }
captures=../shared/captures
[ -d "$captures" ] || { echo "../shared/captures is not there"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
for name in 27-extra.pcapng 28-tls_DER-incomplete-header.pcap 34-pppoe-over-qinq.pcap 40-6in4tunnel.pcap 50-tls-version-13.pcap \
            51-smtp.pcap 54-single-conn.pcap 61-ldap-starttls.pcap; do
  rm -f "$work/db"
  "$build/tcpledger-ingest" --quiet "$captures/$name" -o "$work/db" 2>"$work/said"  # one of them is cut
  for key in ja3 ja3s ja4 hassh hassh_server; do
    "$build/tcpledger-query" "$work/db" sql "SELECT '$key', json_extract(detail, '\$.$key') FROM messages
        WHERE json_extract(detail, '\$.$key') IS NOT NULL ORDER BY 2" --format csv | sed 1d | tr -d '"'
  done >"$work/ours"
  tshark -r "$captures/$name" -Y 'tls.handshake.type in {1, 2} or ssh.message_code == 20' -T json -J "tls ssh" \
      --no-duplicate-keys >"$work/json" 2>/dev/null
  python3 tests/cli/fingerprints_check.py "$name" "$work/json" "$work/ours" || exit 1
done
