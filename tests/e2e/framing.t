#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Bodies of every size and framing arrive byte for byte, either way and however slowly."""

import hashlib
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time

from lib import origin, tap, wire
from lib.gateway import Gateway
from lib.wire import Client, get, post

SIZES = [0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 1 << 20, 10 << 20]
CHUNK_SIZES = [1, 2, 15, 16, 17, 4095, 4096, 4097, 65536, 1 << 20]
ONE_BYTE_CHUNKS_UP_TO = 70000
SOURCE = random.Random(1).randbytes(10 << 20)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def body_of(size):
    """A size's own bytes: what is shifted or swapped shows."""
    return SOURCE[-size:] if size else b""


def parse(target):
    """"/down/SIZE/FRAMING" as (size, framing)."""
    _, size, framing = target.strip("/").split("/")
    return int(size), framing


def send_down(conn, target):
    size, framing = parse(target)
    body = body_of(size)
    if framing == "length":
        conn.send(origin.answer(body))
    elif framing == "close":
        conn.send(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        return False
    else:
        conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
        conn.send(wire.chunked(body, int(framing), trailers=f"X-Sum: {digest(body)}\r\n"))
    return True


def drip_down(conn, target):
    """One byte at a time, each its own segment."""
    text = b"drop by drop"
    how = target.rsplit("/", 1)[1]
    if how == "length":
        data = origin.answer(text)
    else:
        data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire.chunked(text, 3)
    for i in range(len(data)):
        conn.send(data[i:i + 1])
        time.sleep(0.004)


def serve(conn):
    while True:
        request = conn.head()
        if request is None:
            return
        if request.target == "/slow-reader":
            time.sleep(0.5)
        conn.body(request)
        if request.target == "/late":
            time.sleep(1.2)
        if request.target.startswith("/down/"):
            if not send_down(conn, request.target):
                return
        elif request.target.startswith("/drip/"):
            drip_down(conn, request.target)
        elif request.target == "/trailers":
            conn.send(origin.answer(digest(repr(request.trailers).encode()).encode()))
        else:
            trailers = ",".join(f"{n}={v}" for n, v in request.trailers)
            conn.send(origin.answer(digest(request.body).encode(),
                                    f"X-Len: {len(request.body)}\r\nX-Trailers: {trailers}\r\n"))


def upload(client, path, data):
    """The answer is read while the body is still being sent."""
    sender = threading.Thread(target=client.send, args=(data,), daemon=True)
    sender.start()
    response = client.response("POST")
    sender.join(30)
    return response


def chunk_sizes_for(size):
    return [c for c in CHUNK_SIZES if (c >= 4095 or size <= ONE_BYTE_CHUNKS_UP_TO)
            and c <= max(size, 1)]


def bodies_up():
    with Client(gateway.port) as client:
        for size in SIZES:
            body = body_of(size)
            response = upload(client, "/up", post("/up", body))
            tap.ok(response and response.body.decode() == digest(body),
                   f"{size} bytes up by length", response)


def chunks_up():
    with Client(gateway.port) as client:
        for size in SIZES:
            body = body_of(size)
            for chunk in chunk_sizes_for(size):
                data = get("/up", method="POST",
                           fields="Transfer-Encoding: chunked\r\n") + wire.chunked(
                    body, chunk, ";x=y" if chunk == 17 else "", "X-Sum: 1\r\n")
                response = upload(client, "/up", data)
                tap.ok(response and response.body.decode() == digest(body) and
                       response.get("x-trailers") == "X-Sum=1",
                       f"{size} bytes up in chunks of {chunk}", response)


def bodies_down():
    with Client(gateway.port) as client:
        for size in SIZES:
            for framing in ("length", "close"):
                response = client.ask(get(f"/down/{size}/{framing}"))
                tap.ok(response and response.is_complete
                       and digest(response.body) == digest(body_of(size)),
                       f"{size} bytes down by {framing}", response)


def chunks_down():
    with Client(gateway.port) as client:
        for size in SIZES:
            for chunk in chunk_sizes_for(size):
                response = client.ask(get(f"/down/{size}/{chunk}"))
                tap.ok(response and response.is_complete
                       and digest(response.body) == digest(body_of(size))
                       and response.trailers == [("X-Sum", digest(response.body))],
                       f"{size} bytes down in chunks of {chunk}", response)


def old_clients():
    for framing in ("length", "close", "1000"):
        with Client(gateway.port) as client:
            response = client.ask(get(f"/down/65537/{framing}", version="1.0"))
            tap.ok(response.is_complete and digest(response.body) == digest(body_of(65537)) and
                   client.is_closed(), f"HTTP/1.0, {framing}: whole, then closed", response)
    with Client(gateway.port) as client:
        for i in range(3):
            response = client.ask(get("/down/4096/length", version="1.0",
                                      fields="Connection: keep-alive\r\n"))
            tap.ok(response and digest(response.body) == digest(body_of(4096)) and
                   response.get("connection") == "keep-alive", f"HTTP/1.0 with keep-alive, {i + 1}",
                   response)
        response = client.ask(get("/down/4096/1000", version="1.0",
                                  fields="Connection: keep-alive\r\n"))
        tap.ok(response and response.framing == "close" and client.is_closed(),
               "which ends where only the end tells the length", response)


def drips():
    body = body_of(300)
    with Client(gateway.port) as client:
        client.drip(post("/up", body), 0.002)
        tap.same(client.response("POST").body.decode(), digest(body), "a request, byte by byte")
        client.drip(get("/up", method="POST", fields="Transfer-Encoding: chunked\r\n") +
                    wire.chunked(body, 7, trailers="X-Sum: 1\r\n"), 0.001)
        tap.same(client.response("POST").body.decode(), digest(body), "in chunks, byte by byte")
        for how in ("length", "chunked"):
            response = client.ask(get(f"/drip/{how}"))
            tap.same(response.body, b"drop by drop", f"an answer, byte by byte, {how}")


def full_trailers():
    """A section as long as may be, in which each field leaves longer than it came."""
    fields = [(f"a{i}", "") for i in range(99)]
    fields.append(("b", "x" * (32768 - sum(len(n) + 3 for n, _ in fields) - 6)))
    section = "".join(f"{n}:{v}\r\n" for n, v in fields)
    with Client(gateway.port) as client:
        client.send(get("/trailers", method="POST", fields="Transfer-Encoding: chunked\r\n") +
                    wire.chunked(b"x", 1, trailers=section))
        tap.same(client.response("POST").body.decode(), digest(repr(fields).encode()),
                 "trailers that just fit arrive whole")
        tap.same(client.ask(post("/up", b"two")).body.decode(), digest(b"two"),
                 "and the next request is one of its own")


def slow_readers():
    body = body_of(10 << 20)
    with Client(gateway.port) as client:
        response = upload(client, "/slow-reader", post("/slow-reader", body))
        tap.same(response.body.decode(), digest(body), "10 MB to an origin that reads late")
        client.send(get(f"/down/{10 << 20}/length"))
        time.sleep(0.5)
        tap.same(digest(client.response().body), digest(body), "10 MB to a client that reads late")
        client.send(get(f"/down/{10 << 20}/65536"))
        time.sleep(0.5)
        tap.same(digest(client.response().body), digest(body), "and in chunks")


def late_answers():
    """Meanwhile the gateway watches whether the client leaves: that must not end what stays."""
    te = get("/late", method="POST", fields="Transfer-Encoding: chunked\r\n")
    body = body_of(80000)
    for name, data in (("without a body", get("/late")), ("to a body", post("/late", body)),
                       ("to chunks", te + wire.chunked(body, 4096)),
                       ("to short chunks", te + wire.chunked(b"hello", 1))):
        with Client(gateway.port) as client:
            first = upload(client, "/late", data)
            second = client.ask(get("/up"))
        tap.ok(first and second and first.status == second.status == 200,
               f"an answer after 1.2 s {name}: the connection stays", f"{first} {second}")
    with Client(gateway.port) as client:
        client.send(get("/late"))
        time.sleep(1.1)
        client.send(get("/up"))
        got = [bool(client.response()) for _ in range(2)]
    tap.same(got, [True, True], "and takes the next request while it waits for the first answer")


def half_closes():
    for name, request, want in (
            ("without a body", get("/up"), digest(b"")),
            ("with a body", post("/up", body_of(65537)), digest(body_of(65537))),
            ("in chunks", get("/up", method="POST", fields="Transfer-Encoding: chunked\r\n") +
             wire.chunked(body_of(5000), 100), digest(body_of(5000)))):
        with Client(gateway.port) as client:
            client.send(request)
            client.end_sending()
            response = client.response("POST")
            tap.ok(response and response.body.decode() == want and client.is_closed(),
                   f"a client that ends its side {name} gets its answer", response)
    with Client(gateway.port) as client:
        client.send(get(f"/down/{1 << 20}/length"))
        client.end_sending()
        tap.same(digest(client.response().body), digest(body_of(1 << 20)), "a large one too")
    with Client(gateway.port) as client:
        client.send(get("/drip/length"))
        time.sleep(0.02)
        client.end_sending()
        tap.same(client.response().body, b"drop by drop", "and when it ends its side meanwhile")


def pipelines():
    with Client(gateway.port) as client:
        client.send(b"".join(get(f"/down/{i * 100}/length") for i in range(50)))
        got = [len(r.body) if (r := client.response()) else None for _ in range(50)]
        tap.same(got, [i * 100 for i in range(50)], "50 requests at once: 50 answers in order")
        data = b"".join(post("/up", body_of(i * 37)) if i % 2 else get(
            "/up", method="POST", fields="Transfer-Encoding: chunked\r\n")
                        + wire.chunked(body_of(i * 37), 100)
                        for i in range(50))
        sender = threading.Thread(target=client.send, args=(data,), daemon=True)
        sender.start()
        got = [r.body.decode() if (r := client.response("POST")) else None for _ in range(50)]
        tap.same(got, [digest(body_of(i * 37)) for i in range(50)], "50 bodies in two framings too")
        client.drip(b"".join(get(f"/down/{i}/length") for i in range(50)), size=13)
        got = [len(r.body) if (r := client.response()) else None for _ in range(50)]
        tap.same(got, list(range(50)), "and 50 requests cut anywhere")


def short_and_long_in_turn():
    """On one connection each: the receive that waits for a short answer is in a long one's way."""
    sizes = [10, 1 << 20, 10, 10, 70000, 300000, 5000, 1 << 20, 9000, 65536 + 4096, 1]
    with Client(gateway.port) as client:
        for how in ("length", "65536"):
            got = [digest(client.ask(get(f"/down/{n}/{how}")).body) for n in sizes]
            tap.same(got, [digest(body_of(n)) for n in sizes],
                     f"short and long answers in turn, sent by {how}")


def vanishing_clients():
    """Clients that leave in the middle take nobody with them."""
    for i in range(20):
        client = Client(gateway.port)
        client.send(get(f"/down/{10 << 20}/{('length', '65536', 'close')[i % 3]}"))
        client.fill()
        client.reset() if i % 2 else client.close()
        client = Client(gateway.port)
        client.send(post("/up", body_of(10 << 20))[:100000 + i * 1000])
        client.reset() if i % 2 else client.close()
    with Client(gateway.port) as client:
        response = client.ask(get("/down/65537/length"))
    tap.ok(response and digest(response.body) == digest(body_of(65537)),
           "after 40 clients that left in the middle the next is served", response)
    whole = {len(r.body) for r in origins.requests() if r.method == "POST"}
    tap.ok(not [n for n in whole if 90000 < n < 130000], "and no half upload looked whole", whole)


def curl():
    if not shutil.which("curl"):
        tap.skip("curl understands it all", "curl is not installed")
        return
    url = f"http://127.0.0.1:{gateway.port}"
    path = os.path.join(directory, "body")
    with open(path, "wb") as f:
        f.write(body_of(1 << 20))
    for name, args, want in (
            ("down by length", [f"{url}/down/1048576/length"], body_of(1 << 20)),
            ("down in chunks", [f"{url}/down/1048576/1000"], body_of(1 << 20)),
            ("down until the close", [f"{url}/down/1048576/close"], body_of(1 << 20)),
            ("down by HTTP/1.0", ["--http1.0", f"{url}/down/1048576/1000"], body_of(1 << 20)),
            ("up by length, asking first",
             ["--data-binary", f"@{path}", "-H", "Expect: 100-continue",
                                            f"{url}/up"], digest(body_of(1 << 20)).encode()),
            ("up in chunks", ["-T", "-", "-H", "Expect:", f"{url}/up"],
             digest(body_of(1 << 20)).encode()),
            ("twice on one connection", [f"{url}/down/5/length", f"{url}/down/5/4"],
             body_of(5) * 2)):
        with open(path, "rb") as stdin:
            done = subprocess.run(["curl", "-sS", "--max-time", "20", "--noproxy", "*", *args],
                                  stdin=stdin,
                                  capture_output=True, timeout=30, check=False)
        tap.ok(done.returncode == 0 and done.stdout == want, f"curl: {name}",
               f"exit {done.returncode}, {len(done.stdout)} bytes, {done.stderr}")


tap.start(150)
origins = origin.Origin(serve)
gateway = Gateway(origins.port)
directory = tempfile.mkdtemp(prefix="sluice-e2e-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
tap.together(bodies_up, chunks_up, bodies_down, chunks_down)
tap.facts(full_trailers)
tap.together(old_clients, drips, slow_readers, late_answers, half_closes, pipelines, curl,
             short_and_long_in_turn)
tap.facts(vanishing_clients)
tap.same(origins.faults(), [], "the origin found nothing to argue about")
gateway.end()
tap.done()
