#!/usr/bin/env python3
"""scan_pcap.py OUT: a capture with a scan (10.0.0.66 asks 300 servers on port 22), a flood (400 clients ask 192.0.2.80:443), turn by turn,
and among them what must stay sessions: one with an exchange, one refused, one whose SYN carried payload, one whose answer comes two hours
later, and one that is tried again with another sequence number, then answered.
scan_pcap.py OUT again: what comes after that capture: an answer to the first SYN of the scan, and a SYN of another client."""
import socket
import struct
import sys

packets = []
SYN, RST, ACK, FIN = 2, 4, 16, 1


def tcp(src, sport, dst, dport, seq, ack, flags, data=b"", at=None):
    n = len(packets)
    segment = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65535, 0, 0) + data
    src, dst = socket.inet_aton(src), socket.inet_aton(dst)
    pseudo = src + dst + struct.pack(">HH", 6, len(segment)) + segment + b"\0" * (len(segment) % 2)
    total = sum(struct.unpack(f">{len(pseudo) // 2}H", pseudo))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    segment = segment[:16] + struct.pack(">H", 0xffff - total) + segment[18:]
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), n & 0xffff, 0, 64, 6, 0, src, dst)
    frame = b"\x02" * 6 + b"\x04" * 6 + b"\x08\x00" + ip + segment
    us = n * 1000 if at is None else at
    packets.append(struct.pack("<IIII", 1700000000 + us // 1000000, us % 1000000, len(frame), len(frame)) + frame)


def write(path):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(packets))


first = ("10.0.0.66", 50000, "198.51.100.0", 22)
if len(sys.argv) > 2:
    tcp(first[2], first[3], first[0], first[1], 7000, 1001, SYN | ACK, at=9000000000)
    tcp("10.0.0.99", 41000, "192.0.2.1", 81, 1000, 0, SYN, at=9000001000)
    write(sys.argv[1])
    sys.exit()

web = ("10.0.0.1", 40000, "192.0.2.1", 80)
back = web[2:] + web[:2]
for i in range(400):
    if i < 300:
        tcp("10.0.0.66", 50000 + i, f"198.51.{100 + i // 256}.{i % 256}", 22, 1000, 0, SYN)
    tcp(f"10.{1 + i // 200}.0.{i % 200}", 1024 + i, "192.0.2.80", 443, 1000, 0, SYN)
    if i % 40 == 0:  # tried again
        tcp(f"10.{1 + i // 200}.0.{i % 200}", 1024 + i, "192.0.2.80", 443, 1000, 0, SYN)
    if i == 10:
        tcp(*web, 1000, 0, SYN)
        tcp(*back, 5000, 1001, SYN | ACK)
        tcp(*web, 1001, 5001, ACK, b"GET / HTTP/1.0\r\n\r\n")
        tcp(*back, 5001, 1019, ACK, b"HTTP/1.0 204 No Content\r\n\r\n")
        tcp(*web, 1019, 5028, ACK | FIN)
        tcp(*back, 5028, 1020, ACK | FIN)
        tcp(*web, 1020, 5029, ACK)
    if i == 20:
        tcp("10.0.0.2", 40000, "192.0.2.2", 81, 1000, 0, SYN)
        tcp("192.0.2.2", 81, "10.0.0.2", 40000, 0, 1001, RST | ACK)
    if i == 30:
        tcp("10.0.0.3", 40000, "192.0.2.3", 81, 1000, 0, SYN, b"early")
    if i == 40:
        tcp("10.0.0.4", 40000, "192.0.2.4", 81, 1000, 0, SYN)
    if i == 50:
        tcp("10.0.0.5", 40000, "192.0.2.5", 81, 1000, 0, SYN)
    if i == 60:
        tcp("10.0.0.5", 40000, "192.0.2.5", 81, 900000, 0, SYN)
        tcp("192.0.2.5", 81, "10.0.0.5", 40000, 5000, 900001, SYN | ACK)
tcp("192.0.2.4", 81, "10.0.0.4", 40000, 5000, 1001, SYN | ACK, at=7200000000)
tcp("10.0.0.66", 60000, "198.51.100.200", 22, 1000, 0, SYN, at=7200001000)
write(sys.argv[1])
