"""browser.py - drives a headless Chromium over its DevTools protocol, with nothing but the standard library.

    with Browser() as b:
        b.open("file:///page.html", width=1280)
        b.eval("document.title")
        b.screenshot("page.png"); b.pdf("page.pdf")
        b.problems          # console errors, uncaught exceptions, refused by the page's policy, requests that left the page

find() says which program would be started; None: no Chromium here."""
import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request


def find():
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        if name and shutil.which(name):
            return shutil.which(name)
    return None


class Socket:
    """A websocket client (RFC 6455): whole text messages, masked; fragments and pings as a server sends them."""

    def __init__(self, url):
        host, _, path = url.removeprefix("ws://").partition("/")
        name, _, port = host.partition(":")
        self.s = socket.create_connection((name, int(port)), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        self.s.sendall((f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.s.recv(1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(head.decode("latin-1"))

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def send(self, text, opcode=1):
        data = text if isinstance(text, bytes) else text.encode()
        n = len(data)
        size = bytes([0x80 | n]) if n < 126 else b"\xfe" + struct.pack(">H", n) if n < 65536 else b"\xff" + struct.pack(">Q", n)
        mask = os.urandom(4)
        self.s.sendall(bytes([0x80 | opcode]) + size + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(data)))

    def receive(self):
        whole = b""
        while True:
            first, second = self.exactly(2)
            n = second & 127
            if n == 126:
                n, = struct.unpack(">H", self.exactly(2))
            elif n == 127:
                n, = struct.unpack(">Q", self.exactly(8))
            data = self.exactly(n)
            if first & 15 == 9:
                self.send(data, 10)
                continue
            whole += data
            if first & 128:
                return whole.decode()


class Browser:
    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        self.program = subprocess.Popen(
            [find(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--no-first-run", "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={self.folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.number, self.problems, self.loaded = 0, [], False
        port_file = os.path.join(self.folder, "DevToolsActivePort")
        until = time.monotonic() + 60
        while not (os.path.exists(port_file) and open(port_file).read().count("\n")):
            if self.program.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the browser did not start")
            time.sleep(0.05)
        port = open(port_file).readline().strip()
        pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=60))
        self.socket = Socket(next(p for p in pages if p["type"] == "page")["webSocketDebuggerUrl"])
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(domain + ".enable")
        return self

    def __exit__(self, *_):
        self.program.terminate()
        self.program.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def event(self, m):
        what, p = m["method"], m["params"]
        if what == "Page.loadEventFired":
            self.loaded = True
        elif what == "Runtime.exceptionThrown":
            self.problems.append("exception: " + json.dumps(p["exceptionDetails"])[:400])
        elif what == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
            self.problems.append("console: " + json.dumps(p["args"])[:400])
        elif what == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
            self.problems.append("log: " + p["entry"]["text"][:400])
        elif what == "Page.javascriptDialogOpening":
            self.problems.append("dialog: " + p["message"])
            self.call("Page.handleJavaScriptDialog", accept=False)
        elif what == "Network.requestWillBeSent" and p["request"]["url"].split("#")[0] != self.url:
            self.problems.append("request: " + p["request"]["url"][:200])

    def call(self, method, **params):
        self.number += 1
        number = self.number
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            m = json.loads(self.socket.receive())
            if m.get("id") == number:
                if "error" in m:
                    raise RuntimeError(f"{method}: {m['error']}")
                return m["result"]
            if "method" in m:
                self.event(m)

    def open(self, url, width=1280, height=900, scheme="light", script=True):
        self.url, self.loaded = url, False
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Page.navigate", url=url)
        while not self.loaded:
            m = json.loads(self.socket.receive())
            if "method" in m:
                self.event(m)

    def eval(self, code):
        r = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r:
            raise RuntimeError(f"{code}: {r['exceptionDetails']}")
        return r["result"].get("value")

    def screenshot(self, path, whole=True):
        params = {"format": "png"}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            params |= {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("Page.captureScreenshot", **params)["data"]))

    def pdf(self, path):
        data = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=False, paperWidth=8.27, paperHeight=11.69)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))
