"""fingerprints_check.py NAME JSON OURS: the fingerprints in OURS (lines "name,value") are those of tshark's JSON, as often; JA4 is made
here of the numbers in it (github.com/FoxIO-LLC/ja4, technical_details/JA4.md)."""
import collections, hashlib, json, sys

def nodes(value):
    """Every object in it."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from nodes(each)

def all_of(hello, key):
    """Every value of that key, in order."""
    found = []
    for node in nodes(hello):
        if key in node:
            found += node[key] if isinstance(node[key], list) else [node[key]]
    return found

def numbers(hello, key):
    values = [int(v, 0) for v in all_of(hello, key)]
    return [v for v in values if not (v & 0x0F0F == 0x0A0A and v >> 8 == v & 0xFF)]

def sum12(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12

def ja4(hello):
    ciphers, extensions = numbers(hello, "tls.handshake.ciphersuite"), numbers(hello, "tls.handshake.extension.type")
    versions = numbers(hello, "tls.handshake.extensions.supported_version") or numbers(hello, "tls.handshake.version")
    version = {0x300: "s3", 0x301: "10", 0x302: "11", 0x303: "12", 0x304: "13"}.get(max(versions), "00")
    alpn = (all_of(hello, "tls.handshake.extensions_alpn_str") or ["00"])[0]
    kept = sorted("%04x" % e for e in extensions if e not in (0, 16))
    signatures = ["%04x" % s for s in numbers(hello, "tls.handshake.sig_hash_alg")]
    tail = "_".join([",".join(kept)] + ([",".join(signatures)] if signatures else []))
    return "t%s%s%02d%02d%s_%s_%s" % (version, "d" if 0 in extensions else "i", len(ciphers), len(extensions), alpn[0] + alpn[-1],
                                      sum12(",".join(sorted("%04x" % c for c in ciphers))), sum12(tail))

name, wanted = sys.argv[1], collections.Counter()
for node in nodes(json.load(open(sys.argv[2]))):
    for key, ours in (("tls.handshake.ja3", "ja3"), ("tls.handshake.ja3s", "ja3s"), ("ssh.kex.hassh", "hassh"),
                      ("ssh.kex.hasshserver", "hassh_server")):
        if key in node:
            wanted[ours, node[key]] += 1
    if node.get("tls.handshake.type") == "1":
        wanted["ja4", ja4(node)] += 1
got = collections.Counter(tuple(line.strip().split(",")) for line in open(sys.argv[3]))
print(name, dict(collections.Counter(key for key, _ in got.elements())))
if not got or got != wanted:
    sys.exit("FAILED: %s: tshark has %s, we have %s" % (name, sorted((wanted - got).elements()), sorted((got - wanted).elements())))
