#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""WebSocket tunnels: bytes unchanged, each way ended by itself, and upgrades that are refused."""

import base64
import hashlib
import random
import threading
import time

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ACCEPT = base64.b64encode(hashlib.sha1((KEY + GUID).encode()).digest()).decode()
HANDSHAKE = (f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: chat\r\n")
SWITCH = (f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          f"Sec-WebSocket-Accept: {ACCEPT}\r\nSec-WebSocket-Protocol: chat\r\n\r\n").encode()
MEGABYTE = random.Random(2).randbytes(1 << 20)
seen = {}
gone = threading.Event()


def note(key, value):
    with origins.changed:
        seen[key] = value
        origins.changed.notify_all()


def noted(key, seconds=10):
    origins.wait(lambda: key in seen, seconds)
    return seen.get(key)


def echo(conn):
    while conn.fill():
        conn.send(conn.take(len(conn.buffer)))
    note("echo ended", not conn.was_reset)


def both_ways(conn):
    """Sends all of its own while it reads all of the other's."""
    sender = threading.Thread(target=conn.send, args=(MEGABYTE[::-1],), daemon=True)
    sender.start()
    got = conn.exactly(len(MEGABYTE))
    sender.join(20)
    note("both ways", got == MEGABYTE)
    conn.wait_end()


def speaks_on(conn):
    """The client ends its side; the origin still has something to say."""
    note("heard", conn.rest())
    conn.send(b"last words")


def ends_first(conn):
    conn.end_sending()
    note("after its end", conn.rest())


def keeps_silent(conn):
    conn.wait_end(20)
    note("silence ended", True)


def is_deaf(conn):
    """Reads nothing of what comes."""
    gone.wait(20)


def resets(conn):
    conn.send(b"some")
    conn.exactly(2)
    conn.reset()


TUNNELS = {"/deaf": is_deaf, "/echo": echo, "/both": both_ways, "/speaks-on": speaks_on, "/ends-first": ends_first,
           "/silent": keeps_silent, "/resets": resets}
REFUSALS = {
    "/400": origin.answer(b"no", "", "400 Bad Request"),
    "/426": origin.answer(b"other",
                          "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n"
                           "Connection: upgrade\r\n",
                          "426 Upgrade Required"),
    "/200": origin.answer(b"just a page"),
    "/200-chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n",
}
BAD_SWITCHES = {
    "/no-upgrade": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "/no-connection": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
}


def serve(conn):
    while True:
        request = conn.request()
        if request is None:
            return
        if request.target in REFUSALS:
            conn.send(REFUSALS[request.target])
            continue
        if request.target in BAD_SWITCHES:
            conn.send(BAD_SWITCHES[request.target])
            note(request.target, conn.wait_end())
            return
        if request.target == "/together":
            conn.send(SWITCH + b"first frame")
            echo(conn)
            return
        if request.target in TUNNELS:
            conn.send(SWITCH)
            TUNNELS[request.target](conn)
            return
        conn.send(origin.answer(request.line.encode()))


def upgrade(client, path, more=b""):
    client.send(get(path, fields=HANDSHAKE) + more)
    return client.response()


def handshake():
    with Client(gateway.port) as client:
        response = upgrade(client, "/echo")
        request = [r for r in origins.requests() if r.target == "/echo"][-1]
        tap.ok(response.status == 101 and response.get("sec-websocket-accept") == ACCEPT and
               response.get("sec-websocket-protocol") == "chat", "the handshake comes back",
               response)
        tap.ok(response.get("upgrade").lower() == "websocket" and
               response.get("connection").lower() == "upgrade", "with Upgrade and Connection",
               response)
        tap.ok(not response.all("content-length") and not response.all("transfer-encoding"),
               "and without framing", response)
        tap.ok(request.get("upgrade") == "websocket"
               and request.get("connection").lower() == "upgrade" and
               request.get("sec-websocket-key") == KEY, "and so it reached the origin",
               request.fields)
        every = bytes(range(256)) * 10
        client.send(every)
        tap.same(client.exactly(len(every)), every, "every byte passes, unchanged")
        client.drip(b"GET /smuggled HTTP/1.1\r\n\r\n")
        tap.same(client.exactly(26), b"GET /smuggled HTTP/1.1\r\n\r\n",
                 "even what looks like a request")
        client.end_sending()
        tap.ok(client.is_closed(), "the end of both sides ends it")
    tap.ok(noted("echo ended"), "in good order on the other side too")
    tap.ok(not [r for r in origins.requests() if r.target == "/smuggled"],
           "it was never read as a request")


def bytes_at_once():
    with Client(gateway.port) as client:
        response = upgrade(client, "/together", b"sent too early")
        tap.same(response.status, 101, "bytes right behind both handshakes")
        got = client.exactly(len("first frame" "sent too early"))
        tap.same(got, b"first framesent too early", "arrive, and in order")


def megabytes():
    with Client(gateway.port) as client:
        upgrade(client, "/both")
        sender = threading.Thread(target=client.send, args=(MEGABYTE,), daemon=True)
        sender.start()
        got = client.exactly(len(MEGABYTE))
        sender.join(20)
        tap.ok(got == MEGABYTE[::-1] and noted("both ways"), "a megabyte each way at once")


def half_closes():
    with Client(gateway.port) as client:
        upgrade(client, "/speaks-on")
        client.send(b"enough")
        client.end_sending()
        tap.same(client.rest(), b"last words", "the client ends its side: the origin still speaks")
        tap.same(noted("heard"), b"enough", "and has heard all")
    with Client(gateway.port) as client:
        upgrade(client, "/ends-first")
        tap.ok(client.is_closed() and not client.was_reset, "the origin ends its side")
        client.send(b"but I ")
        time.sleep(0.1)
        client.send(b"go on")
        client.end_sending()
        tap.same(noted("after its end"), b"but I go on", "the client still speaks")


def resets_and_leavers():
    with Client(gateway.port) as client:
        upgrade(client, "/resets")
        client.exactly(4)
        client.send(b"go")
        tap.ok(client.is_closed(), "a reset of the origin ends the client's side")
    client = Client(gateway.port)
    upgrade(client, "/silent")
    client.reset()
    tap.ok(noted("silence ended", 1.2), "a reset of the client ends the origin's side at once")


def idle():
    with origins.changed:
        seen.pop("silence ended", None)
    with Client(gateway.port) as client:
        upgrade(client, "/silent")
        start = time.monotonic()
        closed = client.is_closed(8)
        seconds = time.monotonic() - start
        tap.ok(closed and 1.8 < seconds < 4.5 and noted("silence ended"),
               "idle_timeout 2s ends a tunnel where nothing moves",
               f"{closed} after {seconds:.1f} s")
    with Client(gateway.port) as client:
        upgrade(client, "/echo")
        got = []
        for i in range(5):
            time.sleep(0.8)
            client.send(bytes([i]))
            got.append(client.exactly(1))
        tap.same(got, [bytes([i]) for i in range(5)], "but none where something does")


def deaf_origin():
    """Both directions of a stuck tunnel end by the clock, with so many fibers gone before that
    stacks are given back to the kernel: whatever still touched one would end the daemon."""
    with Client(gateway.port) as client:
        upgrade(client, "/deaf")
        client.sock.settimeout(0.3)
        try:
            while True:
                client.sock.send(MEGABYTE)
        except TimeoutError:
            pass
        others = [Client(gateway.port) for _ in range(300)]
        for other in others:
            upgrade(other, "/echo")
        for other in others:
            other.close()
        time.sleep(4)
    gone.set()
    with Client(gateway.port) as client:
        tap.ok(upgrade(client, "/echo").status == 101 and gateway.is_alive(),
               "a tunnel into an origin that reads nothing ends by the clock", gateway.complaint())


def refusals():
    for path, status, body in (("/400", 400, b"no"), ("/426", 426, b"other"),
                               ("/200", 200, b"just a page"),
                               ("/200-chunked", 200, b"page")):
        with Client(gateway.port) as client:
            response = upgrade(client, path)
            after = client.ask(get("/after"))
        tap.ok(response.status == status and response.body == body and after and
               after.body == b"GET /after HTTP/1.1",
               f"an upgrade answered {path[1:]}: passed on, and HTTP goes on",
               f"{response} {after}")
    for path in BAD_SWITCHES:
        with Client(gateway.port) as client:
            response = upgrade(client, path)
        tap.ok(response and response.status == 502 and noted(path),
               f"a 101 with {path[1:]} is no upgrade: 502, and the origin's side ends", response)
    with Client(gateway.port) as client:
        response = client.ask(get("/echo", fields="Connection: upgrade\r\nUpgrade: h2c\r\n"))
        tap.same(response.status, 502, "101 to an upgrade that was not passed on: 502")


def request_smuggled_in_refusal():
    """A request sent behind a refused upgrade is one more request, judged as any other."""
    with Client(gateway.port) as client:
        response = upgrade(client, "/200", get("/../etc"))
        second = client.response()
    tap.same((response.status, second.status), (200, 400),
             "behind a refused upgrade requests are judged")


def many():
    clients = [Client(gateway.port) for _ in range(50)]
    ok = [upgrade(c, "/echo").status == 101 for c in clients]
    for i, client in enumerate(clients):
        client.send(b"%04d" % i)
    got = [c.exactly(4) for c in clients]
    for client in clients:
        client.close()
    tap.ok(all(ok) and got == [b"%04d" % i for i in range(50)],
           "fifty tunnels at once, each its own bytes")


tap.start(90)
origins = origin.Origin(serve)
gateway = Gateway(origins.port, {"limits": {"idle_timeout": "2s", "send_timeout": "2s"}})
tap.facts(handshake, bytes_at_once, megabytes, half_closes, resets_and_leavers)
tap.together(idle, refusals, request_smuggled_in_refusal, many)
tap.facts(deaf_origin)
gateway.end()
tap.done()
