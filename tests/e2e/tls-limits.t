#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Limits hold through TLS: times, memory, clients that do not read, many handshakes at once."""

import json
import shutil
import ssl
import tempfile
import threading
import time

from lib import origin, tap
from lib.certs import Authority
from lib.gateway import Gateway
from lib.tls import TlsClient, context, wait_for
from lib.wire import Client, get, post

LARGE = bytes(30_000_000)

tap.start(150)
directory = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
authority = Authority(directory)
pair = authority.make("a", "a.example")
made = context(authority.file)


def serve(conn):
    while True:
        request = conn.request()
        if not request:
            return
        conn.send(origin.answer(LARGE if request.target == "/large" else b"ok"))


origins = origin.Origin(serve)


def make(**limits):
    return Gateway(origins.port, {"listener": {"tls": {"certificates": [pair]}}, "limits": limits})


def counter(g, name):
    return json.loads(g.ctl("-j", "status").stdout)["counters"][name]


def times():
    g = make(idle_timeout="1s", header_timeout="1s", send_timeout="1s", body_rate=0)
    with TlsClient(g.port, made) as idle, TlsClient(g.port, made) as half, \
         TlsClient(g.port, made) as early, TlsClient(g.port, made) as stuck:
        tap.same(idle.ask(get("/")).status, 200, "a request, then nothing")
        half.send(get("/")[:10])
        stuck.send(get("/large"))
        r = half.response()
        tap.same(r and r.status, 408, "half a head is answered 408")
        tap.same((half.fill(), half.was_reset), (False, False), "and closed in good order")
        tap.same((idle.fill(), idle.was_reset), (False, False),
                 "an idle connection ends with close_notify")
        tap.same((early.fill(), early.was_reset), (False, False), "one without a request, too")
        tap.ok(wait_for(lambda: counter(g, "requests_aborted") == 1),
               "who does not read is cut off")
        r = stuck.response()
        tap.ok(not r.is_complete and stuck.was_reset, "without an end that looks like one")
    g.end()


def memory():
    g = make(memory="2MiB")
    held = []
    for _ in range(200):
        try:
            c = TlsClient(g.port, made)
        except (ssl.SSLError, ConnectionError):
            break
        held.append(c)
        if not c.ask(get("/")):
            break
    tap.ok(20 < len(held) < 80, "as many connections as limits.memory has room for", len(held))
    tap.ok(sum(counter(g, n) for n in ("tls_no_memory", "requests_aborted", "responses_5xx")) >= 1,
           "the next is closed, or told so, and counted")
    for c in held:
        c.close()
    tap.ok(wait_for(lambda: counter(g, "connections_open") == 0), "when they have gone")
    with TlsClient(g.port, made) as c:
        tap.same(c.ask(get("/")).status, 200, "there is room again")
    g.end()


def burst():
    """Handshakes from many at once; a connection that is there goes on meanwhile."""
    g = make()
    failed, answered = [], [0]
    is_over = threading.Event()

    def keep():
        with TlsClient(g.port, made) as c:
            while not is_over.is_set():
                r = c.ask(get("/"))
                answered[0] += 1
                if not r or r.status != 200:
                    failed.append(repr(r))
                    return

    def shake():
        for _ in range(15):
            try:
                with TlsClient(g.port, made) as c:
                    if c.ask(get("/")).status != 200:
                        failed.append("status")
            except OSError as e:
                failed.append(repr(e))

    kept = threading.Thread(target=keep, daemon=True)
    kept.start()
    threads = [threading.Thread(target=shake, daemon=True) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    is_over.set()
    kept.join(20)
    tap.same(failed, [], "300 handshakes of 20 clients: all are served")
    tap.ok(answered[0] > 20, "and so is who was there before", answered[0])
    tap.same(counter(g, "tls_handshakes"), 301, "each is counted once")
    g.end()


def in_progress():
    """Half a handshake holds a place until it ends, one way or the other."""
    g = make(handshakes=3)

    def half(source="127.0.0.2"):
        c = Client(g.port, source=source)
        c.send(b"\x16\x03\x01\x02\x00\x01\x00")
        return c

    halves = [half() for _ in range(3)]
    tap.ok(wait_for(lambda: counter(g, "tls_active") == 3), "three handshakes in progress")
    with half("127.0.0.3") as fourth:
        tap.ok(fourth.is_closed(), "handshakes 3: a fourth is closed, whoever it is of")
    tap.same(counter(g, "tls_limit"), 1, "and counted")
    halves.pop().close()
    tap.ok(wait_for(lambda: counter(g, "tls_active") == 2), "one leaves")
    with TlsClient(g.port, made) as c, TlsClient(g.port, made) as d:
        tap.same((c.ask(get("/")).status, d.ask(get("/")).status), (200, 200),
                 "others are served, for whom it is done is none of them")
    g.reload(limits={"handshakes": 0, "client_handshakes": 2})
    halves += [half("127.0.0.4") for _ in range(2)]
    tap.ok(wait_for(lambda: counter(g, "tls_active") == 4), "none in all, but two a client")
    with half("127.0.0.4") as third:
        tap.ok(third.is_closed(), "client_handshakes 2: the third is closed")
    with TlsClient(g.port, made, source="127.0.0.5") as c:
        tap.same(c.ask(get("/")).status, 200, "another client is served")
    for c in halves:
        c.close()
    tap.ok(wait_for(lambda: counter(g, "tls_active") == 0), "nobody counts who has gone")
    with TlsClient(g.port, made, source="127.0.0.4") as c:
        tap.same(c.ask(get("/")).status, 200, "and the client is served again")
    tap.same((counter(g, "tls_limit"), counter(g, "tls_handshakes")), (2, 4), "all in numbers")
    g.end()


def sizes():
    g = make(body_bytes=1000, header_bytes=2048)
    with TlsClient(g.port, made) as c:
        tap.same(c.ask(post("/", bytes(300_000))).status, 413, "a body that is too large: 413")
        tap.same((c.fill(), c.was_reset), (False, False), "closed in good order")
    with TlsClient(g.port, made) as c:
        tap.same(c.ask(get("/", fields=f"X: {'x' * 3000}\r\n")).status, 431, "a head: 431")
    g.end()


tap.facts(times, memory, burst, in_progress, sizes)
origins.close()
tap.done()
