#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""How it is told that targets fail, and how: the daemon's log, the access log, sluicectl."""

import json
import os
import time

from lib import origin, tap, wire
from lib.fickle import Fickle
from lib.gateway import Gateway, reserve_port


def until(is_so, seconds=10):
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def ask(gateway, data=None):
    with wire.Client(gateway.port) as client:
        client.send(data or wire.get("/"))
        return client.response()


def told(gateway, event):
    return [line for line in gateway.complaint().splitlines() if f" {event} " in line]


def logged(gateway, count):
    """The last line of the access log, which has so many, as its error and detail."""
    until(lambda: gateway.access_log().count("\n") >= count)
    line = json.loads(gateway.access_log().splitlines()[-1])
    return line.get("error"), line.get("detail")


def target(gateway):
    shown = json.loads(gateway.ctl("-j", "upstream", "show").stdout)
    return shown["upstreams"][0]["targets"][0]


def refuses_and_is_back():
    keep, port = reserve_port()
    with keep:
        gateway = Gateway(port, {"gateway": {"workers": 2}}, upstream={"down_for": "1ms"})
        tap.same((target(gateway)["state"], "last_error" in target(gateway)), ("ready", False),
                 "nothing has failed yet")
        tap.same({ask(gateway).status for _ in range(6)}, {502}, "a refusing target is a 502")
        tap.same(logged(gateway, 6), ("upstream_failed", "refused"), "the access log says how")
        lines = told(gateway, "upstream.failing")
        tap.ok(len(lines) == 1 and " warn " in lines[0] and "upstream=origin" in lines[0]
               and f"target=127.0.0.1:{port}" in lines[0] and "Connection refused" in lines[0],
               "the daemon's log says so once, by all workers", lines)
        shown = target(gateway)
        tap.same((shown["state"], shown["last_error"], shown["failing_ms"] >= 0,
                  shown["last_error_ms"] >= 0), ("failing", "refused", True, True),
                 "upstream show too, and since when")
        text = gateway.ctl("upstream", "show").stdout
        tap.ok("LAST_ERROR" in text and "refused for " in text, "as a table too", text)
        gateway.reload(limits={"header_count": 60})
        tap.same(target(gateway)["state"], "failing", "a reload forgets nothing of it")
        origin.Origin(port=port)
        tap.ok(until(lambda: ask(gateway).status == 200), "it is back")
        tap.ok(until(lambda: told(gateway, "upstream.back")), "which is told",
               gateway.complaint())
        ask(gateway)
        tap.same((len(told(gateway, "upstream.back")), len(told(gateway, "upstream.failing"))),
                 (1, 1), "once")
        shown = target(gateway)
        tap.same((shown["state"], shown["last_error"], "failing_ms" in shown),
                 ("ready", "refused", False), "it is ready, and what failed last is still known")
        gateway.end()


def details():
    """A word for each way to fail."""
    for mode, error, detail in (("reset", "upstream_failed", "reset"),
                                ("close", "upstream_failed", "closed"),
                                ("hang", "upstream_timeout", "timeout"),
                                ("garbage", "upstream_malformed", "garbage"),
                                ("cut", "upstream_truncated", "closed"),
                                ("ok", None, None)):
        up = Fickle("a", mode)
        gateway = Gateway(0, upstream={"targets": [up.address], "retries": {"attempts": 0},
                                       "timeouts": {"response": "300ms"}})
        ask(gateway)
        tap.same(logged(gateway, 1), (error, detail), f"an origin that does '{mode}'")
        tap.same(target(gateway).get("last_error"), detail, "is shown with that")
        tap.same(told(gateway, "upstream.failing"), [], "it takes connections")
        up.become("ok")
        gateway.end()
    gateway = Gateway(1)
    path = os.path.join(gateway.directory, "none.sock")
    gateway.reload(upstreams={"origin": {"targets": [f"unix:{path}"]}})
    tap.same((ask(gateway).status, logged(gateway, 1)), (502, ("upstream_failed", "no_socket")),
             "a unix socket that is not there")
    gateway.end()


def another_answers():
    """What failed on the way to a good answer is no error of the request."""
    bad, good = Fickle("a"), Fickle("b")
    bad.kill()
    gateway = Gateway(0, upstream={"targets": [bad.address, good.address], "down_for": "1ms"})
    tap.same([ask(gateway).status for _ in range(4)], [200] * 4, "the other target answers")
    tap.same(logged(gateway, 4), (None, None), "and the access log has no error")
    tap.same(target(gateway)["state"], "failing", "the one that fails is shown all the same")
    gateway.end()


def bad_requests():
    up = Fickle("a")
    gateway = Gateway(0, {"logs": {"access": {"path": "/dev/null"}}},
                      upstream={"targets": [up.address]})
    log = os.path.join(gateway.directory, "access.log")
    gateway.reload(logs={"access": {"path": log}})
    for n, (data, error, detail) in enumerate((
            (b"GET / HTTP/1.1\r\n\r\n", "bad_request", "Host"),
            (b"GET / HTTP/3.1\r\nHost: a\r\n\r\n", "bad_request", "HTTP/1.1"),
            (b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target", "percent"))):
        answer = ask(gateway, data)
        got = logged(gateway, n + 1)
        tap.ok(got[0] == error and detail in got[1], f"{data!r}: what was wrong is logged", got)
        tap.same(json.loads(answer.body)["detail"], got[1], "as the client was told")
    gateway.reload(logs={"access": {"path": log, "format": "$status $error: $error_detail"}})
    ask(gateway, b"nonsense\r\n\r\n")
    tap.ok(until(lambda: "400 bad_request: The request line" in gateway.access_log()),
           "$error_detail has it too", gateway.access_log())
    gateway.end()


tap.start(60)
tap.facts(refuses_and_is_back, details, another_answers, bad_requests)
tap.done()
