#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Requests at once: no more of a subject than may be, over workers, until their answers end."""

import threading
import time

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

RELEASE = threading.Event()


def serve(conn):
    """/hold... is answered when that is said; /stream begins and does not end."""
    while request := conn.request():
        if "stream" in request.target:
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc")
            conn.wait_end()
            return
        if "hold" in request.target:
            RELEASE.wait(30)
        conn.send(origin.answer())


def route(name, *policies):
    return {"name": name, "match": {"path": f"/{name}/*"}, "upstream": "origin",
            "policies": list(policies)}


def limit(nr, **more):
    return {"concurrency_limit": {"limit": nr, **more}}


ROUTES = [route("three", limit(3)), route("tenant", limit(1, per=[], header="X-Tenant")),
          route("behind", limit(1), {"key_auth": {}})]


def ask(path, fields="", source=None):
    with Client(gateway.port, source=source) as client:
        return client.ask(get(path, fields=fields))


def hold(path, nr, fields=""):
    """So many requests under way, each on a connection of its own."""
    RELEASE.clear()
    before = len(origins.requests())
    clients = [Client(gateway.port) for _ in range(nr)]
    for client in clients:
        client.send(get(path, fields=fields))
    origins.wait(lambda: len(origins.requests()) >= before + nr)
    return clients


def release(clients):
    RELEASE.set()
    statuses = [client.response().status for client in clients]
    for client in clients:
        client.close()
    time.sleep(1)  # an answer is there a moment before its seat is left
    return statuses


def at_once():
    clients = hold("/three/hold", 3)
    answers = [ask("/three/x") for _ in range(8)]
    tap.same([a.status for a in answers], [429] * 8, "beyond three at once there is none, anywhere")
    tap.same(answers[0].get("Retry-After"), "1", "and it is told to come back")
    tap.same(ask("/three/x", source="127.0.0.2").status, 200, "another client has its own")
    tap.same(release(clients), [200] * 3, "the three are answered")
    tap.same([ask("/three/x").status for _ in range(10)], [200] * 10, "then there is room again")


def by_field():
    clients = hold("/tenant/hold", 1, "X-Tenant: a\r\n")
    tap.same([ask("/tenant/x", f"X-Tenant: {t}\r\n").status for t in "ab"], [429, 200],
             "each value of a field has its own")
    release(clients)


def however_it_ends():
    for _ in range(5):
        client = Client(gateway.port)
        client.send(get("/three/stream"))
        client.head()
        client.reset()
    deadline = time.monotonic() + 10
    while ask("/three/x").status != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    clients = hold("/three/hold", 3)
    tap.same([ask("/three/x").status, release(clients)], [429, [200] * 3],
             "clients that are gone have left their seats, and no more than these")
    tap.same([ask("/behind/x").status for _ in range(5)], [401] * 5,
             "who is refused further on leaves too")
    clients = hold("/three/hold", 3)
    gateway.reload(routes=list(reversed(ROUTES)))
    tap.same(ask("/three/x").status, 429, "a reload forgets nobody")
    tap.same(release(clients), [200] * 3, "who was served is")
    tap.same(ask("/three/x").status, 200, "and has left")


tap.start(60)
origins = origin.Origin(serve)
gateway = Gateway(origins.port, {"routes": ROUTES, "gateway": {"workers": 2}})
at_once()
by_field()
however_it_ends()
five = [route("five", *[limit(1)] * 5)]
gateway.rewrite(routes=five)
refused = gateway.ctl("config", "reload")
tap.ok("more than 4 of 'concurrency_limit'" in refused.stderr + refused.stdout,
       "five of them are too many", refused.stderr + refused.stdout)
gateway.end()
tap.done()
