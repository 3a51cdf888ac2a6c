#!/bin/sh
# layers_check.sh TREE: the include rules of DESIGN.md, held against TREE/src.  Prints each breach; status 1 when there is one.
set -eu
cd "$1/src"
bad=0

# folder: the folders whose headers it may include
rules='base:base
capture:base capture
packet:base packet
stream:base packet stream
message:base stream message
batch:base packet stream message batch
store:base packet stream message batch store
query:base stream message batch query
extension:base query extension
app:base capture packet stream message batch store query app'

breach() {
    echo "src/$1"
    bad=1
}

IFS='
'
for rule in $rules; do
    folder=${rule%%:*}
    allowed=" ${rule#*:} "
    [ -d "$folder" ] || { breach "$folder: missing"; continue; }
    for line in $(grep -rnoE '^#include "[a-z_]+/' "$folder" || true); do
        target=${line##*\"}
        case $allowed in
        *" ${target%/} "*) ;;
        *) breach "$line" ;;
        esac
    done
    # Only capture knows libpcap, only store and query know SQLite (app goes through them), and the extension, which is loaded by it.
    for line in $(grep -rnE '^#include <pcap' "$folder" || true); do [ "$folder" = capture ] || breach "$line"; done
    for line in $(grep -rnE '^#include <sqlite3' "$folder" || true); do
        case $folder in store | query | extension) ;; *) breach "$line" ;; esac
    done
    case $folder in
    stream) for line in $(grep -rnE '^#include <(stdio|time|pthread|zlib|libdeflate|isa-l)' "$folder" || true); do breach "$line"; done ;;
    esac
    # Nothing below app prints or exits.
    [ "$folder" = app ] || for line in $(grep -rnE '\b(printf|fprintf|puts|exit)\(' "$folder" || true); do breach "$line"; done
done
exit $bad
