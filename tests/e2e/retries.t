#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What is sent again: after what, to whom, how often; and what never is."""

from lib import tap, wire
from lib.fickle import Fickle
from lib.gateway import Gateway

METHODS = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PATCH"]
IDEMPOTENT = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}


def make(modes, retries=None, **upstream):
    named = [Fickle(name, mode) for name, mode in zip("abcdefgh", modes)]
    upstream = {"targets": [n.address for n in named], **upstream}
    if retries is not None:
        upstream["retries"] = retries
    return named, Gateway(0, upstream=upstream)


def one(gateway, data, method="GET"):
    with wire.Client(gateway.port) as client:
        return client.ask(data, method)


def seen(named, target):
    return [n.saw(target) for n in named]


def after(mode, on, status, **upstream):
    """Of two targets the first in turn fails: asked for, the other answers; else the client hears it."""
    for is_on in (True, False):
        named, gateway = make([mode, "ok"], {"on": [on] if is_on else []},
                              timeouts={"response": "200ms"}, **upstream)
        for method in METHODS:
            for n in named:
                n.origin.forget()
            # Both in turn: exactly one of two requests meets the bad one first.
            answers = [one(gateway, wire.get("/x", method=method), method) for _ in range(2)]
            statuses = sorted(a.status for a in answers)
            counts = sum(seen(named, "/x"))
            again = is_on and method in IDEMPOTENT
            tap.same((statuses, counts), ([200, 200], 3) if again else ([200, status], 2),
                     f"{mode}, {'with' if is_on else 'without'} '{on}': {method} is "
                     f"{'sent again' if again else 'sent once'}")
        gateway.end()


def after_reset():
    after("reset", "reset", 502)


def after_timeout():
    after("hang", "timeout", 504)


def after_503():
    after("503", "503", 503)


def bodies():
    named, gateway = make(["503", "ok"], {"on": ["503", "reset", "timeout"]})
    data = wire.get("/x", method="PUT", fields="Content-Length: 2\r\n") + b"hi"
    statuses = sorted(one(gateway, data, "PUT").status for _ in range(2))
    tap.same((statuses, seen(named, "/x")), ([200, 503], [1, 1]),
             "a request with a body is sent once, whatever its method")
    gateway.end()


def each_once():
    """All bad: each target is asked once before any is asked again."""
    named, gateway = make(["503"] * 4, {"attempts": 3, "on": ["503"]})
    response = one(gateway, wire.get("/x"))
    tap.same((response.status, sorted(seen(named, "/x"))), (503, [1, 1, 1, 1]),
             "three further attempts go to three other targets, the last answer to the client")
    gateway.end()
    named, gateway = make(["503"] * 2, {"attempts": 5, "on": ["503"]})
    response = one(gateway, wire.get("/x"))
    tap.same((response.status, sum(seen(named, "/x"))), (503, 6),
             "with fewer targets they are asked again")
    gateway.end()
    named, gateway = make(["503"], {"attempts": 2, "on": ["503"]})
    tap.same((one(gateway, wire.get("/x")).status, seen(named, "/x")), (503, [3]),
             "even the only one")
    connections = len(named[0].origin.connections)
    tap.same(connections, 1, "and a short answer does not cost its connection")
    gateway.end()
    named, gateway = make(["hang"], {"attempts": 2, "on": ["timeout"]},
                          timeouts={"response": "200ms"})
    response = one(gateway, wire.get("/x"))
    tap.same((response.status, seen(named, "/x")), (504, [1]),
             "one that does not answer is not asked again, and its error is what the client hears")
    gateway.end()


def none_at_all():
    named, gateway = make(["503", "ok"], {"attempts": 0, "on": ["503", "connect_failure"]})
    statuses = sorted(one(gateway, wire.get("/x")).status for _ in range(2))
    tap.same(statuses, [200, 503], "attempts 0: no status is tried again")
    named[0].kill()
    statuses = sorted(one(gateway, wire.get("/x")).status for _ in range(2))
    tap.same(statuses, [200, 502], "and no refused connection passed by")
    gateway.end()
    named, gateway = make(["ok", "ok"], {"on": ["reset"]})
    named[0].kill()
    statuses = sorted(one(gateway, wire.get("/x")).status for _ in range(2))
    tap.same(statuses, [200, 502], "nor without 'connect_failure'")
    gateway.end()
    named, gateway = make(["ok", "ok"], {"on": ["connect_failure"]})
    named[0].kill()
    statuses = [one(gateway, wire.post("/x", b"x"), "POST").status for _ in range(4)]
    tap.same((statuses, named[1].saw("/x")), ([200] * 4, 4),
             "with it a POST goes on too: nothing was sent")
    gateway.end()


def begun_answers():
    named, gateway = make(["cut", "ok"], {"on": ["reset", "502", "timeout"]})
    answers = [one(gateway, wire.get("/x")) for _ in range(2)]
    tap.same(sorted(a.is_complete for a in answers), [False, True],
             "an answer that has begun is not begun again")
    tap.same(seen(named, "/x"), [1, 1], "nor is the request sent again")
    gateway.end()


def budget():
    """All answers are 503: with no share and all saved ones used up, a few a second are left."""
    named, gateway = make(["503", "503"], {"attempts": 1, "on": ["503"], "budget": 0})
    with wire.Client(gateway.port) as client:
        for _ in range(400):
            client.ask(wire.get("/x"))
    again = sum(seen(named, "/x")) - 400
    tap.ok(100 <= again <= 200, "400 requests with a budget of 0 are not sent 400 times more", again)
    gateway.end()
    named, gateway = make(["503", "503"], {"attempts": 1, "on": ["503"], "budget": 100})
    with wire.Client(gateway.port) as client:
        for _ in range(400):
            client.ask(wire.get("/x"))
    tap.same(sum(seen(named, "/x")), 800, "with 100 each is")
    gateway.end()


tap.start(90)
tap.facts(after_reset, after_timeout, after_503, bodies, each_once, none_at_all, begun_answers,
          budget)
tap.done()
