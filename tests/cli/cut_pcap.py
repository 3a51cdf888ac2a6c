#!/usr/bin/env python3
"""cut_pcap.py CAPTURE PARTS PREFIX - cuts a pcap file (this machine's byte order) into PREFIX0.pcap, PREFIX1.pcap, ... as rotation does."""
import struct, sys

name, parts, prefix = sys.argv[1], int(sys.argv[2]), sys.argv[3]
data = open(name, "rb").read()
head, at, records = data[:24], 24, []
while at < len(data):
    (n,) = struct.unpack_from("=I", data, at + 8)
    records.append(data[at : at + 16 + n])
    at += 16 + n
for i in range(parts):
    some = records[len(records) * i // parts : len(records) * (i + 1) // parts]
    open(f"{prefix}{i}.pcap", "wb").write(head + b"".join(some))
