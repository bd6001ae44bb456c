#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""TLS to upstreams: who is believed, what is shown, and bytes both ways."""

import hashlib
import json
import os
import random
import shutil
import socket
import ssl
import tempfile
import threading
import time

from lib import origin, tap
from lib.certs import Authority, openssl
from lib.gateway import Gateway
from lib.load import Load
from lib.tls import wait_for
from lib.wire import Client, chunked, get, post

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NO_TLS = "No TLS connection to the upstream could be made."
BIG = random.Random(7).randbytes(9_000_001)

tap.start(240)
directory = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
authority = Authority(directory)
os.mkdir(authority.path("other"))
other = Authority(authority.path("other"))
good = authority.make("good", "a.example", "IP:127.0.0.1")
ours = authority.make("gateway", "gateway.example")


class TlsOrigin(origin.Origin):
    """An origin that speaks TLS, and keeps what it was asked for in each handshake."""

    def __init__(self, pair, serve=None, versions=(TLS12, TLS13), client_ca=None):
        self.made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.made.minimum_version, self.made.maximum_version = versions
        self.made.load_cert_chain(pair["certificate"], pair["key"])
        self.made.set_alpn_protocols(["h2", "http/1.1"])
        self.made.sni_callback = lambda sock, name, made: self.names.append(name)
        if client_ca:
            self.made.verify_mode = ssl.CERT_REQUIRED
            self.made.load_verify_locations(client_ca)
        self.names, self.refused, self.secured = [], [], []
        self.serve_plain = serve or answer_all
        super().__init__(self.shake_hands)

    def shake_hands(self, conn):
        raw = conn.sock
        try:
            conn.sock = self.made.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False)
        except (ssl.SSLError, OSError) as e:
            self.refused.append(str(e))
            return
        self.secured.append(conn)
        try:
            self.serve_plain(conn)
        except ssl.SSLError as e:
            self.refused.append(str(e))


def facts_of(conn):
    peer = conn.sock.getpeercert() or {}
    return json.dumps({
        "connection": conn.number, "version": conn.sock.version(),
        "alpn": conn.sock.selected_alpn_protocol(), "reused": conn.sock.session_reused,
        "client": dict(x[0] for x in peer.get("subject", ()))}).encode()


def answer_all(conn):
    """/hash: of what was posted; /big, /chunks, /close, /cut, /ws: bodies; else facts as JSON."""
    while True:
        request = conn.request()
        if not request:
            return
        path = request.target
        if path == "/big":
            conn.send(origin.answer(BIG))
        elif path == "/chunks":
            conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                      chunked(BIG[:500_000], 777))
        elif path in ("/close", "/cut"):
            conn.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BIG[:300_000])
            if path == "/close":
                conn.sock.unwrap()
            else:
                socket.socket.shutdown(conn.sock, socket.SHUT_WR)
            return
        elif path == "/ws":
            conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      b"Connection: Upgrade\r\n\r\n")
            while conn.fill():
                conn.send(conn.take(len(conn.buffer)))
            return
        elif request.body:
            conn.send(origin.answer(hashlib.sha256(request.body).hexdigest().encode()))
        else:
            conn.send(origin.answer(facts_of(conn)))


def to(port, name=None, **tls):
    """An upstream with this target."""
    made = {"ca": authority.file, **({"server_name": name} if name else {}), **tls}
    return {"targets": [f"127.0.0.1:{port}"], "tls": made, "down_for": 0}


def counters(g):
    return json.loads(g.ctl("-j", "status").stdout)["counters"]


def last_line(g):
    lines = g.access_log().splitlines()
    return json.loads(lines[-1]) if lines else {}


class Case(Gateway):
    """A gateway with one upstream over TLS."""

    def __init__(self, upstream, **conf):
        super().__init__(1, {"upstreams": {"origin": upstream}, **conf})

    def ask(self, *words, **how):
        with Client(self.port) as c:
            return c.ask(*(words or (get("/"),)), **how)

    def facts(self):
        return json.loads(self.ask().body)

    def target(self):
        return json.loads(self.ctl("-j", "upstream", "show").stdout)["upstreams"][0]["targets"][0]


def is_refused(g, what, word, text):
    """The answer, the log, the counters and `upstream show` say so, and nothing was sent."""
    before = counters(g)["upstream_tls_failures"]
    r = g.ask()
    tap.same((r.status, json.loads(r.body)["detail"]), (502, NO_TLS), f"{what}: 502")
    tap.ok(wait_for(lambda: last_line(g).get("detail") == word), f"{what}: {word} in the log",
           last_line(g))
    tap.same(g.target().get("last_error"), word, f"{what}: {word} in upstream show")
    tap.same(g.target()["state"], "failing", f"{what}: the target is failing")
    tap.same(counters(g)["upstream_tls_failures"], before + 1, f"{what}: tried and counted once")
    told = [x for x in g.complaint().splitlines() if "upstream.failing" in x]
    tap.ok(len(told) == 1 and text in told[0], f"{what}: told once, with its reason", told)
    g.ask()
    tap.same(g.complaint().count("upstream.failing"), 1, f"{what}: and not again")


def believed():
    for version in (TLS12, TLS13):
        o = TlsOrigin(good, versions=(version, version))
        g = Case(to(o.port, "a.example"))
        facts = g.facts()
        tap.same((facts["version"], facts["alpn"]),
                 (version.name.replace("_", "."), "http/1.1"), f"{version.name} is spoken, in it "
                 "http/1.1")
        tap.same(o.names, ["a.example"], f"{version.name}: the name is asked for")
        tap.same([g.facts()["connection"] for i in range(3)], [0] * 3,
                 f"{version.name}: the connection is kept")
        tap.same(counters(g)["upstream_tls_handshakes"], 1, f"{version.name}: one handshake")
        g.end()
        o.close()


def by_address():
    o = TlsOrigin(good)
    g = Case(to(o.port))
    tap.same(g.facts()["alpn"], "http/1.1", "a target that is an address: it is in the certificate")
    tap.same(o.names, [None], "and no name is asked for")
    g.end()


def not_believed():
    table = (
        ("another name", good, "b.example", {}, "tls_wrong_name", "ostname mismatch"),
        ("another address", authority.make("named", "a.example"), None, {}, "tls_wrong_name",
         "IP address mismatch"),
        ("an expired one", authority.make("old", "a.example", days=-1), "a.example", {},
         "tls_expired", "certificate has expired"),
        ("an unknown authority", other.make("theirs", "a.example"), "a.example", {},
         "tls_unknown_ca", "unable to get local issuer"),
        ("signed by itself", self_signed(), "a.example", {}, "tls_self_signed", "self-signed"),
        ("a revoked one", good, "a.example", {"crl": authority.revoke(good)}, "tls_revoked",
         "certificate revoked"),
        ("a client's", authority.make("client", "a.example", more="extendedKeyUsage=clientAuth"),
         "a.example", {}, "tls_untrusted", "certificate purpose"),
    )
    for what, pair, name, tls, word, text in table:
        o = TlsOrigin(pair)
        g = Case(to(o.port, name, **tls))
        is_refused(g, what, word, text)
        tap.same(o.requests(), [], f"{what}: the target gets no request")
        g.end()
        g = Case(to(o.port, name, verify=False))
        tap.same(g.ask().status, 200, f"{what}: passes with verify off")
        g.end()
        o.close()


def self_signed():
    pem, key = authority.path("self.pem"), authority.path("self.key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", pem, "-subj", "/CN=a", "-addext",
            "subjectAltName=DNS:a.example", "-days", "30")
    return {"certificate": pem, "key": key}


def pinned():
    pair = self_signed()
    o = TlsOrigin(pair)
    g = Case(to(o.port, "a.example", ca=pair["certificate"]))
    tap.same(g.ask().status, 200, "what stands in ca is trusted: one signed by itself")
    g.end()


def shown():
    """The origin wants a certificate of ours."""
    for version in (TLS12, TLS13):
        o = TlsOrigin(good, versions=(version, version), client_ca=authority.file)
        g = Case(to(o.port, "a.example", **ours))
        tap.same(g.facts()["client"].get("commonName"), "gateway",
                 f"{version.name}: our certificate is shown")
        g.end()
        g = Case(to(o.port, "a.example"))
        r = g.ask()
        tap.same((r.status, json.loads(r.body)["detail"]), (502, NO_TLS),
                 f"{version.name}: without one it is refused")
        tap.ok(wait_for(lambda g=g: last_line(g).get("detail") == "tls_refused"),
               f"{version.name}: by the target's alert", last_line(g))
        again = [g.ask() for i in range(10)]
        tap.same({json.loads(r.body)["detail"] for r in again}, {NO_TLS},
                 f"{version.name}: whichever comes first, its alert or its end")
        tap.same(o.requests()[1:], [], f"{version.name}: and no request is taken")
        g.end()
        o.close()


def resumed():
    for version in (TLS12, TLS13):
        o = TlsOrigin(good, versions=(version, version))
        g = Case({**to(o.port, "a.example"), "idle_connections": 0})
        tap.same([g.facts()["reused"] for i in range(6)], [False] + [True] * 5,
                 f"{version.name}: new connections go on with a session")
        c = counters(g)
        tap.same((c["upstream_tls_handshakes"], c["upstream_tls_resumed"]), (1, 5),
                 f"{version.name}: they are counted")
        g.reload()
        tap.same(g.facts()["reused"], True, f"{version.name}: after a reload, too")
        g.reload(upstreams={"origin": {**to(o.port, "a.example", depth=2), "idle_connections": 0}})
        tap.same(g.facts()["reused"], False, f"{version.name}: not when more is asked of targets")
        g.reload(upstreams={"origin": {**to(o.port, "a.example", session_reuse=False),
                                       "idle_connections": 0}})
        g.ask()
        tap.same(g.facts()["reused"], False, f"{version.name}: not with session_reuse off")
        g.end()
        o.close()


def once_only():
    """A ticket of TLS 1.3 is not shown twice."""
    tickets, seen = [], threading.Lock()

    def serve(conn):
        while conn.request():
            with seen:
                tickets.append(conn.sock.session.id if conn.sock.session_reused else None)
            time.sleep(0.2)
            conn.send(origin.answer(b"ok"))

    o = TlsOrigin(good, serve, versions=(TLS13, TLS13))
    g = Case({**to(o.port, "a.example"), "idle_connections": 0})
    g.ask()
    threads = [threading.Thread(target=g.ask, daemon=True) for i in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(20)
    used = [t for t in tickets if t]
    tap.ok(len(tickets) == 6 and used and len(set(used)) == len(used),
           "a ticket of TLS 1.3 is used once", tickets)
    g.end()


def bodies():
    for version in (TLS12, TLS13):
        o = TlsOrigin(good, versions=(version, version))
        g = Case(to(o.port, "a.example"))
        name = version.name
        with Client(g.port) as c:
            r = c.ask(post("/hash", BIG))
            tap.same(r.body.decode(), hashlib.sha256(BIG).hexdigest(), f"{name}: a large body up")
            tap.ok(c.ask(get("/big")).body == BIG, f"{name}: a large body down")
            r = c.ask(get("/chunks"))
            tap.ok(r.body == BIG[:500_000] and r.framing == "chunked", f"{name}: chunks down")
            r = c.ask(get("/hash", method="POST", fields="Transfer-Encoding: chunked\r\n") +
                      chunked(BIG[:400_000], 1234))
            tap.same(r.body.decode(), hashlib.sha256(BIG[:400_000]).hexdigest(),
                     f"{name}: chunks up")
            tap.same(len(o.secured), 1, f"{name}: all on one connection")
            r = c.ask(get("/close"))
            tap.ok(r.is_complete and r.body == BIG[:300_000], f"{name}: a body without a length")
        with Client(g.port) as c:
            r = c.ask(get("/cut"))
            tap.ok(r and not r.is_complete,
                   f"{name}: one that ends without close_notify is never complete", r)
        with Client(g.port) as c:
            r = c.ask(get("/cut", version="1.0"))
            tap.ok(r is None or not r.is_complete, f"{name}: nor without chunks", r)
        tap.ok(wait_for(lambda g=g: last_line(g).get("error") == "upstream_truncated"),
               f"{name}: the log says so", last_line(g))
        g.end()
        o.close()


def tunnel():
    o = TlsOrigin(good)
    g = Case(to(o.port, "a.example"))
    with Client(g.port) as c:
        r = c.ask(get("/ws", fields="Connection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
        tap.same(r.status, 101, "a WebSocket to a target over TLS")
        for size in (1, 500, 16384, 16385, 200_000):
            c.send(BIG[:size])
            tap.ok(c.exactly(size) == BIG[:size], f"{size} bytes there and back")
    g.end()


def checked():
    o = TlsOrigin(good)
    health = {"path": "/healthz", "interval": "100ms", "unhealthy_after": 1, "healthy_after": 1}
    g = Case({**to(o.port, "a.example"), "health_check": health})
    tap.ok(wait_for(lambda: g.target()["checks"] >= 3), "health checks go over TLS")
    tap.same((g.target()["checks_failed"], g.target()["state"]), (0, "ready"), "and pass")
    tap.same({r.target for r in o.requests()}, {"/healthz"}, "the path is asked for")
    tap.same(set(o.names), {"a.example"}, "by the name")
    g.reload(upstreams={"origin": {**to(o.port, "b.example"), "health_check": health}})
    tap.ok(wait_for(lambda: g.target()["state"] == "unhealthy"), "by a wrong name they fail")
    tap.ok("reason=\"tls: " in g.complaint() and "ostname mismatch" in g.complaint(),
           "and tell why", g.complaint())
    del health["path"]
    g.reload(upstreams={"origin": {**to(o.port, "a.example"), "health_check": health}})
    tap.ok(wait_for(lambda: g.target()["state"] == "ready"), "without a path the handshake is all")
    g.end()


def ejected():
    bad, fine = TlsOrigin(authority.make("out", "other.example")), TlsOrigin(good)
    upstream = to(bad.port, "a.example")
    upstream["targets"].append(f"127.0.0.1:{fine.port}")
    g = Case({**upstream, "outlier_detection": {"consecutive_failures": 3}})
    statuses = [g.ask(post("/hash", b"x") if i % 2 else get("/")).status for i in range(12)]
    tap.same(statuses, [200] * 12, "nothing was sent, so any request goes on to the next target")
    tap.same(g.target()["state"], "ejected", "three failed handshakes in a row eject a target")
    tap.same(len(bad.refused), 3, "each request tries it once")
    g.end()


def before_tls():
    """A PROXY header goes before the handshake."""
    heads = []

    def serve(conn):
        line = b""
        while not line.endswith(b"\r\n"):
            line += conn.sock.recv(1)
        heads.append(line)
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(good["certificate"], good["key"])
        conn.sock = made.wrap_socket(conn.sock, server_side=True)
        answer_all(conn)

    o = origin.Origin(serve)
    g = Case({**to(o.port, "a.example"), "send_proxy_protocol": "v1"})
    tap.same(g.ask().status, 200, "a PROXY header before TLS")
    tap.ok(heads[0].startswith(b"PROXY TCP4 127.0.0.1"), "names the client", heads)
    g.end()


def hostile():
    def garbage(conn):
        conn.sock.recv(100)
        conn.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)

    def silent(conn):
        conn.sock.recv(1 << 16)
        conn.wait_end(5)

    def half(conn):
        conn.sock.recv(1 << 16)
        conn.send(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76")
        conn.wait_end(5)

    def gone(conn):
        conn.sock.recv(1 << 16)
        conn.end_sending()
        conn.wait_end(5)

    def endless(conn):
        conn.sock.recv(1 << 16)
        try:
            while True:
                conn.send(b"\x16\x03\x03\x40\x00" + b"\x02\x00\xff\xff" + bytes(16380))
        except OSError:
            pass

    table = ((garbage, 502, "tls_garbage"), (silent, 504, "connect_timeout"),
             (half, 504, "connect_timeout"), (gone, 502, "closed"), (endless, 502, None))
    for serve, status, word in table:
        o = origin.Origin(serve)
        g = Case({**to(o.port, "a.example"), "timeouts": {"connect": "500ms"}})
        start = time.monotonic()
        tap.same(g.ask().status, status, f"{serve.__name__}: {status}")
        tap.ok(time.monotonic() - start < 10, f"{serve.__name__}: within the time to connect")
        if word:
            tap.ok(wait_for(lambda g=g, word=word: last_line(g).get("detail") == word),
                   f"{serve.__name__}: {word}", last_line(g))
        g.end()
        o.close()


def huge_chain():
    pair = authority.make("huge", "a.example")
    with open(pair["certificate"], "ab") as f, open(authority.file, "rb") as ca:
        f.write(ca.read() * 400)
    o = TlsOrigin(pair)
    g = Case(to(o.port, "a.example"))
    tap.same(g.ask().status, 502, "a chain of four hundred certificates is refused")
    g.end()


def renewed():
    """Files that change: what is trusted changes with them, under load."""
    first, second = authority, other
    trusted = authority.path("trusted.pem")

    def trust(*authorities):
        with open(trusted + ".new", "wb") as f:
            for a in authorities:
                with open(a.file, "rb") as ca:
                    f.write(ca.read())
        os.rename(trusted + ".new", trusted)

    trust(first)
    o = TlsOrigin(first.make("renewed", "a.example"))
    g = Case(to(o.port, "a.example", ca=trusted), gateway={"workers": 2})
    g.ctl("upstream", "drain", f"127.0.0.1:{o.port}")
    trust(second, first)
    g.reload()
    tap.same(g.target()["state"], "drain", "what the operator said of a target stays")
    g.ctl("upstream", "enable", f"127.0.0.1:{o.port}")
    load = Load(g.port, True)
    wait_for(lambda: load.answered > 100)
    for i in range(20):
        trust(*((first, second) if i % 2 else (second, first)))
        g.reload()
    pair = second.make("next", "a.example")
    o.made.load_cert_chain(pair["certificate"], pair["key"])
    g.reload()
    wait_for(lambda: load.answered > 400)
    load.stop()
    tap.same(load.failed, [], "reloads with other authorities under load: nothing fails")
    trust(first)
    tap.ok(wait_for(lambda: g.ask().status == 502), "an authority that is taken away by its file: "
           "its targets are not believed any more, kept connections and sessions neither")
    before = len(o.requests())
    tap.same([g.ask().status for i in range(5)], [502] * 5, "not even now and then")
    tap.same(len(o.requests()), before, "and get no request")
    trust(second)
    tap.ok(wait_for(lambda: g.ask().status == 200), "and again when it is back")
    g.end()


def by_plain():
    """What was plain and becomes TLS, and the other way, at one and the same target."""
    o = TlsOrigin(good)
    plain = origin.Origin()
    g = Case({"targets": [f"127.0.0.1:{plain.port}"]})
    tap.same(g.ask().status, 200, "a plain target")
    g.reload(upstreams={"origin": {**to(plain.port, "a.example"),
                                   "timeouts": {"connect": "500ms"}}})
    tap.same(g.ask().status, 504, "its kept connection is no answer where TLS is asked for")
    g.reload(upstreams={"origin": to(o.port, "a.example")})
    tap.same(g.ask().status, 200, "one with TLS")
    g.reload(upstreams={"origin": {"targets": [f"127.0.0.1:{o.port}"], "down_for": 0}})
    tap.same(g.ask().status, 502, "nor the other way round")
    g.end()


tap.facts(believed, by_address, not_believed, pinned, shown, resumed, once_only, bodies, tunnel,
          checked, ejected, before_tls, hostile, huge_chain, renewed, by_plain)
tap.done()
