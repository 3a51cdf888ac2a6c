#!/bin/sh
# Installs what tcpledger needs, on Debian and its relatives; elsewhere says what to install.
#   sh scripts/deps.sh            to build and test
#   sh scripts/deps.sh --bench    also the programs that tests/bench/run.sh compares with
#   sh scripts/deps.sh --fuzz     also the compiler for the libFuzzer targets
#   sh scripts/deps.sh --report   also the browser that the test of the report's page drives
set -eu

build="gcc cmake ninja-build pkg-config libpcap-dev libsqlite3-dev sqlite3 zlib1g-dev libdeflate-dev libisal-dev libpcre2-dev libbrotli-dev libzstd-dev libssl-dev libseccomp-dev libinih-dev libnghttp2-dev libcunit1-dev clang-format python3"
bench="tcpflow tshark time"
fuzz="clang libclang-rt-dev"
report="chromium"

want=$build
for option in "$@"; do
    case $option in
    --bench) want="$want $bench" ;;
    --fuzz) want="$want $fuzz" ;;
    --report) want="$want $report" ;;
    *)
        echo "deps.sh: no option $option; there are --bench, --fuzz and --report" >&2
        exit 2
        ;;
    esac
done

if ! command -v apt-get >/dev/null 2>&1; then
    cat >&2 <<TEXT
deps.sh: this is not Debian; install the likes of these yourself, then go on:
    a C17 compiler, CMake 3.25, Ninja, pkg-config, and the development files of
    libpcap, SQLite 3.37 or later (and its shell), zlib, libdeflate, ISA-L, PCRE2 10.38 or later, brotli, zstd, OpenSSL's libcrypto,
    libseccomp, inih, nghttp2, CUnit; for the tests python3 and, for the style test, clang-format 14
    (--bench: tcpflow, tshark, GNU time; --fuzz: clang with libFuzzer; --report: Chromium)
TEXT
    exit 0
fi

missing=
for package in $want; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    case $status in
    "install ok installed") ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "deps.sh: run this as root, or install:$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "deps.sh: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
