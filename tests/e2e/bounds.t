#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What an upstream may be asked at once: who waits, who is refused, and that it ends."""

import json
import time

from lib import origin, tap, wire
from lib.fickle import Fickle
from lib.gateway import Gateway


def make(names="a", conf=None, **upstream):
    named = [Fickle(name) for name in names]
    return named, Gateway(0, conf, upstream={"targets": [n.address for n in named], **upstream})


def hold(gateway, count):
    """So many clients with a request that is held."""
    clients = [wire.Client(gateway.port) for _ in range(count)]
    for client in clients:
        client.send(wire.get("/hold"))
    return clients


def in_flight(named, count):
    deadline = time.monotonic() + 10
    while sum(n.saw("/hold") for n in named) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return sum(n.saw("/hold") for n in named)


def all_have_come(gateway, count):
    """So many requests are under way or wait, by the gateway's own word."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if gateway.ctl("-j", "connection", "show").stdout.count('"serving"') >= count:
            return
        time.sleep(0.02)


def ask(gateway, path="/"):
    with wire.Client(gateway.port) as client:
        return client.ask(wire.get(path))


def errors(gateway):
    return [json.loads(line).get("error") for line in gateway.access_log().splitlines()]


def opens_and_closes():
    """max_requests, with two workers that count together."""
    named, gateway = make("ab", {"gateway": {"workers": 2}}, max_requests=4)
    clients = hold(gateway, 4)
    tap.same(in_flight(named, 4), 4, "four requests of four are sent")
    refused = [ask(gateway) for _ in range(4)]
    tap.same([(r.status, r.get("Retry-After")) for r in refused], 4 * [(503, "1")],
             "each one more is refused at once, by either worker, with Retry-After")
    tap.ok("problem+json" in refused[0].get("Content-Type"), "as problem+json", refused[0])
    for n in named:
        n.release()
    tap.same([c.response().status for c in clients], [200] * 4, "the four are answered")
    tap.same([ask(gateway).status for _ in range(4)], [200] * 4, "and there is room again")
    tap.same(sum(n.saw("/") for n in named), 4, "what was refused was not sent")
    gateway.end()


def connections():
    named, gateway = make(max_connections=2)
    clients = hold(gateway, 5)
    tap.same(in_flight(named, 2), 2, "two connections of two carry a request each")
    time.sleep(0.1)
    tap.same((in_flight(named, 2), len(named[0].origin.connections)), (2, 2), "and no third")
    named[0].release()
    tap.same([c.response().status for c in clients], [200] * 5, "those that waited are answered")
    tap.same(len(named[0].origin.connections), 2, "over the same two")
    gateway.end()


def another_target():
    named, gateway = make("ab", max_connections=1, max_pending=0)
    clients = hold(gateway, 2)
    in_flight(named, 2)
    tap.same([n.saw("/hold") for n in named], [1, 1], "with one full the other one is asked")
    tap.same(ask(gateway).status, 503, "with both full and nobody allowed to wait: 503")
    deadline = time.monotonic() + 10
    while not errors(gateway) and time.monotonic() < deadline:
        time.sleep(0.05)
    tap.same(errors(gateway), ["upstream_overloaded"], "upstream_overloaded, as the log says")
    for n in named:
        n.release()
    tap.same([c.response().status for c in clients], [200, 200], "then they are answered")
    gateway.end()


def pending():
    named, gateway = make(max_connections=1, max_pending=2, timeouts={"connect": "600ms"})
    first = hold(gateway, 1)
    in_flight(named, 1)
    waiting = hold(gateway, 2)
    time.sleep(0.1)
    start = time.monotonic()
    tap.same(ask(gateway).status, 503, "two wait; a third is refused")
    tap.ok(time.monotonic() - start < 0.5, "at once")
    waiting[0].reset()
    deadline, status = time.monotonic() + 5, 503
    late = wire.Client(gateway.port)
    late.send(wire.get("/late"))
    tap.same([waiting[1].response().status, late.response().status], [503, 503],
             "who waits too long is refused too")
    named[0].release()
    tap.same(first[0].response().status, 200, "the one that had the connection is answered")
    while status != 200 and time.monotonic() < deadline:
        status = ask(gateway).status
    tap.same(status, 200, "and then whoever comes")
    tap.same(named[0].saw("/hold"), 1, "nothing of those that were refused was sent")
    gateway.end()


def leaves_while_waiting():
    named, gateway = make(max_connections=1)
    first = hold(gateway, 1)
    in_flight(named, 1)
    gone, stays = hold(gateway, 2)
    time.sleep(0.1)
    gone.reset()
    time.sleep(0.1)
    named[0].release()
    tap.same([first[0].response().status, stays.response().status], [200, 200],
             "one that leaves while it waits does not keep the next one waiting")
    tap.same(named[0].saw("/hold"), 2, "and is not sent")
    gateway.end()


def lost_connections():
    """Whatever becomes of a connection, its place is free again."""
    for mode in "reset", "garbage", "close", "cut":
        named, gateway = make(max_connections=1, max_pending=0, retries={"attempts": 0})
        named[0].become(mode)
        for _ in range(3):
            ask(gateway)
        named[0].become("ok")
        tap.same(ask(gateway).status, 200, f"a connection that ends by {mode} leaves its place")
        gateway.end()


def worn_out():
    named, gateway = make(max_connection_requests=3)
    with wire.Client(gateway.port) as client:
        tap.same([client.ask(wire.get(f"/{n}")).status for n in range(9)], [200] * 9,
                 "nine requests are answered")
    tap.same([len(c.requests) for c in named[0].origin.connections], [3, 3, 3],
             "three on each connection, as max_connection_requests says")
    gateway.end()
    named, gateway = make(max_connection_age="100ms")
    with wire.Client(gateway.port) as client:
        client.ask(wire.get("/1"))
        client.ask(wire.get("/2"))
        conn = named[0].origin.connections[0]
        tap.ok(named[0].origin.wait(lambda: conn.is_over), "an old connection is closed")
        client.ask(wire.get("/3"))
    tap.same(named[0].saw(), ["/1", "/2", "/3"], "and a new one made")
    gateway.end()


def requests_over_reloads():
    """Requests of all configurations that are alive count together."""
    named, gateway = make("ab", {"gateway": {"workers": 2}}, max_requests=4)
    clients = hold(gateway, 4)
    tap.same(in_flight(named, 4), 4, "four requests of four are sent")
    for turn in range(3):
        gateway.reload()
        tap.same([ask(gateway).status for _ in range(2)], [503] * 2,
                 f"after reload {turn + 1} there is no room for another one")
    upstreams = gateway.conf["upstreams"]
    upstreams["origin"]["max_requests"] = 5
    gateway.reload(upstreams=upstreams)
    clients += hold(gateway, 1)
    tap.same((in_flight(named, 5), ask(gateway).status), (5, 503),
             "a bound of five lets one more in, and no more")
    for n in named:
        n.release()
    tap.same([c.response().status for c in clients], [200] * 5, "all are answered")
    tap.same([ask(gateway).status for _ in range(6)], [200] * 6, "and there is room again")
    gateway.end()


def connections_over_reloads():
    """Who waits under the old configuration is called when a connection under the new one is free,
    and the other way round."""
    named, gateway = make(max_connections=2, max_pending=4)
    origins = named[0].origin
    clients = hold(gateway, 3)
    tap.same(in_flight(named, 2), 2, "two requests of three are sent, over two connections of two")
    gateway.reload()
    clients += hold(gateway, 3)
    time.sleep(0.2)
    tap.same((in_flight(named, 2), len(origins.connections)), (2, 2),
             "after a reload there is no third")
    tap.same(ask(gateway).status, 503, "four wait, old and new: a fifth is refused")
    shown = json.loads(gateway.ctl("-j", "upstream", "show").stdout)["upstreams"][0]["targets"][0]
    tap.same((shown["in_flight"], shown["connections"]), (2, 2), "what is under way is shown")
    named[0].release()
    tap.same([c.response().status for c in clients], [200] * 6, "all that waited are answered")
    tap.same(len(origins.connections), 2, "over the same two")
    gateway.end()


def waiters_over_reloads():
    """Who waits under the old configuration for targets of its own holds up nobody of the new one,
    and is not held up."""
    named, gateway = make("ab", max_connections=1, timeouts={"connect": "20s"})
    a, b = named
    upstream = gateway.conf["upstreams"]["origin"]
    gateway.reload(upstreams={"origin": {**upstream, "targets": [a.address]}})
    old = hold(gateway, 3)
    tap.same(in_flight(named, 1), 1, "one of three is sent to a, two wait")
    time.sleep(0.1)
    gateway.reload(upstreams={"origin": {**upstream, "targets": [b.address]}})
    start = time.monotonic()
    tap.same([ask(gateway).status for _ in range(3)], [200] * 3, "the new configuration has b only")
    tap.ok(time.monotonic() - start < 5, "which is free: nobody waits for it")
    new = hold(gateway, 3)
    b.wait_for("/hold")
    time.sleep(0.1)
    a.release()
    tap.same([c.response().status for c in old], [200] * 3,
             "those that wait for a get it when it is free")
    b.release()
    tap.same([c.response().status for c in new], [200] * 3, "those that wait for b likewise")
    tap.same([a.saw("/hold"), b.saw("/hold")], [3, 3], "each from its own")
    gateway.end()
    named, gateway = make(max_connections=1, max_pending=2, timeouts={"connect": "20s"})
    clients = hold(gateway, 3)
    in_flight(named, 1)
    all_have_come(gateway, 3)
    upstream = gateway.conf["upstreams"]["origin"]
    gateway.reload(upstreams={"origin": {**upstream, "max_connections": 2}})
    # One alone: the connection that it leaves may be taken by who has waited for longer.
    tap.same(ask(gateway).status, 200,
             "a wider bound holds for the next request, though the old line is full")
    named[0].release()
    tap.same([c.response().status for c in clients], [200] * 3, "those that waited are answered")
    gateway.end()


def drip(gap):
    def serve(conn):
        while conn.request():
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
            for byte in "abc":
                time.sleep(gap)
                conn.send(byte)
    return serve


def gaps():
    """timeouts.response is for the head, timeouts.read for the rest."""
    for gap, is_whole in (0.15, True), (0.8, False):
        up = origin.Origin(drip(gap))
        gateway = Gateway(up.port, upstream={"timeouts": {"response": "100ms", "read": "400ms"}})
        response = ask(gateway)
        tap.same((response.status, response.is_complete), (200, is_whole),
                 f"gaps of {gap} s in a body with read 400ms: {'whole' if is_whole else 'cut'}")
        gateway.end()
    up = origin.Origin(lambda conn: conn.request() and time.sleep(2))
    gateway = Gateway(up.port, upstream={"timeouts": {"response": "100ms", "read": "10s"}})
    tap.same(ask(gateway).status, 504, "no head in time is a 504, whatever read says")
    gateway.end()


tap.start(90)
tap.facts(opens_and_closes, connections, another_target, pending, leaves_while_waiting,
          lost_connections, requests_over_reloads, connections_over_reloads,
          waiters_over_reloads, worn_out, gaps)
tap.done()
