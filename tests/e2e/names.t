#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Targets by name: all addresses, again when their time is over, and what happens without answers."""

import json
import os
import subprocess
import tempfile
import time

from lib import dns, origin, tap
from lib.gateway import BUILD, Gateway
from lib.wire import Client, get

HOST = "pool.example"
PATIENCE_SECONDS = 8


def serve(conn):
    while conn.request() is not None:
        conn.send(origin.answer(conn.sock.getsockname()[0].encode()))


def upstreams(*targets):
    return {"origin": {"targets": list(targets)}}


def asked(count=8):
    """Which addresses answered so many requests."""
    seen = []
    for _ in range(count):
        with Client(gateway.port) as client:
            response = client.ask(get("/"))
            seen.append(response.body.decode() if response.status == 200 else response.status)
    return seen


def wait_for(is_so, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_so()


def all_addresses():
    tap.same(set(asked()), {"127.0.0.1"}, "a name with one address")
    server.names[HOST] = ["127.0.0.1", "127.0.0.2"]
    tap.ok(wait_for(lambda: set(asked()) == {"127.0.0.1", "127.0.0.2"}),
           "a second one is found when the first answer's time is over", asked())
    server.names[HOST] = ["127.0.0.2", "127.0.0.1"]
    generation = status("generation")
    time.sleep(2.5)
    tap.same(status("generation"), generation, "another order is no change")
    server.names[HOST] = ["127.0.0.2"]
    failed = []
    moved = wait_for(lambda: (lambda seen: failed.extend(s for s in seen if not isinstance(s, str))
                              or set(seen) == {"127.0.0.2"})(asked()))
    tap.ok(moved and not failed, "one that is gone is used no more, and nothing fails", failed)


def status(key):
    return json.loads(gateway.ctl("-j", "status").stdout)[key]


def without_answers():
    known = server.names.pop(HOST)
    tap.ok(wait_for(lambda: f"names.failed host={HOST}" in gateway.complaint()),
           "a name that vanishes is told", gateway.complaint())
    tap.same(set(asked()), {"127.0.0.2"}, "and its addresses stay")
    server.is_silent = True
    time.sleep(2)
    tap.same(set(asked()), {"127.0.0.2"}, "as they do when nobody answers")
    answer = gateway.reload(limits={"header_count": 50})
    tap.ok(answer.get("reloaded"), "a reload needs no answer for what is known", answer)
    answer = gateway.reload(upstreams=upstreams(f"{HOST}:{first.port}", f"new.example:{first.port}"))
    tap.ok(answer.get("reloaded") is False and "new.example" in str(answer.get("faults")),
           "a new name that nobody knows is refused", answer)
    tap.same(set(asked()), {"127.0.0.2"}, "and the running configuration goes on")
    gateway.reload(upstreams=upstreams(f"127.0.0.1:{first.port}"), listeners={})
    gateway.ctl("config", "diff")
    tap.ok(any(n["host"] == HOST for n in status("names")),
           "a refused file and a diff make it forget no name", status("names"))
    gateway.rewrite(listeners=listeners, upstreams=upstreams(f"{HOST}:{first.port}"))
    told = gateway.complaint().count(f"names.failed host={HOST}")
    tap.same(told, 1, "all this is told once")
    server.is_silent = False
    server.names[HOST] = known
    tap.ok(wait_for(lambda: f"names.answered host={HOST}" in gateway.complaint(), 40),
           "until there are answers again", gateway.complaint())
    names = status("names")
    tap.ok(any(n["host"] == HOST and n["addresses"] == 1 and not n["stale"] for n in names),
           "status knows the names", names)


def check(ups, **conf):
    """What sluiced --check says of them."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "sluice.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({**gateway.conf, "upstreams": ups, **conf}, f)
        return subprocess.run([os.path.join(BUILD, "sluiced"), "--check", "-c", path],
                              capture_output=True, text=True, timeout=20, check=False)


def at_start():
    done = check(upstreams("missing.example:80"))
    tap.ok(done.returncode == 2 and "missing.example" in done.stderr and
           "/upstreams/origin/targets/0" in done.stderr,
           "a name that does not exist is a fault of the configuration", done.stderr)


def many_at_once():
    """Twenty new names, in one upstream and in many, are asked for side by side."""
    hosts = [f"n{i}.example" for i in range(20)]
    targets = [f"{h}:{first.port}" for h in hosts]
    one = upstreams(*targets)
    many = {**upstreams(targets[0]), **{f"u{i}": {"targets": [t]} for i, t in enumerate(targets)}}
    server.is_silent = True
    for what, ups in ("one upstream", one), ("many upstreams", many):
        start = time.monotonic()
        answer = gateway.reload(upstreams=ups)
        took = time.monotonic() - start
        faults = str(answer.get("faults"))
        tap.ok(answer.get("reloaded") is False and all(h in faults for h in hosts) and
               "no name server answers" in faults,
               f"names of {what} that nobody answers for are refused, each one", answer)
        tap.ok(took < 10, "after the time of one, not of twenty", took)
    server.is_silent = False
    for host in hosts:
        server.names[host] = ["127.0.0.1"]
    for what, ups in ("one upstream", one), ("many upstreams", many):
        answer = gateway.reload(upstreams=ups)
        tap.ok(answer.get("reloaded"), f"with answers {what} can be had at once", answer)


def many_servers():
    """None of four answers: the time of a look-up is for all of them together."""
    silent = [dns.Server() for _ in range(4)]
    for one in silent:
        one.is_silent = True
    done = check(upstreams("new.example:80"),
                 dns={"servers": [s.address for s in silent], "timeout": "2s"})
    tap.ok(done.returncode == 2 and "no name server answers for 'new.example:80'" in done.stderr,
           "four name servers that do not answer are a fault", done.stderr)
    tap.ok(all(s.questions > 0 for s in silent), "all of them are asked",
           [s.questions for s in silent])


tap.start(90)
server = dns.Server()
first = origin.Origin(serve)
second = origin.Origin(serve, "127.0.0.2", first.port)
server.names[HOST] = ["127.0.0.1"]
gateway = Gateway(first.port, conf={
    "dns": {"servers": [server.address], "timeout": "1s", "min_ttl": "1s"},
    "upstreams": upstreams(f"{HOST}:{first.port}")})
listeners = gateway.conf["listeners"]
tap.facts(all_addresses, without_answers, at_start, many_at_once, many_servers)
gateway.end()
tap.done()
