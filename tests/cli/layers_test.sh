#!/bin/sh
# The include rules hold for this tree, and the checker finds a tree that breaks them.
set -eu
here=$(dirname "$0")
sh "$here/layers_check.sh" "$here/../.."

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
for breach in 'stream/x.c #include "store/store.h"' 'base/x.c #include "packet/segment.h"' 'packet/x.c #include <pcap/pcap.h>' \
    'app/x.c #include <sqlite3.h>' 'store/x.c int f(void) { return printf("x"); }'; do
    rm -rf "$tree/src"
    for folder in base capture packet stream message batch store query extension app; do mkdir -p "$tree/src/$folder"; done
    echo "${breach#* }" >"$tree/src/${breach%% *}"
    if sh "$here/layers_check.sh" "$tree" >/dev/null; then
        echo "not found: $breach" >&2
        exit 1
    fi
done
