#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What the daemon says when it is asked to say more: why connections end, never a secret; and where
it says it, from one configuration to the next."""

import os
import threading
import time

from lib import origin, tap, wire
from lib.gateway import Gateway, reserve_port

SECRET = "geheim"


def wait_for(is_so, seconds=8):
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_so()


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def says(gw, event, *words):
    """A line of that event has all the words."""
    def has_line():
        return any(f" {event} " in line and all(word in line for word in words)
                   for line in gw.complaint().splitlines())
    return tap.ok(wait_for(has_line), f"{event} tells {' '.join(words)}", gw.complaint())


def debugging(port, **conf):
    return Gateway(port, {"logs": {"level": "debug"}, **conf})


def upstreams():
    up = origin.Origin()
    gw = debugging(up.port)
    with wire.Client(gw.port) as client:
        client.ask(wire.get(f"/?token={SECRET}", fields=f"Authorization: {SECRET}\r\n"
                                                        f"Cookie: a={SECRET}\r\n"))
        says(gw, "upstream.connected", "request=", f"target=127.0.0.1:{up.port}")
    says(gw, "client.closed", "client=127.0.0.1", "requests=1", 'reason="the client closed it"')
    tap.ok(SECRET not in gw.complaint(), "no secret is told", gw.complaint())
    gw.end()

    keep, dead = reserve_port()
    gw = debugging(dead)
    with wire.Client(gw.port) as client:
        response = client.ask(wire.get("/"))
    tap.same(response.status, 502, "a target that nobody listens at")
    says(gw, "upstream.connect_failed", f"target=127.0.0.1:{dead}", "Connection refused")
    keep.close()
    gw.end()


def lost_connections():
    up = origin.Origin(lambda conn: conn.request())  # and hangs up
    gw = debugging(up.port)
    with wire.Client(gw.port) as client:
        response = client.ask(wire.get("/"))
    tap.same(response.status, 502, "an origin that hangs up")
    says(gw, "upstream.lost", f"target=127.0.0.1:{up.port}", "retry=yes")
    with wire.Client(gw.port) as client:
        client.ask(wire.get("/", method="POST", fields="Content-Length: 0\r\n"))
    says(gw, "upstream.lost", "retry=no")
    gw.end()


def clients():
    up = origin.Origin()
    gw = debugging(up.port, limits={"idle_timeout": "300ms", "client_connections": 1})
    with wire.Client(gw.port) as first:
        first.ask(wire.get("/"))
        with wire.Client(gw.port) as second:
            second.send(wire.get("/"))
            says(gw, "client.closed", 'reason="limits.client_connections"')
        says(gw, "client.closed", "requests=1", 'reason="limits.idle_timeout"')
    gw.end()


def not_by_default():
    up = origin.Origin()
    gw = Gateway(up.port)
    with wire.Client(gw.port) as client:
        client.ask(wire.get("/"))
    gw.process.terminate()
    gw.process.wait(15)
    tap.ok(" debug " not in gw.complaint(), "none of it is there unless it is asked for",
           gw.complaint())
    gw.stop()


def another_configuration():
    """Format, file and level follow a reload; standard error is found again."""
    up = origin.Origin()
    gw = Gateway(up.port)
    own = os.path.join(gw.directory, "own.log")
    access = {"path": os.path.join(gw.directory, "access.log")}
    with wire.Client(gw.port) as client:
        client.ask(wire.get("/one"))
        answer = gw.reload(logs={"access": {**access, "format": "$status $uri"},
                                 "error": {"path": own}, "level": "debug"})
        tap.ok(answer.get("reloaded"), "other logs are taken by a reload", answer)
        client.ask(wire.get("/two"))
    tap.ok(wait_for(lambda: gw.access_log().endswith("200 /two\n")), "lines have the new format",
           gw.access_log())
    tap.ok('"path":"/one"' in gw.access_log(), "those before it the old one", gw.access_log())
    tap.ok(wait_for(lambda: "client.closed" in text_of(own)), "the error log is the new file",
           text_of(own))
    tap.ok("client.closed" not in gw.complaint(), "and no longer standard error", gw.complaint())
    answer = gw.reload(logs={"access": access, "error": {"path": "/nowhere/at/all"}})
    tap.ok(not answer.get("reloaded"), "a log that cannot be opened refuses a reload", answer)
    gw.reload(logs={"access": access})
    gw.ctl("log", "level", "debug")
    says(gw, "log.level", "level=debug")
    gw.reload(logs={"access": access})
    tap.same(gw.ctl("log", "level").stdout, "info\n", "the level is the file's again")
    gw.end()


def under_many_lines():
    """While connections come and go, turning the level up and down loses nothing but lines."""
    up = origin.Origin()
    gw = Gateway(up.port, {"gateway": {"workers": 2}})
    is_over, wrong = threading.Event(), []

    def ask():
        while not is_over.is_set():
            with wire.Client(gw.port) as client:
                response = client.ask(wire.get("/"))
                if response is None or response.status != 200:
                    wrong.append(str(response))

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        for level in "debug", "error", "warn", "info":
            gw.ctl("log", "level", level)
    is_over.set()
    for thread in threads:
        thread.join(10)
    tap.ok(not wrong, "requests are answered while the level changes", "\n".join(wrong))
    gw.end()


tap.start(90)
tap.facts(upstreams, lost_connections, clients, not_by_default, another_configuration,
          under_many_lines)
tap.done()
