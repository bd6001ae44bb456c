#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""sluicectl connection: idle, serving and silent clients, as each of them is."""

import json
import threading
import time

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

held = threading.Event()


def serve(conn):
    while (request := conn.request()) is not None:
        if request.line.startswith("GET /held"):
            held.wait(20)
        conn.send(origin.answer(b"ok"))


def shown():
    return json.loads(gateway.ctl("-j", "connection", "show").stdout)


def by_port(answer, client):
    port = client.sock.getsockname()[1]
    return next((c for c in answer["connections"] if c["port"] == port), None)


def each_state():
    idle, busy, silent = Client(gateway.port), Client(gateway.port), Client(gateway.port)
    for _ in range(3):
        idle.ask(get("/a"))
    busy.send(get("/held"))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answer = shown()
        if (c := by_port(answer, busy)) and "upstream" in c and by_port(answer, silent):
            break
        time.sleep(0.05)
    found = by_port(answer, idle)
    tap.ok(found and found["state"] == "idle" and found["requests"] == 3 and
           found["client"] == "127.0.0.1" and found["listener"] == "http" and
           "route" not in found, "an idle one has its count", answer)
    found = by_port(answer, busy)
    tap.ok(found and found["state"] == "serving" and found["route"] == "all" and
           found["upstream"] == f"127.0.0.1:{origins.port}" and found["busy_ms"] >= 0,
           "one that waits for an answer tells its route and its target", answer)
    found = by_port(answer, silent)
    tap.ok(found and found["state"] == "idle" and found["requests"] == 0,
           "one that has not sent anything is there too", answer)
    tap.same(answer["open"], 3, "and they are counted")
    text = gateway.ctl("connection", "show").stdout
    tap.ok(text.splitlines()[0].startswith("CLIENT") and "serving" in text and "idle" in text,
           "as a table too", text)
    held.set()
    tap.same(busy.response().status, 200, "nobody was disturbed")
    for client in (idle, busy, silent):
        client.close()


tap.start(60)
origins = origin.Origin(serve)
# Without it a silent connection is still the kernel's.
gateway = Gateway(origins.port, conf={"listener": {"defer_accept": False}})
tap.facts(each_state)
gateway.end()
tap.done()
