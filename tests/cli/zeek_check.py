#!/usr/bin/env python3
"""zeek_check.py INGEST TSV CAPTURES: holds the view conn_log against the rows that Zeek's own tests expect: conn_state, history, bytes and
packets of both sides, missed_bytes, and the service where the program names one.

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
                "SELECT conn_state, history, orig_bytes, resp_bytes, missed_bytes, orig_pkts, resp_pkts, service FROM conn_log"
                " WHERE \"id.orig_h\" = ? AND \"id.orig_p\" = ? AND \"id.resp_h\" = ? AND \"id.resp_p\" = ?",
                (r["orig_h"], r["orig_p"], r["resp_h"], r["resp_p"])).fetchall()
            want = (r["conn_state"], r["history"], *(int(r[n]) for n in ("orig_bytes", "resp_bytes", "missed_bytes", "orig_pkts", "resp_pkts")))
            named = [row[:-1] for row in got if row[-1] is None or row[-1] in r["service"].split(",")]
            checked += 1
            if want not in named:
                bad += 1
                print(name, r["orig_p"], r["resp_p"], "Zeek:", *want, "here:", *got)
print(f"{checked} rows, {bad} differ")
sys.exit(bad > 0 or checked == 0)
