#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Too few descriptors: who is served goes on to be, the others wait or are told, it is said once and
counted, and over when there are descriptors again."""

import json
import select
import time

from lib import tap, wire
from lib.fickle import Fickle
from lib.gateway import Gateway

DESCRIPTORS = 64
CLIENTS = 90  # more than there are descriptors
PATIENCE_SECONDS = 20


def until(is_so, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def make(**upstream):
    origin = Fickle("a")
    routes = [{"match": {"path": "/hello"}, "respond": {"body": "hello"}},
              {"match": {"path": "/*"}, "upstream": "origin"}]
    gateway = Gateway(origin.origin.port, {"routes": routes}, upstream,
                      by=["prlimit", f"--nofile={DESCRIPTORS}"])
    return origin, gateway


def counters(gateway):
    return json.loads(gateway.ctl("-j", "status").stdout)["counters"]


def told(gateway, event):
    return gateway.complaint().count(f" {event} ")


def clients_beyond():
    _, gateway = make()
    clients = [wire.Client(gateway.port) for _ in range(CLIENTS)]
    for client in clients:
        client.send(wire.get("/hello"))
    tap.ok(until(lambda: told(gateway, "accept.failed")), "more clients than descriptors: it is said",
           gateway.complaint())
    time.sleep(1)  # one that is not answered by now counts as one that waits
    ready = select.select([c.sock for c in clients], [], [], 0)[0]
    served = [c for c in clients if c.sock in ready]
    waiting = [c for c in clients if c.sock not in ready]
    seen = [c.response().status for c in served]
    tap.ok(set(seen) == {200} and len(served) >= 10 and len(waiting) >= CLIENTS - DESCRIPTORS,
           "as many as there are descriptors are served, the others wait", seen)
    again = [c.ask(wire.get("/hello")).status for c in served]
    tap.same(again, [200] * len(served), "who is served goes on to be")
    seen = counters(gateway)
    tap.ok(seen["shortages"] > 0, "it is counted, and sluicectl gets through", seen)
    tap.same(told(gateway, "accept.failed"), 1, "and said once")
    left = []
    for client in served:
        client.close()
    for client in waiting:  # the first to be served makes room for the last
        left.append(client.response().status)
        client.close()
    tap.ok(left and set(left) == {200}, "who waited is served when others have left", left)
    before = counters(gateway)["shortages"]
    with wire.Client(gateway.port) as client:
        tap.same(client.ask(wire.get("/hello")).status, 200, "and so is who comes")
    tap.same(counters(gateway)["shortages"], before, "with no further shortage")
    gateway.end()


def no_connections_to_targets():
    """Each held request takes two descriptors: they run out for connections to the target."""
    origin, gateway = make(outlier_detection={"consecutive_failures": 1})
    clients = [wire.Client(gateway.port) for _ in range(DESCRIPTORS // 2)]
    # All are accepted before the first of them needs another descriptor.
    tap.same({c.ask(wire.get("/hello")).status for c in clients}, {200}, "all clients are served")
    for client in clients:
        client.send(wire.get("/hold"))
    tap.ok(until(lambda: told(gateway, "connect.failed")), "no connection to a target: it is said",
           gateway.complaint())
    until(lambda: origin.saw("/hold") + counters(gateway)["responses_5xx"] == len(clients))
    ready = select.select([c.sock for c in clients], [], [], 1)[0]
    refused = [c for c in clients if c.sock in ready]
    held = [c for c in clients if c.sock not in ready]
    statuses = {c.response().status for c in refused}
    tap.ok(statuses == {503} and held and origin.saw("/hold") == len(held),
           "who can have none is told 503, the others are held", (len(refused), len(held)))
    seen = counters(gateway)
    tap.ok(seen["shortages"] >= len(refused) and seen["upstream_ejections"] == 0,
           "it is counted, and no fault of the target's", seen)
    tap.same(told(gateway, "connect.failed"), 1, "and said once")
    origin.release()
    tap.same([c.response().status for c in held], [200] * len(held), "who is served goes on to be")
    again = [c.ask(wire.get("/again")).status for c in refused[:len(held)]]
    tap.same(set(again), {200}, "and so are the others, over connections that are free again")
    for client in clients:
        client.close()
    with wire.Client(gateway.port) as client:
        tap.same(client.ask(wire.get("/last")).status, 200, "and who comes then")
    gateway.end()


tap.start(120)
tap.facts(clients_beyond, no_connections_to_targets)
tap.done()
