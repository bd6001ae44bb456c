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


def knows(host):
    return any(n["host"] == host for n in status("names"))


def refused_files():
    """Nothing is wrong with the other file, but its listener's address is taken: the origin has
    it.  It names another host, and is seen by a reload and by a diff."""
    before = gateway.conf["listeners"]
    server.names["other.example"] = ["127.0.0.1"]
    answer = gateway.reload(upstreams=upstreams(f"other.example:{first.port}"),
                            listeners={"http": f"127.0.0.1:{first.port}"})
    tap.ok(answer.get("reloaded") is False and knows("other.example"),
           "a file whose address is taken is refused, when its names are known", answer)
    tap.ok(knows(HOST), "it makes the daemon forget no name", status("names"))
    tap.ok("other.example" in gateway.ctl("config", "diff").stdout and knows(HOST),
           "nor does a diff", status("names"))
    # One that is being asked for at this moment stays until the next time.
    tap.ok(wait_for(lambda: gateway.reload(listeners=before)["reloaded"] and not knows(HOST)),
           "a file that is taken does", status("names"))
    gateway.reload(upstreams=upstreams(f"{HOST}:{first.port}"))
    tap.ok(knows(HOST), "until a file names it again", status("names"))


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
    gateway.rewrite(upstreams=upstreams(f"{HOST}:{first.port}"))
    told = gateway.complaint().count(f"names.failed host={HOST}")
    tap.same(told, 1, "all this is told once")
    server.is_silent = False
    server.names[HOST] = known
    tap.ok(wait_for(lambda: f"names.answered host={HOST}" in gateway.complaint(), 40),
           "until there are answers again", gateway.complaint())
    names = status("names")
    tap.ok(any(n["host"] == HOST and n["addresses"] == 1 and not n["stale"] for n in names),
           "status knows the names", names)


def refresh_that_fails():
    """A file that is substituted is gone when the addresses change: it is tried again."""
    path = os.path.join(gateway.directory, "body")
    with open(path, "w", encoding="utf-8") as f:
        f.write("text")
    answer = gateway.reload(routes=[*gateway.conf["routes"], {
        "match": {"path": "/own"}, "respond": {"body": "${file:" + path + "}"}}])
    tap.ok(answer.get("reloaded"), "a route with what a file holds", answer)
    os.rename(path, path + ".away")
    server.names[HOST] = ["127.0.0.1"]
    tap.ok(wait_for(lambda: "reload.refused" in
                    gateway.complaint().rpartition(" reloaded ")[2]),
           "other addresses while the file is away: refused", gateway.complaint())
    tap.same(set(asked()), {"127.0.0.2"}, "and the old ones are used on")
    os.rename(path + ".away", path)
    tap.ok(wait_for(lambda: set(asked()) == {"127.0.0.1"}, 15),
           "once the file is back, the new ones are used without another change", asked())


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
tap.facts(all_addresses, refused_files, without_answers, refresh_that_fails, at_start,
          many_at_once, many_servers)
gateway.end()
tap.done()
