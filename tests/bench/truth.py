#!/usr/bin/env python3
"""truth.py DB TRUTH - holds a database against what bench-gen says the streams hold.

Every message that is whole in the capture has to be found, with its offset and length; none may be found that was never sent; what is missing
of a damaged one has to be exact where the message was found with its length; each pairing has to be right.  Prints one line of figures and
what is wrong (20 at most); status 1 when anything is.

A stream whose start is lost (no SYN, no SYN-ACK) begins at the first byte known: its offsets are shifted by the sequence numbers."""
import json
import sqlite3
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: truth.py DB TRUTH")
    db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    wrong, counts = [], dict.fromkeys(["whole", "found", "damaged", "seen", "exact", "pairs", "right"], 0)
    base = {}
    for client, addr_port, direction, base_seq in db.execute(
            "SELECT s.client_addr, s.client_port, t.direction, t.base_seq FROM session s JOIN stream t USING (session_id)"):
        name = f"[{client}]:{addr_port}" if ":" in client else f"{client}:{addr_port}"
        base[name, direction] = base_seq
    heard = {}
    numbers = {}
    for client, port, direction, offset, length, missing, complete, message_id, answers, protocol in db.execute(
            "SELECT s.client_addr, s.client_port, m.direction, m.stream_offset, m.length, m.missing, m.complete, m.message_id, "
            "m.answers_message_id, m.protocol FROM message m JOIN session s USING (session_id)"):
        name = f"[{client}]:{port}" if ":" in client else f"{client}:{port}"
        heard.setdefault((name, direction), {})[offset] = (length, missing, complete, message_id, answers, protocol)
    lines = [json.loads(line) for line in open(sys.argv[2])]
    shift = {}
    for m in lines:
        key = m["client"], m["direction"]
        if key not in shift:
            known = base.get(key)
            shift[key] = ((known - m["base"] + 2**31) % 2**32) - 2**31 if known is not None else 0
        at = m["offset"] - shift[key]
        got = heard.get(key, {}).get(at)
        m["id"] = got[3] if got else None
        numbers[key[0], key[1], m["ordinal"]] = m
        if m["whole"]:
            counts["whole"] += 1
            if got and got[0] == m["length"] and got[1] == 0 and got[2]:
                counts["found"] += 1
            else:
                wrong.append(f"whole, not found: {m} {got}")
        else:
            counts["damaged"] += 1
            if got:
                counts["seen"] += 1
                # Cut ones end where sync was lost: of those only the start is known.
                if got[0] == m["length"]:
                    counts["exact"] += got[1] == m["missing"]
                    if got[1] != m["missing"]:
                        wrong.append(f"missing bytes: {m} {got}")
                elif got[2]:
                    wrong.append(f"complete with another length: {m} {got}")
    sent = {}
    for m in lines:
        sent.setdefault((m["client"], m["direction"]), set()).add(m["offset"] - shift[m["client"], m["direction"]])
    false = 0
    for key, messages in heard.items():
        for offset, got in messages.items():
            if got[5] != "turn" and offset not in sent.get(key, ()):
                false += 1
                wrong.append(f"never sent: {key} {offset} {got}")
    for m in lines:
        got = heard.get((m["client"], m["direction"]), {}).get(m["offset"] - shift[m["client"], m["direction"]])
        if got is None or got[4] is None or m["direction"] != 1:
            continue
        counts["pairs"] += 1
        asked = numbers.get((m["client"], 0, m["ordinal"]))
        if asked and asked["id"] == got[4]:
            counts["right"] += 1
        else:
            wrong.append(f"answers another one: {m} {got}")
    print(f"{len(lines)} messages: {counts['found']} of {counts['whole']} whole ones found, {false} false; "
          f"{counts['seen']} of {counts['damaged']} damaged ones found, {counts['exact']} with exact length and missing; "
          f"{counts['right']} of {counts['pairs']} pairings right")
    for line in wrong[:20]:
        print(line)
    sys.exit(1 if wrong else 0)


main()
