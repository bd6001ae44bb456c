#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Listeners that speak TLS: what is agreed on, which certificate, and bytes both ways."""

import hashlib
import json
import os
import random
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import warnings

from lib import origin, tap
from lib.certs import Authority
from lib.gateway import Gateway
from lib.tls import SlowTls, TlsClient, context
from lib.wire import Client, chunked, get, post

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
# Where the kernel has kTLS, all of this holds with it, too.
KERNEL = os.environ.get("SLUICE_KERNEL_TLS", "auto")
BIG = random.Random(5).randbytes(9_000_001)


def serve(conn):
    """Echoes what was posted; /big is a large body, /cut one that stops, /chunks in pieces."""
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
        elif path == "/close":
            conn.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BIG[:300_000])
            conn.end_sending()
            return
        elif path == "/cut":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + BIG[:50_000])
            conn.end_sending()
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
            conn.send(origin.answer(json.dumps(dict(request.fields)).encode()))


directory = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
tap.start(240)
authority = Authority(directory)
certificates = [
    authority.make("default", "a.example", "b.example", serial=11),
    authority.make("rsa", "a.example", kind="rsa", serial=12),
    authority.make("wild", "*.wild.example", serial=13),
    authority.make("exact", "x.wild.example", serial=14),
]
origins = origin.Origin(serve)
g = Gateway(origins.port, {"listener": {"tls": {"certificates": certificates,
                                               "handshake_timeout": "1s",
                                               "kernel_tls": KERNEL}}})


def client(**how):
    made = how.pop("made", None) or context(authority.file, **{
        k: how.pop(k) for k in ("version", "alpn", "ciphers") if k in how})
    return TlsClient(g.port, made, **how)


def counter(name):
    return json.loads(g.ctl("-j", "status").stdout)["counters"][name]


def versions():
    for version, name in ((TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")):
        with client(version=version, alpn=["h2", "http/1.1"]) as c:
            tap.same((c.sock.version(), c.sock.selected_alpn_protocol()), (name, "http/1.1"),
                     f"{name} is spoken, and http/1.1 in it")
            fields = json.loads(c.ask(get("/fields")).body)
            tap.same((fields.get("X-Forwarded-Proto"), fields.get("X-Forwarded-Port")),
                     ("https", str(g.port)), f"{name}: the upstream is told of https")
            tap.same(c.ask(get("/again")).status, 200, f"{name}: the connection is kept")
    old = context(authority.file, ciphers="ALL:@SECLEVEL=0")
    warnings.simplefilter("ignore", DeprecationWarning)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        client(made=old)
        tap.ok(False, "TLS 1.1 is refused")
    except (ssl.SSLError, ConnectionError) as e:
        tap.ok("ALERT_PROTOCOL_VERSION" in str(e), "TLS 1.1 is refused, by an alert", e)


def protocols():
    try:
        client(alpn=["h2", "spdy/1"])
        tap.ok(False, "protocols that are not ours are refused")
    except (ssl.SSLError, ConnectionError) as e:
        tap.ok("no application protocol" in str(e), "protocols that are not ours are refused", e)
    with client() as c:
        tap.same((c.sock.selected_alpn_protocol(), c.ask(get("/")).status), (None, 200),
                 "who names no protocol speaks HTTP/1.1")


def names():
    table = (("a.example", 11), ("A.Example", 11), ("b.example", 11), ("y.wild.example", 13),
             ("Y.WILD.example", 13), ("x.wild.example", 14))
    for name, serial in table:
        with client(name=name) as c:
            tap.same(c.serial(), serial, f"{name} gets the certificate for it")
    made = context(authority.file)
    made.check_hostname = False
    for name in ("other.example", "x.y.wild.example", "wild.example", None, "127.0.0.1"):
        with client(made=made, name=name) as c:
            tap.same(c.serial(), 11, f"{name} gets the first certificate")
    with client(version=TLS12, ciphers="ECDHE-RSA-AES128-GCM-SHA256") as c:
        tap.same(c.serial(), 12, "who takes RSA only gets the certificate for RSA of that name")
    made = context(authority.file, version=TLS12, ciphers="ECDHE-RSA-AES128-GCM-SHA256")
    try:
        client(made=made, name="b.example")
        tap.ok(False, "and none where there is none")
    except (ssl.SSLError, ConnectionError) as e:
        tap.ok("HANDSHAKE_FAILURE" in str(e), "and none where there is none", e)


def resumption():
    for version, name in ((TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")):
        made = context(authority.file, version=version)
        with client(made=made) as c:
            c.ask(get("/first"))
            session, reused = c.sock.session, c.sock.session_reused
        before = counter("tls_resumed")
        with client(made=made, session=session) as c:
            status = c.ask(get("/second")).status
            tap.same((reused, c.sock.session_reused, status), (False, True, 200),
                     f"{name}: a session is gone on with")
        tap.same(counter("tls_resumed"), before + 1, f"{name}: it is counted")
    for nr in range(3):
        with client(made=made, session=session) as c:
            c.ask(get("/third"))
            tap.ok(c.sock.session_reused and c.sock.session.id != session.id,
                   f"TLS 1.3: with each comes a ticket for the next, {nr + 1}")
            session = c.sock.session
    tap.ok(session.has_ticket and 0 < session.ticket_lifetime_hint <= 7200,
           "its ticket is good for two hours")


def all_in_one():
    """The end of the handshake and the request in one segment: the ticket comes with the answer."""
    made = context(authority.file, version=TLS13)
    with Client(g.port) as raw:
        c = SlowTls(raw.sock, made)
        try:
            c.ssl.do_handshake()
        except ssl.SSLWantReadError:
            c.flush(1 << 16)
        while True:
            c.incoming.write(raw.sock.recv(1 << 16))
            try:
                c.ssl.do_handshake()
                break
            except ssl.SSLWantReadError:
                pass
        c.ssl.write(get("/at-once"))
        c.flush(1 << 16)
        tap.ok(c.run(c.ssl.read, 100).startswith(b"HTTP/1.1 200"),
               "a request with the handshake's end")
        tap.ok(c.ssl.session.has_ticket, "its answer brings the ticket")
        session = c.ssl.session
    with client(made=made, session=session) as c:
        tap.ok(c.sock.session_reused, "which is good for a session")


def bodies():
    for version, name in ((TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")):
        with client(version=version) as c:
            r = c.ask(post("/hash", BIG))
            tap.same(r.body.decode(), hashlib.sha256(BIG).hexdigest(), f"{name}: a large body up")
            tap.ok(c.ask(get("/big")).body == BIG, f"{name}: a large body down")
            r = c.ask(get("/chunks"))
            tap.ok(r.body == BIG[:500_000] and r.framing == "chunked", f"{name}: chunks down")
            r = c.ask(get("/hash", method="POST", fields="Transfer-Encoding: chunked\r\n") +
                      chunked(BIG[:400_000], 1234))
            tap.same(r.body.decode(), hashlib.sha256(BIG[:400_000]).hexdigest(),
                     f"{name}: chunks up")
            r = c.ask(get("/close"))
            tap.ok(r.is_complete and r.body == BIG[:300_000], f"{name}: a body without a length")


def pipelined():
    with client() as c:
        c.send(b"".join(get(f"/{i}") for i in range(50)))
        paths = [c.response().status for i in range(50)]
        tap.same(paths, [200] * 50, "fifty requests in one record")
        c.send(post("/one", b"x" * 100) + post("/two", b"y" * 20000) + get("/three"))
        got = [c.response().body for i in range(3)]
        want = [hashlib.sha256(b"x" * 100).hexdigest(), hashlib.sha256(b"y" * 20000).hexdigest()]
        tap.same([b.decode() for b in got[:2]], want, "bodies among them")


def small_records():
    """As bytes come: one a packet, one a record."""
    for version in (TLS12, TLS13):
        raw = socket.create_connection(("127.0.0.1", g.port), 20)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        slow = SlowTls(raw, context(authority.file, version=version))
        slow.run(slow.ssl.do_handshake)
        slow.run(slow.ssl.write, post("/slow", b"z" * 600))
        answer = b""
        while b"\r\n\r\n" not in answer or len(answer.split(b"\r\n\r\n")[1]) < 64:
            answer += slow.run(slow.ssl.read, 1000)
        tap.ok(hashlib.sha256(b"z" * 600).hexdigest().encode() in answer,
               f"{version.name}: a handshake and a request a byte at a time")
        for byte in get("/record"):
            slow.ssl.write(bytes([byte]))
        slow.flush(1 << 20)
        tap.ok(b"200 OK" in slow.run(slow.ssl.read, 1000), f"{version.name}: a byte a record")
        raw.close()


def ends():
    with client() as c:
        tap.same(c.ask(get("/", fields="Connection: close\r\n")).status, 200, "the last request")
        tap.same((c.fill(), c.was_reset), (False, False), "ends with close_notify")
    with client() as c:
        r = c.ask(get("/cut"))
        tap.ok(not r.is_complete and c.was_reset, "a cut answer ends without")
    with client() as c:
        c.ask(get("/"))
        c.sock.unwrap()
        tap.ok(True, "the client's close_notify is answered with ours")
    aborted = counter("connections_closed_error")
    with client() as c:
        c.ask(get("/"))
    origins.wait(lambda: counter("connections_closed_error") > aborted, 5)
    tap.ok(counter("connections_closed_error") > aborted, "a FIN without it is an error")
    # A request that stops in the middle of its body reaches nobody as a whole.
    before = len(origins.requests())
    c = client()
    c.send(post("/half", b"h" * 50_000)[:-10])
    socket.socket.shutdown(c.sock, socket.SHUT_WR)
    c.close()
    time.sleep(0.3)
    tap.ok(all(len(r.body) != 50_000 for r in origins.requests()[before:]),
           "a body that is cut short is not completed")


def tunnel():
    with client() as c:
        r = c.ask(get("/ws", fields="Connection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
        tap.same(r.status, 101, "a tunnel through TLS")
        for size in (1, 500, 16384, 16385, 200_000):
            c.send(BIG[:size])
            tap.ok(c.exactly(size) == BIG[:size], f"{size} bytes there and back")


def strangers():
    plain = counter("tls_plain")
    with Client(g.port) as c:
        r = c.ask(get("/plain"))
        tap.ok(r.status == 400 and b"HTTPS" in r.body, "plain HTTP is answered 400", r)
        tap.ok(c.is_closed(), "and closed")
    tap.same(counter("tls_plain"), plain + 1, "it is counted")
    for what, data in (("garbage", b"\x00\x01\x02\x03garbage" * 100),
                       ("an SSLv2 hello", b"\x80\x2e\x01\x00\x02" + bytes(60)),
                       ("a record of another type", b"\x17\x03\x03\x00\x20" + bytes(32)),
                       ("half a megabyte as a handshake", b"\x16\x03\x01\xff\xff" + bytes(500_000)),
                       ("a handshake that is none", b"\x16\x03\x01\x00\x20" + b"\xee" * 32),
                       ("an empty handshake record", b"\x16\x03\x01\x00\x00" * 200)):
        refused = counter("tls_malformed")
        with Client(g.port) as c:
            c.send(data)
            started = time.monotonic()
            rest = c.rest()
            tap.ok(len(rest) <= 7 and time.monotonic() - started < 5,
                   f"{what} is refused, with an alert at the most", rest[:50])
        tap.same(counter("tls_malformed"), refused + 1, f"{what} is counted")


def half_a_handshake():
    made = context(authority.file)
    hello = SlowTls(None, made)
    try:
        hello.ssl.do_handshake()
    except ssl.SSLWantReadError:
        pass
    data = hello.outgoing.read()
    slow = counter("tls_slow")
    with Client(g.port) as half, Client(g.port) as whole:
        half.send(data[:100])
        whole.send(data)
        started = time.monotonic()
        half.rest()
        whole.rest()
        took = time.monotonic() - started
        tap.ok(0.5 < took < 6, "half a handshake ends after tls.handshake_timeout", took)
    origins.wait(lambda: counter("tls_slow") >= slow + 2, 5)
    tap.same(counter("tls_slow"), slow + 2, "it is counted")
    left = counter("tls_left")
    with Client(g.port) as c:
        c.send(data)
    origins.wait(lambda: counter("tls_left") > left, 5)
    tap.same(counter("tls_left"), left + 1, "who leaves in the middle is counted, too")


def curl():
    out = subprocess.run(
        ["curl", "-sS", "-m", "20", "--cacert", authority.file, "--resolve",
         f"a.example:{g.port}:127.0.0.1", "-w", "%{http_code} %{size_download}", "-o", "/dev/null",
         f"https://a.example:{g.port}/big"], capture_output=True, text=True, timeout=30, check=False)
    tap.same(out.stdout, f"200 {len(BIG)}", "curl gets a large body")
    out = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{g.port}", "-servername", "a.example",
         "-CAfile", authority.file, "-verify_return_error", "-quiet"],
        input=get("/", fields="Connection: close\r\n"), capture_output=True, timeout=30,
        check=False)
    tap.ok(b"200 OK" in out.stdout, "openssl s_client gets an answer", out.stderr)
    out = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{g.port}", "-tls1_2", "-legacy_renegotiation"],
        input=b"R\n", capture_output=True, timeout=30, check=False)
    tap.ok(b"RENEGOTIATING" in out.stdout + out.stderr and b"no renegotiation" in out.stderr,
           "a renegotiation is refused", out.stdout[-300:] + out.stderr)


def log_lines():
    with client(name="b.example", version=TLS12) as c:
        c.ask(get("/logged"))
    origins.wait(lambda: "/logged" in g.access_log(), 5)
    line = [json.loads(x) for x in g.access_log().splitlines() if "/logged" in x][0]
    tap.same({k: line.get(k) for k in ("tls", "tls_cipher", "tls_name", "tls_resumed")},
             {"tls": "TLSv1.2", "tls_cipher": "ECDHE-ECDSA-AES256-GCM-SHA384",
              "tls_name": "b.example", "tls_resumed": False},
             "the access log tells what was agreed on")


tap.facts(versions, protocols, names, resumption, all_in_one, bodies, pipelined, small_records, ends,
          tunnel, strangers, half_a_handshake, curl, log_lines)
g.end()
origins.close()
tap.done()
