#!/bin/sh
# Captures with loss whose content is known (tests/bench): every message that is whole in them is found, none that was never sent, what is
# missing is exact, every answer is given to its own request; and the checker can fail.
set -eu
build=$1

command -v python3 >/dev/null 2>&1 || { echo "python3 is not installed"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

here=$PWD
case $build in /*) ;; *) build=$here/$build ;; esac
cd "$tmp"
for protocol in http framed; do
    for loss in 0 1 5; do
        "$build/tests/bench/bench-gen" --sessions 60 --open 20 --messages 20 --object 9000 --protocol $protocol --loss $loss --reorder 1 --retransmit 1 --seed 7 \
            --truth truth -o capture 2>/dev/null
        rm -f db
        "$build/tcpledger-ingest" -q --framings "$here/tests/bench/framed.ini" capture -o db
        printf '%s, %s %% lost: ' $protocol $loss
        python3 "$here/tests/bench/truth.py" db truth
        "$build/tcpledger-query" db verify
    done
done
[ "$(sed -n "\$=" truth)" -gt 0 ]
# Sabotage: a message less, one moved, an answer given to another request.
for sql in "DELETE FROM message WHERE complete AND message_id = (SELECT max(message_id) FROM message WHERE complete)" \
    "UPDATE message SET stream_offset = stream_offset + 1 WHERE message_id = (SELECT max(message_id) FROM message)" \
    "UPDATE message SET answers_message_id = answers_message_id - 1 WHERE message_id = (SELECT max(message_id) FROM message WHERE answers_message_id)"; do
    cp db spoiled
    python3 -c "import sqlite3, sys; d = sqlite3.connect('spoiled'); d.execute(sys.argv[1]); d.commit()" "$sql"
    if python3 "$here/tests/bench/truth.py" spoiled truth >/dev/null; then
        echo "not noticed: $sql"
        exit 1
    fi
done
