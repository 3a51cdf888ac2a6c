#!/usr/bin/env python3
"""zeek_check.py INGEST TSV CAPTURES: holds conn_state, history and missed_bytes against the rows that Zeek's own tests expect.

Prints each difference; status 1 when there is one."""
import csv
import os
import sqlite3
import subprocess
import sys
import tempfile

ingest, tsv, captures = sys.argv[1:4]
rows = [r for r in csv.DictReader(open(tsv), delimiter="\t") if not r["compare"].startswith("differ")]
bad = checked = 0
with tempfile.TemporaryDirectory() as folder:
    for name in sorted({r["file"] for r in rows}):
        db = os.path.join(folder, name + ".db")
        subprocess.run([ingest, "--quiet", os.path.join(captures, name), "-o", db], check=True)
        con = sqlite3.connect(db)
        for r in (r for r in rows if r["file"] == name):
            got = con.execute(
                "SELECT conn_state, history, (SELECT sum(gap_bytes) FROM stream WHERE stream.session_id = s.session_id) FROM session s"
                " WHERE client_addr = ? AND client_port = ? AND server_addr = ? AND server_port = ?",
                (r["orig_h"], r["orig_p"], r["resp_h"], r["resp_p"])).fetchall()
            want = (r["conn_state"], r["history"], int(r["missed_bytes"]))
            checked += 1
            if want not in got:
                bad += 1
                print(name, r["orig_p"], r["resp_p"], "Zeek:", *want, "here:", *got)
print(f"{checked} rows, {bad} differ")
sys.exit(bad > 0 or checked == 0)
