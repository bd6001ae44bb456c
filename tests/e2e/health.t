#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Targets that fail: found out by checks or by what requests come to, passed by, and taken back."""

import time

from lib import tap, wire
from lib.fickle import Fickle
from lib.gateway import Gateway

CHECK = {"path": "/healthz", "interval": "100ms", "timeout": "300ms", "healthy_after": 2,
         "unhealthy_after": 2}


def until(is_so, seconds=10):
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def ask(gateway, count, method="GET"):
    """Statuses and bodies of so many requests on one connection."""
    with wire.Client(gateway.port) as client:
        return [(r.status, r.body.decode()) for r in
                (client.ask(wire.get(f"/{n}", method=method)) for n in range(count))]


def says(gateway, event):
    return [line for line in gateway.complaint().splitlines() if f" {event} " in line]


def make(conf=None, **upstream):
    named = [Fickle(name) for name in "abc"]
    return named, Gateway(0, conf, upstream={"targets": [n.address for n in named], **upstream})


def checked(mode, reason):
    """One of three begins to misbehave, with nobody asking but the checks; then it is well again."""
    named, gateway = make({"gateway": {"workers": 2}}, health_check=CHECK)
    tap.same({b for _, b in ask(gateway, 9)}, set("abc"), f"{mode}: all three are used at first")
    named[1].become(mode)
    tap.ok(until(lambda: says(gateway, "upstream.unhealthy")), "it is found out",
           gateway.complaint())
    line = (says(gateway, "upstream.unhealthy") or [""])[0]
    tap.ok(f"target={named[1].address} " in line and f'reason="{reason}' in line,
           "and the log says which, and why", line)
    # Several connections: each worker has some, and neither has seen a failure of its own.
    answers = [a for _ in range(6) for a in ask(gateway, 6)]
    tap.same(({s for s, _ in answers}, {b for _, b in answers}), ({200}, {"a", "c"}),
             "no request goes there, from either worker, and none fails")
    named[1].become("ok")
    tap.ok(until(lambda: says(gateway, "upstream.healthy")), "it is well again, as the log says",
           gateway.complaint())
    tap.same({b for _, b in ask(gateway, 9)}, set("abc"), "and is used again")
    tap.ok(len(says(gateway, "upstream.unhealthy")) == 1, "one line a change", gateway.complaint())
    gateway.end()


def checked_503():
    checked("503", "status 503")


def checked_hang():
    checked("hang", "answer: no answer in time")


def checked_garbage():
    checked("garbage", "answer: malformed")


def checked_reset():
    checked("reset", "answer: Connection reset by peer")


def over_a_reload():
    """What is known stays, and checks go on, by the new settings."""
    named, gateway = make({"gateway": {"workers": 2}}, health_check=CHECK)
    named[1].become("503")
    tap.ok(until(lambda: says(gateway, "upstream.unhealthy")), "one is unhealthy",
           gateway.complaint())
    gateway.conf["upstreams"]["origin"]["health_check"] = {**CHECK, "healthy_after": 3}
    gateway.reload()
    answers = [a for _ in range(4) for a in ask(gateway, 6)]
    tap.same({a for a in answers}, {(200, "a"), (200, "c")}, "and still is after a reload")
    named[1].become("ok")
    tap.ok(until(lambda: "b" in {b for _, b in ask(gateway, 6)}), "checks go on, and find it well")
    tap.ok("checks=3" in (says(gateway, "upstream.healthy") or [""])[0], "by the new settings",
           gateway.complaint())
    named[1].become("503")
    tap.ok(until(lambda: len(says(gateway, "upstream.unhealthy")) == 2), "it is ill once more",
           gateway.complaint())
    del gateway.conf["upstreams"]["origin"]["health_check"]
    gateway.reload()
    tap.ok(until(lambda: 503 in {s for s, _ in ask(gateway, 6)}),
           "without health checks nobody is unhealthy")
    gateway.end()


def old_views():
    """A request that began under an old configuration keeps it, but not its checks."""
    named, gateway = make(health_check=CHECK)
    old, new = named[0], named[1]
    gateway.reload(upstreams={"origin": {"targets": [old.address], "health_check": CHECK}})
    with wire.Client(gateway.port) as client:
        client.send(wire.get("/hold"))
        tap.ok(old.wait_for("/hold") and old.wait_for(CHECK["path"], 3), "a request is held",
               old.saw())
        gateway.reload(upstreams={"origin": {"targets": [new.address], "health_check": CHECK}})
        before, begun = old.saw(CHECK["path"]), new.saw(CHECK["path"])
        tap.ok(new.wait_for(CHECK["path"], begun + 6), "the new target is checked", new.saw())
        # One may have been on its way.
        tap.ok(old.saw(CHECK["path"]) <= before + 1, "and the old one no more",
               f"{before} checks, then {old.saw(CHECK['path'])}")
        old.release()
        tap.same(client.response().body, b"a", "though the request that it holds is answered by it")
    gateway.end()


def all_unhealthy():
    named, gateway = make(health_check=CHECK)
    for n in named:
        n.become("418")
    tap.ok(until(lambda: len(says(gateway, "upstream.unhealthy")) == 3), "all three are unhealthy",
           gateway.complaint())
    tap.same({s for s, _ in ask(gateway, 6)}, {418}, "then all are asked: better than nobody")
    gateway.end()


def dead_before():
    """By a connection alone; the target was not there when the daemon started."""
    named = [Fickle(name) for name in "ab"]
    named[0].kill()
    gateway = Gateway(0, upstream={"targets": [n.address for n in named], "down_for": "1ms",
                                   "health_check": {"interval": "100ms", "unhealthy_after": 1}})
    tap.ok(until(lambda: says(gateway, "upstream.unhealthy")), "a dead target is found by TCP",
           gateway.complaint())
    tap.ok("connect: Connection refused" in says(gateway, "upstream.unhealthy")[0],
           "refused, as the log says", gateway.complaint())
    tap.same(ask(gateway, 4), 4 * [(200, "b")], "the other one has all requests")
    tap.same(named[1].origin.faults(), [], "the one that lives gets no odd bytes by it")
    gateway.end()


def ejected(mode, status):
    """Found out by requests: three failures in a row, and no fourth for a while."""
    named, gateway = make(retries={"attempts": 0}, timeouts={"response": "150ms"},
                          outlier_detection={"consecutive_failures": 3, "statuses": [503],
                                             "eject_for": "1s"})
    named[1].become(mode)
    answers = ask(gateway, 30)
    bad = [s for s, _ in answers if s != 200]
    tap.same(bad, 3 * [status], f"{mode}: three requests fail, and no more")
    line = (says(gateway, "upstream.ejected") or [""])[0]
    tap.ok(f"target={named[1].address} failures=3 for_ms=1000" in line, "the log says so", line)
    named[1].become("ok")
    tap.ok(until(lambda: "b" in {b for _, b in ask(gateway, 3)}), "it comes back by itself")
    gateway.end()


def ejected_503():
    ejected("503", 503)


def ejected_hang():
    ejected("hang", 504)


def ejected_reset():
    ejected("reset", 502)


def ejected_garbage():
    ejected("garbage", 502)


def most_stay():
    named, gateway = make(retries={"attempts": 0},
                          outlier_detection={"consecutive_failures": 2, "statuses": [503],
                                             "max_ejected_percent": 50})
    for n in named:
        n.become("503")
    ask(gateway, 30)
    tap.same(len(says(gateway, "upstream.ejected")), 1, "of three that fail one is ejected")
    gateway.end()


tap.start(90)
tap.facts(checked_503, checked_hang, checked_garbage, checked_reset, over_a_reload, old_views, all_unhealthy,
          dead_before,
          ejected_503, ejected_hang, ejected_reset, ejected_garbage, most_stay)
tap.done()
