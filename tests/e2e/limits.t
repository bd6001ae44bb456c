#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Each key of "limits" does what its text says, at its edge and one beyond."""

import threading
import time

from lib import origin, tap, wire
from lib.gateway import Gateway
from lib.wire import Client, get, post


def serve(conn):
    """/sleep/S answers late, /drip sends a byte now and then, /flood more than anybody reads."""
    while True:
        request = conn.head()
        if request is None:
            return
        if request.target == "/flood":
            flood(conn)
            return
        conn.body(request)
        if request.target.startswith("/sleep/"):
            time.sleep(float(request.target[7:]))
        if request.target == "/drip":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(100):
                conn.send(b"x")
                time.sleep(0.1)
            return
        if request.target == "/many-fields":
            conn.send(origin.answer(b"ok", "X-A: 1\r\n" * 20))
            continue
        conn.send(origin.answer(request.line.encode()))


def flood(conn):
    conn.sock.settimeout(15)
    start = time.monotonic()
    try:
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            conn.send(b"x" * (1 << 20))
    except TimeoutError:
        return
    except OSError:
        floods.append(time.monotonic() - start)


floods = []


def gateway_with(upstream=None, **limits):
    return Gateway(origins.port, {"limits": limits}, upstream)


def timed(function):
    start = time.monotonic()
    result = function()
    return result, time.monotonic() - start


def status_of(gateway, data, method="GET"):
    with Client(gateway.port) as client:
        response = client.ask(data, method)
        return response.status if response else None


# ---- sizes ----

def request_line():
    g = gateways["sizes"]
    for length, want in ((511, 200), (512, 200), (513, 414), (20000, 414)):
        path = "/" + "a" * (length - len("GET / HTTP/1.1"))
        for name, send in (("at once", Client.send), ("in pieces", Client.drip)):
            with Client(g.port) as client:
                send(client, get(path))
                response = client.response()
                closed = want == 200 or client.is_closed()
            tap.ok(response.status == want and closed,
                   f"request_line_bytes 512: {length} {name} is {want}", response)


def header_bytes():
    g = gateways["sizes"]
    base = len(get("/", fields="X-A: \r\n"))
    for length, want in ((1023, 200), (1024, 200), (1025, 431), (30000, 431)):
        data = get("/", fields="X-A: " + "a" * (length - base) + "\r\n")
        for name, send in (("at once", Client.send), ("in pieces", Client.drip)):
            with Client(g.port) as client:
                send(client, data)
                response = client.response()
                closed = want == 200 or client.is_closed()
            tap.ok(response.status == want and closed,
                   f"header_bytes 1024: {length} {name} is {want}", response)


def header_count():
    g = gateways["sizes"]
    for nr, want in ((7, 200), (8, 200), (9, 431), (50, 431)):
        fields = "X: 1\r\n" * (nr - 1)
        tap.same(status_of(g, get("/", fields=fields)), want,
                 f"header_count 8: {nr} fields are {want}")
    tap.same(status_of(g, get("/many-fields")), 502, "and of an answer: 502")


def body_bytes():
    g = gateways["sizes"]
    te = "Transfer-Encoding: chunked\r\n"
    nr = len([r for r in origins.requests() if r.method == "POST"])
    for size, want in ((1000, 200), (1001, 413), (200000, 413)):
        body = b"a" * size
        tap.same(status_of(g, post("/body", body), "POST"), want,
                 f"body_bytes 1000: {size} by length is {want}")
        for chunk in (10, 1000, 100000):
            data = get("/body", method="POST", fields=te) + wire.chunked(body, chunk)
            tap.same(status_of(g, data, "POST"), want,
                     f"body_bytes 1000: {size} in chunks of {chunk} is {want}")
    data = get("/body", method="POST", fields="Expect: 100-continue\r\nContent-Length: 1001\r\n")
    with Client(g.port) as client:
        response = client.ask(data, "POST")
    tap.ok(response.status == 413 and not response.interim,
           "nobody is invited to send what is refused", response)
    got = [len(r.body) for r in origins.requests() if r.method == "POST"][nr:]
    tap.same(got, [1000] * 4, "the origin saw those bodies whole that were accepted, and no other")


# ---- times ----

def header_timeout():
    g = gateways["times"]
    for name, data in (("half a head", b"GET / HTTP/1.1\r\nHost: te"), ("one byte", b"G"),
                       ("a request line", b"GET / HTTP/1.1\r\n")):
        with Client(g.port) as client:
            client.send(data)
            response, seconds = timed(client.response)
            tap.ok(response and response.status == 408 and 0.8 < seconds < 2.2
                   and client.is_closed(),
                   f"header_timeout 1s: {name}, then silence: 408",
                   f"{response} after {seconds:.1f} s")
    with Client(g.port) as client:
        client.sock.settimeout(0.25)
        start, response = time.monotonic(), None
        for byte in get("/", fields="X-A: 1\r\n" * 5):
            client.send(bytes([byte]))
            try:
                response = client.response()
                break
            except TimeoutError:
                pass
        seconds = time.monotonic() - start
    tap.ok(response and response.status == 408 and 0.8 < seconds < 2.2,
           "a byte now and then does not prolong it", f"{response} after {seconds:.1f} s")
    with Client(g.port) as client:
        client.ask(get("/"))
        client.send(b"GET / HT")
        response, seconds = timed(client.response)
    tap.ok(response and response.status == 408 and 0.8 < seconds < 2.2,
           "a second request has the same time",
           f"{response} after {seconds:.1f} s")


def idle_timeout():
    g = gateways["times"]
    with Client(g.port) as client:
        closed, seconds = timed(lambda: client.is_closed(6))
    tap.ok(closed and 1.7 < seconds < 4,
           "idle_timeout 2s: a connection without a request is closed silently",
           f"{closed} after {seconds:.1f} s")
    with Client(g.port) as client:
        client.ask(get("/"))
        closed, seconds = timed(lambda: client.is_closed(6))
        tap.ok(closed and 1.7 < seconds < 4, "and one after its request",
               f"{closed} after {seconds:.1f} s")
    with Client(g.port) as client:
        statuses = []
        for _ in range(4):
            time.sleep(0.8)
            statuses.append(client.ask(get("/")).status)
        tap.same(statuses, [200] * 4, "but not one that is in use")


def stalled_body():
    g = gateways["times"]
    with Client(g.port) as client:
        client.send(get("/", method="POST", fields="Content-Length: 10\r\n") + b"12345")
        response, seconds = timed(lambda: client.response("POST"))
        tap.ok(response and response.status == 408 and 1.7 < seconds < 4 and client.is_closed(),
               "a body that stops for idle_timeout: 408", f"{response} after {seconds:.1f} s")


def drip_body(gateway, bytes_a_second, seconds, size):
    """The answer to a body that comes at this rate, and when it came."""
    start = time.monotonic()
    with Client(gateway.port) as client:
        client.send(get("/", method="POST", fields=f"Content-Length: {size}\r\n"))
        client.sock.settimeout(0.1)
        sent = 0
        while time.monotonic() - start < seconds:
            step = min(size - sent, bytes_a_second // 10)
            client.send(b"x" * step)
            sent += step
            try:
                return client.response("POST"), time.monotonic() - start
            except TimeoutError:
                pass
    return None, time.monotonic() - start


def slow_body():
    response, seconds = drip_body(gateways["rate"], 100, 12, 100000)
    tap.ok(response and response.status == 408 and 4.8 < seconds < 9,
           "body_rate 1000/s: 100 bytes a second are cut off after 5 s",
           f"{response} after {seconds:.1f} s")


def fast_enough_body():
    response, seconds = drip_body(gateways["rate"], 3000, 14, 20000)
    tap.ok(response and response.status == 200 and seconds > 6,
           "3000 bytes a second are not, after more than 5 s",
           f"{response} after {seconds:.1f} s")


def total_timeout():
    g = gateways["total"]
    with Client(g.port) as client:
        response, seconds = timed(lambda: client.ask(get("/sleep/4")))
        tap.ok(response.status == 504 and 0.8 < seconds < 2.5,
               "total_timeout 1s: no answer by then: 504",
               f"{response} after {seconds:.1f} s")
    for _ in range(5):
        with Client(g.port) as client:
            response, seconds = timed(lambda c=client: c.ask(get("/drip")))
            is_closed = client.is_closed()
        if response.status != 504:  # a busy machine: the answer had not even begun by then
            break
    tap.ok(not response.is_complete and 0.8 < seconds < 2.5 and is_closed,
           "an answer that is not through by then is cut, visibly",
           f"{response} after {seconds:.1f} s")
    with Client(g.port) as client:
        for _ in range(3):
            time.sleep(0.5)
            response = client.ask(get("/"))
        tap.same(response.status, 200, "it is for each exchange, not for the connection")


def send_timeout():
    g = gateways["send"]
    with Client(g.port) as client:
        client.send(get("/flood"))
        origins.wait(lambda: floods, 10)
        tap.ok(floods and floods[0] < 8, "send_timeout 1s: a client that reads nothing is cut off",
               floods)
        client.sock.settimeout(10)
        client.rest()
        tap.ok(client.ended, "its connection ends")


# ---- numbers ----

def is_served(client):
    return (response := client.ask(get("/"))) is not None and response.status == 200


def connections():
    g = gateways["four"]
    clients = [Client(g.port) for _ in range(4)]
    tap.ok(all(is_served(c) for c in clients), "connections 4: four are served")
    with Client(g.port) as fifth:
        tap.ok(fifth.is_closed(), "the fifth is closed")
    clients.pop().close()
    tap.ok(retry(g.port), "until another one goes")
    for client in clients:
        tap.ok(is_served(client), "the others were not touched")
        client.close()


def retry(port, source=None, seconds=5):
    """The gateway hears of a close when it hears of it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with Client(port, source=source) as client:
            if is_served(client):
                return True
        time.sleep(0.02)
    return False


def client_connections():
    g = gateways["two each"]
    clients = [Client(g.port, source="127.0.0.5") for _ in range(2)]
    tap.ok(all(is_served(c) for c in clients),
           "client_connections 2: two of one address are served")
    with Client(g.port, source="127.0.0.5") as third:
        tap.ok(third.is_closed(), "the third is closed")
    with Client(g.port, source="127.0.0.6") as other:
        tap.ok(is_served(other), "another address is served")
    clients.pop().close()
    tap.ok(retry(g.port, "127.0.0.5"), "and so is the first again when one of its own goes")
    clients.pop().close()


def memory():
    """Many large heads at once: some are refused, and afterwards all is as before."""
    g = gateways["memory"]
    data = get("/sleep/0.5", fields=("X-A: " + "a" * 7000 + "\r\n") * 4)
    statuses, odd = [], []

    def one():
        with Client(g.port) as client:
            response = client.ask(data)
        statuses.append(response.status if response else None)
        if statuses[-1] not in (200, 503):
            odd.append(f"{response} {response and response.body}")
    threads = [threading.Thread(target=one, daemon=True) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    tap.ok(len(statuses) == 40 and 503 in statuses and set(statuses) <= {200, 503},
           "memory 1MiB: forty heads of 28 KB are too many for it: 503",
           "\n".join([str(statuses), *odd]))
    tap.same(status_of(g, get("/sleep/0", fields=("X-A: " + "a" * 7000 + "\r\n") * 4)), 200,
             "what they held comes back")


def upstream_idle():
    g = gateways["upstream"]
    with Client(g.port) as client:
        client.ask(get("/idle-1"))
        client.ask(get("/idle-2"))
        carried = [c for c in origins.connections
                   if any(r.target.startswith("/idle-") for r in c.requests)]
        tap.same(len(carried), 1, "a connection to the origin is kept and used again")
        over, seconds = timed(lambda: origins.wait(lambda: carried[0].is_over, 6))
        tap.ok(over and 0.7 < seconds < 3, "timeouts.idle 1s: unused, it is closed",
               f"{over} {seconds:.1f} s")
        tap.ok(is_served(client), "and the next request opens another")


tap.start(120)
origins = origin.Origin(serve)
gateways = {
    "sizes": gateway_with(request_line_bytes=512, header_bytes="1KiB", header_count=8,
                          body_bytes=1000),
    "times": gateway_with(header_timeout="1s", idle_timeout="2s"),
    "rate": gateway_with(body_rate="1000/s"),
    "total": gateway_with(total_timeout="1s"),
    "send": gateway_with(send_timeout="1s"),
    "four": gateway_with(connections=4),
    "two each": gateway_with(client_connections=2),
    "memory": gateway_with(memory="1MiB"),
    "upstream": gateway_with({"timeouts": {"idle": "1s"}}),
}
tap.facts(request_line, header_bytes, header_count, body_bytes)
tap.together(header_timeout, idle_timeout, stalled_body, slow_body, fast_enough_body, total_timeout,
             send_timeout, connections, client_connections, memory, upstream_idle)
for each in gateways.values():
    each.end()
tap.done()
