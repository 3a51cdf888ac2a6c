#!/bin/sh
# `follow --as raw` says byte for byte what `tshark -z follow,tcp,raw` does, on captures that lack nothing; hex too, and yaml but for
# the keys that tshark's does not have and the time, which tshark 4.0 prints by way of a double.  From tshark only the head and the rule at the end are taken off.
set -u
build=$(cd "$1" && pwd)
query=$build/tcpledger-query
command -v tshark >/dev/null 2>&1 || { echo "tshark is not installed (scripts/deps.sh --bench)"; exit 77; }
command -v sqlite3 >/dev/null 2>&1 || { echo "sqlite3 is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
compared=0
fail() { echo "FAILED: $*"; failed=1; }

# oracle FORM SESSION: tshark counts streams from 0
oracle() { tshark -q -r "$capture" -z "follow,tcp,$1,$(($2 - 1))" 2>/dev/null; }
without_head() { sed -e '/^$/d' -e '/^=====*$/d' -e '/^Follow: /d' -e '/^Filter: /d' -e '/^Node [01]: /d'; }

# same FORM SESSION
same() {
  case $1 in
  yaml) oracle yaml "$2" | sed -e '/^$/d' -e '/^    timestamp: /d' >"$work/wanted"
        "$query" "$work/db" follow "$2" --as yaml 2>"$work/err" | grep -v -e "^    index: " -e "^    capture: " -e "^    offset: " -e "^    timestamp: " >"$work/got" ;;
  raw)  oracle raw "$2" | without_head >"$work/wanted"
        "$query" "$work/db" follow "$2" --as raw >"$work/got" 2>"$work/err" ;;
  hex)  oracle hex "$2" | without_head >"$work/wanted"
        "$query" "$work/db" follow "$2" --as hex 2>"$work/err" | without_head >"$work/got" ;;
  esac
  [ -s "$work/err" ] && fail "$capture, session $2: $(head -c 300 "$work/err")"
  [ -s "$work/wanted" ] || fail "tshark says nothing of $capture, session $2"
  compared=$((compared + 1))
  cmp -s "$work/wanted" "$work/got" || { fail "$1 of $capture, session $2"; diff "$work/wanted" "$work/got" | cut -c1-160 | head -n 6; }
}

# Out of order, retransmitted, overlapping, a fast open, urgent bytes, IPv6, VLANs, fragments.
set -- fixtures/http-one.pcap fixtures/http-page.pcap
for name in 03-dns-tcp-ts-gap-original 08-bigtransfer 13-tcp-overlap2 14-with_evasion_linux 17-tcp-fast-open 18-tcp-urgent-2byte-XY 22-pop3 \
            42-nb6-http 46-frag-ip-tcp; do
  [ -f "../shared/captures/$name.pcap" ] && set -- "$@" "../shared/captures/$name.pcap"
done
[ $# -gt 2 ] || echo "only the fixtures: ../shared/captures is not there"
for capture in "$@"; do
  rm -f "$work/db"
  "$build/tcpledger-ingest" "$capture" -o "$work/db" 2>/dev/null || fail "ingest of $capture"
  for session in $(sqlite3 "$work/db" "SELECT session_id FROM session AS s WHERE roles = 'syn' AND EXISTS (SELECT 1 FROM chunk AS k
      WHERE k.session_id = s.session_id) AND NOT EXISTS (SELECT 1 FROM gap AS g WHERE g.session_id = s.session_id) LIMIT 4"); do
    same raw "$session"
  done
done
for capture in fixtures/http-one.pcap fixtures/http-page.pcap; do
  "$build/tcpledger-ingest" "$capture" -o "$work/one" 2>/dev/null && mv "$work/one" "$work/db"
  rm -f "$work/one"
  same hex 1
  same yaml 1
done

# With gaps: the bytes are those of the capture, the gaps are told on stderr, one line each, and nothing stands for them among the bytes.
"$build/tcpledger-ingest" fixtures/http-lossy.pcap -o "$work/lossy" 2>/dev/null
"$query" "$work/lossy" follow 1 --as raw --dir server >"$work/got" 2>"$work/err"
[ "$(grep -c "bytes of the server are missing at offset" "$work/err")" -eq 3 ] && [ "$(wc -l <"$work/err")" -eq 3 ] || fail "gaps: $(cat "$work/err")"
"$query" "$work/lossy" payload 1 --dir server 2>/dev/null | od -An -v -tx1 | tr -d ' \n' >"$work/payload"
tr -d '\t\n' <"$work/got" | cmp -s - "$work/payload" || fail "raw is not the payload"

[ $failed -eq 0 ] && echo "all good: $compared dialogues as tshark has them"
exit $failed
