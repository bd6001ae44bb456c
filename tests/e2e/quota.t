#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Quotas: as many requests in a period as there are, over workers, reloads and kill -9."""

import hashlib
import json
import os
import shutil
import signal
import tempfile
import threading
import time

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

CONSUMERS = {name: {"api_keys": [{"sha256": hashlib.sha256(name.encode()).hexdigest()}]}
             for name in ("acme", "mobile")}
LISTS = {"daily": [{"key_auth": {}}, {"quota": {"limit": 5, "every": "day"}}]}
EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"


def route(name, *policies, **match):
    return {"name": name, "match": {"path": f"/{name}", **match}, "upstream": "origin",
            "policies": list(policies)}


def quota(limit, every="month", **more):
    return {"quota": {"limit": limit, "every": every, **more}}


ROUTES = [
    route("daily", "daily"), route("also", "daily"),
    route("priced", quota(10, cost=4, per="client")),
    route("both", quota(100, per="client"), quota(2, "day", per="client", headers="x")),
    route("behind", {"key_auth": {"optional": True}}, quota(3, per="client"),
          {"require": {"consumers": ["acme"]}}),
    route("tenant", quota(1, per=[], header="X-Tenant")),
    route("rolling", quota(2, "hour", window="rolling", per="client")),
    route("many", quota(500, per="client")),
]


def ask(g, path, name=None, fields=""):
    fields += f"X-Api-Key: {name}\r\n" if name else ""
    with Client(g.port) as client:
        return client.ask(get(path, fields=fields))


def at_most(g):
    answers = [ask(g, "/daily" if i % 2 else "/also", "acme") for i in range(7)]
    tap.same([a.status for a in answers], [200] * 5 + [429] * 2,
             "five in all, on whichever route of the list")
    tap.same(ask(g, "/daily", "mobile").status, 200, "another consumer has its own")
    tap.same(answers[0].get("RateLimit-Policy"), '"daily-day";q=5;w=86400', "the policy is told")
    left = answers[0].get("RateLimit").split(";t=")
    tap.same(left[0], '"daily-day";r=4', "and what is left")
    tap.ok(abs(int(left[1]) - (86400 - time.time() % 86400)) < 60, "until midnight, UTC", left[1])
    refused = answers[-1]
    problem = json.loads(refused.body)
    tap.same([problem["type"], problem["status"]], [EXCEEDED, 429], "the problem has its type")
    tap.ok(abs(int(refused.get("Retry-After")) - int(left[1])) < 60, "and when to come back",
           refused.get("Retry-After"))


def counted(g):
    tap.same([ask(g, "/priced").status for _ in range(3)], [200, 200, 429],
             "of ten, requests of four are two")
    answer = [ask(g, "/both") for _ in range(3)][-1]
    tap.same(answer.status, 429, "of two quotas the strictest holds")
    tap.same([answer.get("X-RateLimit-Limit"), answer.get("X-RateLimit-Remaining")], ["2", "0"],
             "and is told, as it is asked for")
    tap.same([ask(g, "/behind").status for _ in range(5)], [401] * 5, "refused further on")
    tap.same([ask(g, "/behind", "acme").status for _ in range(4)], [200] * 3 + [429],
             "those requests have cost nothing")
    tap.same([ask(g, "/tenant", fields=f"X-Tenant: {x}\r\n").status for x in "aba"],
             [200, 200, 429], "each value of a field has its own")
    answer = ask(g, "/rolling")
    tap.ok(answer.get("RateLimit").startswith('"rolling-hour";r=1;t=3') and
           int(answer.get("RateLimit").split("t=")[1]) > 3590,
           "a rolling one begins with the first request", answer.get("RateLimit"))


def exact(g, want, what):
    got = []

    def work():
        with Client(g.port) as client:
            got.extend(client.ask(get("/many")).status for _ in range(50))
    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.same(got.count(200), want, what)


def survives(g):
    exact(g, 400, "400 of 500, over two workers")
    g.restart(signal.SIGKILL)
    exact(g, 100, "after kill -9, a hundred are left exactly")
    g.restart()
    g.reload(routes=list(reversed(ROUTES)))
    exact(g, 0, "and none after a restart and a reload")
    tap.same(ask(g, "/daily", "acme").status, 429, "whoever had used his up has none")


def nowhere():
    """It is counted, but forgotten with the daemon."""
    directory = tempfile.mkdtemp(prefix="sluice-quota-")
    tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
    with open(os.path.join(directory, "sluice.quota"), "w", encoding="ascii") as f:
        f.write("something else")
    g = start(directory)
    tap.same([ask(g, "/priced").status for _ in range(3)], [200, 200, 429],
             "without its file it counts")
    tap.ok("state.quota" in g.complaint() and "effect=" in g.complaint(), "and says what is lost",
           g.complaint())
    with open(os.path.join(directory, "sluice.quota"), encoding="ascii") as f:
        tap.same(f.read(), "something else", "what it does not know is left alone")
    g.end()


def begins_with_a_reload(directory):
    g = Gateway(origins.port, {"gateway": {"state_dir": directory}})
    tap.ok(not os.path.exists(os.path.join(directory, "sluice.quota")),
           "without a quota there is no file")
    g.reload(routes=[route("new", quota(1, per="client"))])
    tap.same([ask(g, "/new").status for _ in range(2)], [200, 429], "a reload brings one")
    tap.ok(os.path.exists(os.path.join(directory, "sluice.quota")), "and its file")
    g.end()


def start(directory):
    return Gateway(origins.port, {"consumers": CONSUMERS, "policies": LISTS, "routes": ROUTES,
                                  "gateway": {"workers": 2, "state_dir": directory}})


def main():
    top = tempfile.mkdtemp(prefix="sluice-quota-")
    tap.at_end(lambda: shutil.rmtree(top, ignore_errors=True))
    g = start(os.path.join(top, "main"))
    for test in (at_most, counted, survives):
        test(g)
    g.end()
    nowhere()
    os.mkdir(os.path.join(top, "other"))
    begins_with_a_reload(os.path.join(top, "other"))


tap.start(120)
origins = origin.Origin()
main()
tap.done()
