# circle.py DB TABLE: the last row of a table that is one leaf gets the id 1, behind rows with larger ones, as a flipped bit may do: whoever
# asks for the next row after the last one goes round.
import sqlite3
import sys

PAGE = 32768
con = sqlite3.connect(sys.argv[1])
(root,) = con.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", sys.argv[2:]).fetchone()
con.close()
with open(sys.argv[1], "r+b") as db:
    db.seek((root - 1) * PAGE)
    page = db.read(PAGE)
    assert page[0] == 13, "a leaf of a table"
    last = int.from_bytes(page[3:5], "big") - 1
    at = int.from_bytes(page[8 + 2 * last:10 + 2 * last], "big")
    while page[at] & 128:
        at += 1
    assert last > 0 and page[at + 1] == last + 1, "behind the length of the row is its id"
    db.seek((root - 1) * PAGE + at + 1)
    db.write(b"\x01")
