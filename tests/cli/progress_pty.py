#!/usr/bin/env python3
"""progress_pty.py BENCH_ADVERSARY INGEST DB - ingests an endless capture with a terminal for stderr until a progress line was seen there.

Prints what the terminal got after that line and the capture's end, escape sequences made readable."""
import os, pty, subprocess, sys

generator, ingest, db = sys.argv[1:4]
source = subprocess.Popen([generator, "--kind", "dribble", "--n", "1000000000", "-o", "-"], stdout=subprocess.PIPE)
leader, follower = pty.openpty()
environment = dict(os.environ, TERM="xterm")
program = subprocess.Popen([ingest, "-", "-o", db], stdin=source.stdout, stderr=follower, env=environment)
source.stdout.close()
os.close(follower)
seen = b""
while b"MB/s" not in seen:
    seen += os.read(leader, 4096)
source.kill()
source.wait()
try:
    while True:
        more = os.read(leader, 4096)
        if not more:
            break
        seen += more
except OSError:  # how a pseudoterminal says that nobody writes any more
    pass
program.wait()
text = seen.decode()
print(text.replace("\x1b[K", "<ERASE>").replace("\r\n", "\n").replace("\r", "<RETURN>"))
