#!/usr/bin/env python3
"""hostile_pcap.py OUT: a capture whose every text is markup: request target, host, reason phrase, two copies of bytes that differ.

Session 1: a request, an answer with a hole in its body (so both are told of), then a forged copy of the answer's first bytes."""
import struct
import sys

XSS = b"<script>document.title='owned'</script>"
client, server = b"\x0a\x00\x00\x01", b"\xc0\x00\x02\x50"
packets = []


def tcp(to_server, seq, ack, flags, data=b""):
    src, dst, sport, dport = (client, server, 40000, 80) if to_server else (server, client, 80, 40000)
    segment = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65535, 0, 0) + data
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), len(packets), 0, 64, 6, 0, src, dst)
    frame = b"\x02" * 6 + b"\x04" * 6 + b"\x08\x00" + ip + segment
    n = len(packets)
    packets.append(struct.pack("<IIII", 1700000000 + n // 4, n % 4 * 250000, len(frame), len(frame)) + frame)


request = b"GET /\"><img/src=x/onerror=document.title='owned'>" + XSS + b" HTTP/1.1\r\nHost: " + XSS + b"\r\nUser-Agent: '\"" + XSS + b"\r\n\r\n"
body = XSS * 60
response = b"HTTP/1.1 200 " + XSS + b"\r\nContent-Type: " + XSS + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
tcp(True, 1000, 0, 2)
tcp(False, 5000, 1001, 18)
tcp(True, 1001, 5001, 24, request)
a = 1001 + len(request)
tcp(False, 5001, a, 24, response[:800])
tcp(False, 5001, a, 24, response[:10] + XSS + response[10 + len(XSS):800])
tcp(False, 5001 + 1200, a, 24, response[1200:])
tcp(True, a, 5001 + len(response), 16)
tcp(True, a, 5001 + len(response), 16)
for i in range(8):
    more = b"HTTP/1.1 %d " % (300 + i) + XSS + b"\r\nContent-Length: 90000\r\n\r\n" + XSS
    tcp(True, a, 5001 + len(response), 24, request)
    a += len(request)
    tcp(False, 5001 + len(response), a, 24, more)
    response += more + b"x" * (90000 - len(XSS))
    tcp(True, a, 5001 + len(response), 16)
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(packets))
