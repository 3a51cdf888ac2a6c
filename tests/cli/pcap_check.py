#!/usr/bin/env python3
"""pcap_check.py BUILD SESSIONS CAPTURE...: what `tcpledger-query pcap` gives is the session, and nothing else.

For the first SESSIONS sessions of each capture: the file is indexed again and says the same of bytes, gaps and messages; where tshark is
installed, its packets are those that tshark puts into the same stream (and what EXPECTED says).
"""
import csv, io, os, shutil, subprocess, sys, tempfile

build, most, captures = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
query, ingest = os.path.join(build, "tcpledger-query"), os.path.join(build, "tcpledger-ingest")
tshark = shutil.which("tshark")

# Captures in which tshark's idea of a stream is another one, and why.
EXPECTED = {
    "16-test5-lines-randomized.pcap": "a SYN come late begins a stream of its own there",
    "32-vlan-collisions.pcap": "tshark tells VLANs apart",
}

ASK = {
    "streams": "SELECT direction, length, stored_bytes, gap_bytes, captured_bytes, duplicate_bytes, stray_bytes, packets, segments"
               " FROM stream WHERE session_id = {0} ORDER BY direction",
    "gaps": "SELECT direction, stream_offset, length FROM gap WHERE session_id = {0} ORDER BY 1, 2",
    "messages": "SELECT message_id & 4294967295, direction, stream_offset, length, missing, protocol, kind, summary, complete"
                " FROM message WHERE session_id = {0} ORDER BY message_id",
    "strays": "SELECT direction, stream_offset, length, reason FROM stray WHERE session_id = {0} ORDER BY stray_id",
}


def run(*words, good=(0,)):
    done = subprocess.run(words, capture_output=True)
    if done.returncode not in good:
        raise RuntimeError("%s: status %d: %s" % (" ".join(words), done.returncode, done.stderr.decode(errors="replace")[:500]))
    return done.stdout, done.stderr.decode(errors="replace")


def rows(db, sql):
    return list(csv.reader(io.StringIO(run(query, db, "sql", sql, "--format", "csv")[0].decode())))[1:]


def shark(path, *fields):
    words = [tshark, "-r", path, "-n", "-T", "fields"]
    for f in fields:
        words += ["-e", f]
    return [line.split("\t") for line in run(*words, good=(0, 2))[0].decode(errors="replace").splitlines()]


def one(db, session, streams, work, name):
    out, again = os.path.join(work, "out.pcapng"), os.path.join(work, "again.db")
    bad = []
    try:
        said = run(query, db, "pcap", session, "-o", out)[1]
        run(ingest, "-q", out, "-o", again)
    except RuntimeError as e:
        return [str(e)]
    found = rows(again, "SELECT count(*) FROM session")[0][0]
    if found != "1":
        bad.append("indexed again it is %s sessions" % found)
    for what, sql in ASK.items():
        if rows(db, sql.format(session)) != rows(again, sql.format(1)):
            bad.append("%s differ" % what)
    for side in "client", "server":
        a, b = [run(query, d, "payload", s, "--dir", side)[0] for d, s in ((db, session), (again, "1"))]
        if a != b:
            bad.append("the %s's bytes differ" % side)
    os.unlink(again)
    if streams is not None:
        ours = [int(c.split(", frame ")[1].split()[0]) for c, in shark(out, "frame.comment")]
        first = int(rows(db, "SELECT first_frame FROM session WHERE session_id = " + session)[0][0])
        theirs = sorted(n for n, s in streams.items() if s and s == streams.get(first))
        fragments = set(ours) - set(theirs)
        if set(theirs) - set(ours) or any(streams.get(n) for n in fragments):
            if name not in EXPECTED:
                bad.append("tshark's frames are %s, ours %s" % (theirs[:20], ours[:20]))
        if ours != sorted(ours):
            bad.append("not in order")
    if said and name not in EXPECTED:
        bad.append("said: " + said.strip())
    return bad


failed = checked = 0
with tempfile.TemporaryDirectory() as work:
    for capture in captures:
        name, db = os.path.basename(capture), os.path.join(work, "x.db")
        if os.path.exists(db):
            os.unlink(db)
        run(ingest, "-q", capture, "-o", db, good=(0, 1))
        streams = None
        if tshark:
            # Without what ICMP quotes: tshark counts that as the stream's.
            streams = {int(n): "" if i4 or i6 else s
                       for n, s, i4, i6 in shark(capture, "frame.number", "tcp.stream", "icmp.type", "icmpv6.type")}
        for (session,) in rows(db, "SELECT session_id FROM session ORDER BY session_id LIMIT %d" % most):
            bad = one(db, session, streams, work, name)
            checked += 1
            if bad:
                failed += 1
                print("%s session %s: %s" % (name, session, "; ".join(bad)))
print("%d sessions, %d not as they should be%s" % (checked, failed, "" if tshark else " (tshark is not installed)"))
sys.exit(failed > 0 or checked == 0)
