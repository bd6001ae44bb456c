#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""sluicectl upstream: targets are taken out of service and back; config show and diff of what runs."""

import json

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get


def serve(conn):
    while conn.request() is not None:
        conn.send(origin.answer(str(conn.origin.port).encode()))


def answered(count=20):
    with Client(gateway.port) as client:
        return {int(r.body) if r.status == 200 else r.status
                for r in (client.ask(get("/")) for _ in range(count))}


def states():
    shown = json.loads(gateway.ctl("-j", "upstream", "show").stdout)
    return {t["name"]: t["state"] for u in shown["upstreams"] for t in u["targets"]}


def out_and_back():
    names = [f"127.0.0.1:{o.port}" for o in (first, second)]
    tap.same(answered(), {first.port, second.port}, "at first both are asked")
    tap.same(states(), dict.fromkeys(names, "ready"), "and ready")
    for verb, state in (("drain", "drain"), ("disable", "disabled")):
        done = gateway.ctl("upstream", verb, names[0])
        tap.same((done.returncode, states()[names[0]]), (0, state), f"after {verb} it is shown")
        tap.same(answered(), {second.port}, "and the other one has all")
        gateway.reload(limits={"header_count": 60 if verb == "drain" else 61})
        tap.same((answered(), states()[names[0]]), ({second.port}, state), "after a reload too")
        gateway.ctl("upstream", "enable", f"origin/{names[0]}")
        tap.same(answered(), {first.port, second.port}, "until it is enabled")
    shown = json.loads(gateway.ctl("-j", "upstream", "show").stdout)["upstreams"][0]["targets"]
    tap.ok(sum(t["requests"] for t in shown) >= 20 and all(t["in_flight"] == 0 for t in shown),
           "requests are counted", shown)
    text = gateway.ctl("upstream", "show").stdout
    tap.ok(text.startswith("UPSTREAM") and all(n in text for n in names), "as a table too", text)
    done = gateway.ctl("upstream", "drain", "nobody:1")
    tap.ok(done.returncode == 1 and "no upstream has such a target" in done.stderr,
           "a target that is none is refused", done)
    done = gateway.ctl("upstream", "drain", names[0][:-1])
    tap.ok(done.returncode == 1 and "did you mean '127.0.0.1:" in done.stderr,
           "one that is nearly one with a guess", done)


def what_runs():
    done = gateway.ctl("config", "diff")
    tap.same((done.returncode, done.stdout), (0, ""), "the file says what runs")
    gateway.rewrite(limits={"header_count": 77})
    done = gateway.ctl("config", "diff")
    tap.ok(done.returncode == 2 and "/limits/header_count" in done.stdout and "77" in done.stdout,
           "until it is changed", done)
    shown = json.loads(gateway.ctl("config", "show").stdout)
    tap.same((shown["limits"]["header_count"], shown["limits"]["header_bytes"]), (61, "32KiB"),
             "what runs is shown, with defaults")
    gateway.write("{")
    done = gateway.ctl("config", "diff")
    tap.ok(done.returncode == 1 and "sluice.json:1" in done.stderr, "faults are told", done)


tap.start(60)
first, second = origin.Origin(serve), origin.Origin(serve)
gateway = Gateway(first.port, upstream={"targets": [f"127.0.0.1:{first.port}",
                                                    f"127.0.0.1:{second.port}"]})
tap.facts(out_and_back, what_runs)
gateway.end()
tap.done()
