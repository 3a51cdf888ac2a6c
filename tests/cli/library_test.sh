#!/bin/sh
# The library as others use it: installed, found by pkg-config, headers whole, nothing exported but tl_*; the examples do what they say.
set -eu
build=$1
case $build in /*) ;; *) build=$PWD/$build ;; esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# extract_http: heads, bodies, and the gap where it is.
"$build/extract_http" fixtures/http-lossy.pcap >"$tmp/http"
grep -q '^GET /main.css HTTP/1.1$' "$tmp/http"
grep -q '^!!! session 1, server: 1460 bytes from 2920 on are not in the capture (acked)$' "$tmp/http"
grep -q ', response 2, frames .*, 7169 bytes, 1460 of them missing, answers 1 (proved)$' "$tmp/http"
if "$build/extract_http" fixtures/README.md 2>"$tmp/why"; then exit 1; fi
grep -q README.md "$tmp/why"

# own_protocol: the detector of the object frames what bench-gen speaks.
"$build/tests/bench/bench-gen" --sessions 5 --messages 6 --object 3000 --protocol framed --loss 3 --seed 2 --truth "$tmp/truth" -o "$tmp/framed.pcap" 2>/dev/null
"$build/tcpledger-ingest" -q --detector "$build/own_protocol.so" "$tmp/framed.pcap" -o "$tmp/own.db"
if command -v python3 >/dev/null 2>&1; then python3 tests/bench/truth.py "$tmp/own.db" "$tmp/truth"; fi
[ "$("$build/tcpledger-query" "$tmp/own.db" sql "SELECT DISTINCT protocol FROM session" --format csv | sed 1d | tr -d '\r')" = own ]
for bad in fixtures/http-one.pcap "$tmp/none.so" "$build/libtcpledger.so"; do
    if "$build/tcpledger-ingest" -q --detector "$bad" fixtures/http-one.pcap -o "$tmp/bad.db" 2>"$tmp/why"; then exit 1; fi
    [ "$(wc -l <"$tmp/why")" = 1 ] && grep -qF "$bad" "$tmp/why"
    [ ! -e "$tmp/bad.db" ]
done
printf '[a]\nports = x\n' >"$tmp/bad.ini"
if "$build/tcpledger-ingest" -q --framings "$tmp/bad.ini" fixtures/http-one.pcap -o "$tmp/bad.db" 2>"$tmp/why"; then exit 1; fi
grep -qF "$tmp/bad.ini:2: not a value for it: ports" "$tmp/why"

# Only tl_ names leave the shared library.
if command -v nm >/dev/null 2>&1; then
    if nm -D --defined-only "$build/libtcpledger.so" | grep -vE ' (tl_|TCPLEDGER_0)|__(asan|ubsan|lsan|sanitizer|odr)|_(init|fini)$'; then
        echo "names that are not ours leave the library"
        exit 1
    fi
    nm -D --defined-only "$build/libtcpledger.so" | grep -q ' tl_framer_push@@TCPLEDGER_0.1'
fi

# Installed: the examples build with what pkg-config says (not with the sanitizers of a test build, whose library needs them).
cmake --install "$build" --prefix "$tmp/usr" >/dev/null
for header in $(cd "$tmp/usr/include/tcpledger" && find . -name '*.h'); do
    for named in $(sed -n 's/^#include "\(.*\)"$/\1/p' "$tmp/usr/include/tcpledger/$header"); do
        [ -f "$tmp/usr/include/tcpledger/$named" ] || { echo "$header includes $named, which is not installed"; exit 1; }
    done
done
if command -v pkg-config >/dev/null 2>&1 && command -v cc >/dev/null 2>&1; then
    pc=$(find "$tmp/usr" -name libtcpledger.pc)
    flags=$(PKG_CONFIG_PATH=${pc%/*} pkg-config --cflags --libs libtcpledger)
    sanitize=
    if nm -D "$build/libtcpledger.so" 2>/dev/null | grep -q __asan_init; then sanitize=-fsanitize=address,undefined; fi
    # shellcheck disable=SC2086 # lists of words
    cc -std=c17 examples/extract_http.c $flags $sanitize -o "$tmp/extract_http"
    LD_LIBRARY_PATH=$(dirname "$(find "$tmp/usr" -name libtcpledger.so)") "$tmp/extract_http" fixtures/http-lossy.pcap | cmp - "$tmp/http"
    # shellcheck disable=SC2086
    cc -std=c17 -shared -fPIC examples/own_protocol.c $flags -o "$tmp/own.so"
fi
