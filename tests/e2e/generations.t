#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Requests that do not end keep their configurations alive: so many, and no more."""

import copy
import json
import time

from lib import tap, wire
from lib.fickle import Fickle
from lib.gateway import Gateway, reserve_port

OLD_MAX = 16
GRACE_SECONDS = 10


def hold():
    """One more request that is held, under the present configuration."""
    client = wire.Client(gateway.port, timeout=30)
    client.send(wire.get("/hold"))
    held.append(client)
    if not origin.wait_for("/hold", len(held)):
        tap.ok(False, "a request is under way")


def generation():
    return json.loads(gateway.ctl("-j", "status").stdout)["generation"]


def fill():
    """The oldest is held by a connection through a listener that is gone, not by a request."""
    keep, port = reserve_port()
    listeners = copy.deepcopy(gateway.conf["listeners"])
    gateway.reload(listeners={**listeners, "second": {"address": f"127.0.0.1:{port}"}})
    idle = wire.Client(port)
    idle.ask(wire.get("/"))
    gateway.reload(listeners=listeners)
    keep.close()
    oks = 0
    for _ in range(OLD_MAX - 1):
        hold()
        oks += gateway.reload()["reloaded"]
    tap.same(oks, OLD_MAX - 1, f"{OLD_MAX} configurations are kept by what is under way")
    return idle


def is_refused(name):
    before = generation()
    done = gateway.ctl("config", "reload")
    tap.ok(done.returncode == 2 and f"{OLD_MAX} configurations are still in use" in done.stderr
           and "reload again" in done.stderr, f"{name}: a reload is refused, and says why", done)
    tap.same(generation(), before, "nothing has changed")


def bounded():
    start = time.monotonic()
    idle = fill()
    hold()
    is_refused("with one more")
    tap.same(idle.ask(wire.get("/")).status, 200, "nothing is cut off meanwhile")
    time.sleep(max(0, start + GRACE_SECONDS + 1 - time.monotonic()))
    tap.ok(gateway.reload()["reloaded"], "after a while it succeeds")
    tap.ok(idle.is_closed(5) and "reload.cut_off" in gateway.complaint(),
           "the oldest is cut off, which is told", gateway.complaint())
    tap.ok(gateway.reload()["reloaded"], "again, as the next one is old enough too")
    tap.ok(held[0].is_closed(5), "a request is cut off")
    tap.ok(not any(c.is_closed(0.05) for c in held[1:]), "no younger one is")
    origin.release()
    tap.same({c.response().status for c in held[1:]}, {200}, "those are answered")
    before = generation()
    done = [gateway.reload()["reloaded"] for _ in range(OLD_MAX * 2)]
    tap.same((all(done), generation()), (True, before + OLD_MAX * 2), "then there is room again")


tap.start(60)
held = []
origin = Fickle("a")
gateway = Gateway(0, {"gateway": {"workers": 2}}, upstream={"targets": [origin.address]})
tap.facts(bounded)
gateway.end()
tap.done()
