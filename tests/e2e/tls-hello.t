#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What a ClientHello says decides before anything is spent on it: names, versions, fingerprints."""

import hashlib
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import warnings

from lib import origin, tap
from lib.certs import Authority
from lib.gateway import Gateway
from lib.tls import SlowTls, TlsClient, context, wait_for
from lib.wire import Client, get

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

tap.start(180)
directory = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
authority = Authority(directory)
pair = authority.make("a", "a.example", "*.wild.example")
origins = origin.Origin()


def make(tls=None, **conf):
    return Gateway(origins.port, {"listener": {"tls": {"certificates": [pair], **(tls or {})}},
                                  **conf})


def counter(g, name):
    return json.loads(g.ctl("-j", "status").stdout)["counters"][name]


def refusal(g, made=None, name="a.example", source=None):
    """What the client's OpenSSL has to say of it; "" when it is served."""
    try:
        with TlsClient(g.port, made or context(authority.file), name=name, source=source) as c:
            c.ask(get("/"))
            return ""
    except (OSError, EOFError) as e:
        return str(e)


def anybody():
    made = context(authority.file)
    made.check_hostname = False
    return made


# ---- fingerprints, found here in another way ----

def numbers(data):
    return [n for n in struct.unpack(f">{len(data) // 2}H", data)
            if not ((n & 0x0f0f) == 0x0a0a and n >> 8 == n & 255)]


def extensions_of(data):
    found = {}
    while data:
        kind, size = struct.unpack(">HH", data[:4])
        found[kind] = data[4:4 + size]
        data = data[4 + size:]
    return found


def ja4(record):
    """Of a hello in one record, after FoxIO's description."""
    body = record[5 + 4:]
    version, at = struct.unpack(">H", body[:2])[0], 35 + body[34]
    size = struct.unpack(">H", body[at:at + 2])[0]
    ciphers = numbers(body[at + 2:at + 2 + size])
    at += 2 + size
    at += 1 + body[at]
    extensions = extensions_of(body[at + 2:])
    if 43 in extensions:
        version = max(numbers(extensions[43][1:]))
    protocol = "00"
    if 16 in extensions:
        first = extensions[16][3:3 + extensions[16][2]].decode()
        protocol = first[0] + first[-1]
    kinds = [k for k in extensions if numbers(struct.pack(">H", k))]
    listed = ",".join(f"{k:04x}" for k in sorted(kinds) if k not in (0, 16))
    if 13 in extensions:
        listed += "_" + ",".join(f"{n:04x}" for n in numbers(extensions[13][2:]))
    short = [hashlib.sha256(text.encode()).hexdigest()[:12]
             for text in (",".join(f"{n:04x}" for n in sorted(ciphers)), listed)]
    return (f"t{ {0x304: '13', 0x303: '12'}[version]}{'d' if 0 in extensions else 'i'}"
            f"{len(ciphers):02}{len(kinds):02}{protocol}_{short[0]}_{short[1]}")


class Tap:
    """Between one client and the gateway; keeps what the client said first."""

    def __init__(self, port):
        self.first = b""
        self.target = port
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with self.door, self.door.accept()[0] as near, \
             socket.create_connection(("127.0.0.1", self.target)) as far:
            back = threading.Thread(target=self._copy, args=(far, near), daemon=True)
            back.start()
            self.first = near.recv(65536)
            far.sendall(self.first)
            self._copy(near, far)
            back.join(20)

    @staticmethod
    def _copy(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def by_openssl(port, *words):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", authority.file,
         "-quiet", *words], input=get("/openssl", fields="Connection: close\r\n"),
        capture_output=True, timeout=30, check=False)
    return done.stdout + done.stderr


def by_curl(port, *words):
    return subprocess.run(
        ["curl", "-sS", "-i", "-m", "20", "--cacert", authority.file, "--resolve",
         f"a.example:{port}:127.0.0.1", *words, f"https://a.example:{port}/curl"],
        capture_output=True, timeout=30, check=False).stdout


CLIENTS = (
    ("s_client", by_openssl, ["-servername", "a.example"]),
    ("s_client, TLS 1.3 with a protocol", by_openssl,
     ["-servername", "a.example", "-tls1_3", "-alpn", "http/1.1"]),
    ("s_client, TLS 1.2 with few ciphers", by_openssl,
     ["-noservername", "-tls1_2", "-cipher", "ECDHE+AESGCM", "-sigalgs", "ECDSA+SHA256"]),
    ("s_client with other groups", by_openssl, ["-servername", "x.wild.example", "-groups", "P-384"]),
    ("curl", by_curl, []),
    ("curl without protocols", by_curl, ["--no-alpn"]),
    ("curl, TLS 1.2", by_curl, ["--tls-max", "1.2", "--http1.1"]),
)


def last_line(g, nr):
    wait_for(lambda: g.access_log().count("\n") >= nr)
    return json.loads(g.access_log().splitlines()[nr - 1])


def fingerprints():
    g = make({"ja4": True})
    for nr, (what, run, words) in enumerate(CLIENTS, 1):
        between = Tap(g.port)
        out = run(between.port, *words)
        tap.ok(b"200 OK" in out, f"{what} is served", out[-300:])
        tap.same(last_line(g, nr).get("tls_ja4"), ja4(between.first),
                 f"{what}: the log has its fingerprint")
    g.conf["listeners"]["http"]["tls"]["ja4"] = False
    g.reload()
    tap.same(refusal(g), "", "without the key a client is served, too")
    tap.ok("tls_ja4" not in last_line(g, len(CLIENTS) + 1), "and its fingerprint is not found")
    log = {"path": os.path.join(g.directory, "access.log"), "format": "ja4=$ssl_ja4 $status"}
    g.reload(logs={"access": log})
    between = Tap(g.port)
    by_openssl(between.port)
    wait_for(lambda: "ja4=" in g.access_log())
    tap.same(g.access_log().splitlines()[-1], f"ja4={ja4(between.first)} 200",
             "a template that asks for it gets it")
    g.end()


def denied():
    g = make()
    between = Tap(g.port)
    out = by_openssl(between.port, "-servername", "a.example", "-tls1_3")
    tap.ok(b"200 OK" in out, "a client is served", out[-300:])
    g.conf["listeners"]["http"]["tls"]["deny_ja4"] = [
        "t13d1516h2_8daaf6152771_b186095e22b6", ja4(between.first)]
    tap.ok(g.reload()["reloaded"], "its fingerprint is denied", g.complaint())
    out = by_openssl(g.port, "-servername", "a.example", "-tls1_3")
    tap.ok(b"alert access denied" in out and b"200 OK" not in out,
           "it is refused, and told so", out[-300:])
    tap.same(counter(g, "tls_bad_ja4"), 1, "which is counted")
    tap.same(refusal(g), "", "another client is served")
    tap.same((counter(g, "tls_bad_ja4"), counter(g, "tls_handshakes")), (1, 2), "as ever")
    g.end()


# ---- names and versions ----

def names():
    g = make({"unknown_names": "refuse"})
    for name in ("a.example", "A.EXAMPLE", "x.wild.example", None):
        tap.same(refusal(g, anybody(), name), "", f"{name} is served")
    before = counter(g, "tls_handshakes")
    for name in ("b.example", "wild.example", "x.y.wild.example", "a.example.org"):
        said = refusal(g, anybody(), name)
        tap.ok("unrecognized name" in said, f"{name} is refused by that alert", said)
    tap.same((counter(g, "tls_bad_name"), counter(g, "tls_handshakes")), (4, before),
             "each is counted, and none as a handshake")
    out = by_openssl(g.port, "-servername", "b.example")
    tap.ok(b"unrecognized name" in out, "s_client is told the same", out[-300:])
    g.conf["listeners"]["http"]["tls"]["unknown_names"] = "serve"
    g.reload()
    tap.same(refusal(g, anybody(), "b.example"), "", "until they are to be served")
    g.end()


def versions():
    g = make({"profile": "modern"})
    said = refusal(g, context(authority.file, version=TLS12))
    tap.ok("ALERT_PROTOCOL_VERSION" in said, "TLS 1.2 where there is 1.3 only: refused", said)
    tap.same(refusal(g, context(authority.file, version=TLS13)), "", "TLS 1.3 is served")
    tap.same(counter(g, "tls_bad_version"), 1, "it is counted")
    g.conf["listeners"]["http"]["tls"]["profile"] = "intermediate"
    g.reload()
    old = context(authority.file, ciphers="ALL:@SECLEVEL=0")
    warnings.simplefilter("ignore", DeprecationWarning)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    said = refusal(g, old)
    tap.ok("ALERT_PROTOCOL_VERSION" in said, "TLS 1.1 is refused anywhere", said)
    tap.same(refusal(g, context(authority.file, version=TLS12)), "", "TLS 1.2 is served")
    tap.same(counter(g, "tls_bad_version"), 2, "that, too")
    g.end()


# ---- how it comes ----

def start(raw, made, name="a.example"):
    """A client, and its hello."""
    c = SlowTls(raw, made, name)
    try:
        c.ssl.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return c, c.outgoing.read()


def cut(record, size):
    body = record[5:]
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(record[:3] + struct.pack(">H", len(p)) + p for p in parts)


def is_answered(c):
    c.run(c.ssl.do_handshake)
    c.run(c.ssl.write, get("/"))
    return c.run(c.ssl.read, 100).startswith(b"HTTP/1.1 200")


def pieces():
    g = make({"ja4": True, "unknown_names": "refuse"})
    for version in (TLS12, TLS13):
        made = context(authority.file, version=version)
        for size, pause in ((1, None), (7, None), (200, None), (1 << 16, 1), (100, 33)):
            with Client(g.port) as raw:
                raw.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                c, hello = start(raw.sock, made)
                data = cut(hello, size)
                for i in range(0, len(data), pause or len(data)):
                    raw.sock.sendall(data[i:i + (pause or len(data))])
                tap.ok(is_answered(c), f"{version.name}: a hello in records of {size} bytes"
                       f"{f', {pause} bytes at a time' if pause else ''}")
    for protocols, is_fine in ((20, True), (50, True), (63, True), (70, False)):
        made = context(authority.file, alpn=["http/1.1"] + ["x" * 250] * protocols)
        with Client(g.port) as raw:
            c, hello = start(raw.sock, made)
            raw.sock.sendall(hello)
            try:
                done = is_answered(c)
            except OSError as e:
                done = "decode error" not in str(e) and str(e)
            tap.same(done, is_fine, f"a hello of {len(hello)} bytes is "
                     f"{'served' if is_fine else 'refused'}")
    tap.same((counter(g, "tls_malformed"), counter(g, "tls_handshakes")), (1, 13), "and counted")
    with Client(g.port) as raw:
        c, hello = start(raw.sock, context(authority.file))
        raw.sock.sendall(hello[:90])
        g.conf["listeners"]["http"]["tls"]["unknown_names"] = "serve"
        tap.ok(g.reload()["reloaded"], "half a hello, and another configuration")
        raw.sock.sendall(hello[90:])
        tap.ok(is_answered(c), "the other half is served")
    g.end()


def lies():
    """One byte of a good hello is another: refused or served, never the end of others."""
    g = make({"ja4": True, "handshake_timeout": "300ms"})
    made = context(authority.file)
    _, hello = start(None, made)
    for i in range(0, len(hello), 3):
        with Client(g.port) as raw:
            raw.sock.sendall(hello[:i] + bytes([hello[i] ^ 0xff]) + hello[i + 1:])
            raw.end_sending()
            raw.sock.recv(1)
    tap.same(refusal(g), "", f"{len(hello) // 3} hellos with a byte that lies: others are served")
    kinds = ("tls_malformed", "tls_bad_version", "tls_refused", "tls_left", "tls_slow")
    found = {kind: counter(g, kind) for kind in kinds}
    tap.ok(wait_for(lambda: sum(counter(g, k) for k in kinds) == len(range(0, len(hello), 3))),
           "each of them is counted", found)
    g.end()


# ---- punishing ----

BAD = b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00"


def abuse(g, kind, source):
    if kind == "tls_name":
        return refusal(g, anybody(), "b.example", source)
    if kind == "tls_version":
        return refusal(g, context(authority.file, version=TLS12), source=source)
    with Client(g.port, source=source) as c:
        c.send(BAD if kind == "tls_malformed" else b"\x80garbage")
        return c.rest()


def punish():
    g = make({"unknown_names": "refuse", "profile": "modern"}, kernel={
        "mode": "off", "punish": {"after": "3 failures in 1m", "for": "1h"}})
    for number, kind in enumerate(("tls_name", "tls_version", "tls_malformed"), 3):
        source = f"127.0.9.{number}"
        for _ in range(2):
            abuse(g, kind, source)
        tap.same(refusal(g, source=source), "", f"{kind}: twice is borne")
        abuse(g, kind, source)
        tap.ok(refusal(g, source=source) != "", "three times is not")
        tap.ok(wait_for(lambda: f"client={source} reason={kind} " in g.complaint()),
               "the log says what for", g.complaint())
    for _ in range(3):
        abuse(g, "garbage", "127.0.9.9")
    tap.ok(refusal(g, source="127.0.9.9") != "", "who sends no handshake at all is punished, too")
    tap.same(refusal(g, source="127.0.9.1"), "", "others are served")
    tap.same(counter(g, "punishments"), 4, "each is counted")
    g.end()


tap.facts(fingerprints, denied, names, versions, pieces, lies, punish)
origins.close()
tap.done()
