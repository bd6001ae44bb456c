#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists, limits and punishments without the kernel: enforced when a connection is accepted, and for
the clients that a trusted proxy names."""

import json
import socket
import time

from lib import tap, wire
from lib.gateway import Gateway
from lib.origin import Origin

BAD = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
RESPOND = [{"name": "all", "match": {"path": "/*"}, "respond": {"status": 200}},
           {"name": "no", "match": {"path": "/no"}, "respond": {"status": 403}}]


def ask(gateway, source, fields="", path="/"):
    """The status; None when the connection ended without one."""
    with wire.Client(gateway.port, source=source) as client:
        try:
            client.send(wire.get(path, fields=fields))
            response = client.response()
            return response.status if response else None
        except (wire.Cut, OSError):
            return None


def ending(gateway, source):
    """How a connection ends on which nothing is said."""
    try:
        with socket.create_connection(("127.0.0.1", gateway.port), 10, (source, 0)) as client:
            return client.recv(1)
    except ConnectionResetError:
        return "reset"


def counters(gateway):
    return json.loads(gateway.ctl("-j", "status").stdout)["counters"]


def fail(gateway, source, times, fields=b""):
    """The ids of the requests that failed."""
    ids = []
    for _ in range(times):
        with wire.Client(gateway.port, source=source) as client:
            client.send(BAD[:-2] + fields + b"\r\n")
            response = client.response()
            tap.same(response.status, 400, "a request with two lengths is malformed")
            ids.append(response.get("X-Request-Id"))
    return ids


def wait_for(is_so, seconds=10):
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)
    return is_so()


def lists():
    gateway = Gateway(origin.port, {"routes": RESPOND, "listener": {"defer_accept": False}, "kernel": {
        "mode": "off", "management": ["127.0.1.1"],
        "allow": ["127.0.1.2"], "deny": [
            "127.0.1.0/24", {"prefix": "127.0.2.0/24", "action": "reject"},
            {"prefix": "127.0.3.0/24", "action": "shadow"},
            {"prefix": "127.0.4.0/24", "port": 1}]}})
    tap.same(ask(gateway, "127.0.0.1"), 200, "who is on no list is served")
    tap.same(ask(gateway, "127.0.1.9"), None, "who is denied is not")
    tap.same(ending(gateway, "127.0.1.9"), b"", "its connection is closed at once")
    tap.same(ending(gateway, "127.0.2.9"), "reset", "that of who is rejected is reset")
    tap.same(ask(gateway, "127.0.3.9"), 200, "on trial, an entry lets pass")
    tap.same(ask(gateway, "127.0.4.9"), 200, "an entry for another port says nothing")
    tap.same(ask(gateway, "127.0.1.1"), 200, "management is never locked out")
    tap.same(ask(gateway, "127.0.1.2"), 200, "the longer prefix is allowed")
    seen = counters(gateway)
    tap.same((seen["denied_by_list"], seen["shadow_denials"]), (3, 1), "each was counted")
    kernel = dict(gateway.conf["kernel"], deny=["127.0.0.0/24"])
    tap.ok(gateway.reload(kernel=kernel)["reloaded"], "another list is loaded")
    tap.same((ask(gateway, "127.0.1.9"), ask(gateway, "127.0.0.1")), (200, None),
             "and holds at once")
    answer = gateway.reload(kernel=dict(kernel, deny=["127.0.0.0/33"]))
    tap.ok(not answer["reloaded"], "a list with a fault is refused", str(answer))
    tap.same(ask(gateway, "127.0.0.1"), None, "and changes nothing")
    del gateway.conf["kernel"]
    gateway.reload()
    tap.same(ask(gateway, "127.0.0.1"), 200, "without the section everybody is served")
    gateway.end()


def limit():
    gateway = Gateway(origin.port, {"routes": RESPOND, "kernel": {
        "mode": "off", "client_limits": {"connections": {"rate": "1/h", "burst": 3}},
        "management": ["127.0.5.1"]}})
    tap.same([ask(gateway, "127.0.5.9") for _ in range(5)], [200] * 3 + [None] * 2,
             "a client has so many new connections")
    tap.same(ask(gateway, "127.0.5.8"), 200, "and another one has its own")
    tap.same([ask(gateway, "127.0.5.1") for _ in range(5)], [200] * 5, "management has no limit")
    tap.same(counters(gateway)["denied_by_limit"], 2, "what was beyond was counted")
    gateway.end()


def forwarded():
    gateway = Gateway(origin.port, {
        "routes": RESPOND, "forwarded": {"trusted_proxies": ["127.0.0.1"]},
        "kernel": {"mode": "off", "deny": ["198.51.100.0/24"],
                   "punish": {"after": "3 failures in 1m", "for": "1h"}}})
    bad = "X-Forwarded-For: 198.51.100.7\r\n"
    tap.same(ask(gateway, "127.0.0.1", bad), 403, "the client that a proxy names is denied")
    tap.same(ask(gateway, "127.0.0.2", bad), 200, "of nobody else's word is anything believed")
    tap.ok('"error":"client_denied"' in read_log(gateway), "and the log says why")
    poor = "X-Forwarded-For: 203.0.113.5\r\n"
    tap.same([ask(gateway, "127.0.0.1", poor, "/no") for _ in range(4)], [403] * 4,
             "who is denied again and again")
    tap.same(ask(gateway, "127.0.0.1", poor), 403, "is punished")
    tap.ok('"error":"client_punished"' in read_log(gateway), "and the log says so")
    tap.same(ask(gateway, "127.0.0.1", "X-Forwarded-For: 203.0.113.6\r\n"), 200,
             "while others behind the same proxy are served")
    fail(gateway, "127.0.0.1", 5)
    tap.same(ask(gateway, "127.0.0.1"), 200, "the proxy is never punished")
    gateway.end()


def read_log(gateway):
    gateway_log = [""]

    def is_written():
        gateway_log[0] = gateway.access_log()
        return gateway_log[0].count("\n") >= counters(gateway)["requests"]
    wait_for(is_written)
    return gateway_log[0]


def punish():
    gateway = Gateway(origin.port, {"routes": RESPOND, "kernel": {
        "mode": "off", "allow": ["127.0.6.2"],
        "punish": {"after": "10 failures in 1m", "for": "2s"}}})
    kept = wire.Client(gateway.port, source="127.0.6.9")
    tap.same(kept.ask(wire.get()).status, 200, "a connection is kept")
    ids = fail(gateway, "127.0.6.9", 10)
    tap.same(kept.ask(wire.get()).status, 403, "it is no way around a punishment")
    tap.ok(kept.is_closed(), "and it is closed")
    tap.same(ask(gateway, "127.0.6.9"), None, "after ten of them the client is not let in")
    tap.same(ask(gateway, "127.0.6.8"), 200, "another one sees no change")
    log = [json.loads(line) for line in read_log(gateway).splitlines()]
    tap.same([entry["request_id"] for entry in log if entry.get("punished")], [ids[-1]],
             "the log marks the request that was one too many")
    tap.ok(f"request_id={ids[-1]}" in gateway.complaint(), "the gateway's own log names it")
    tap.ok(wait_for(lambda: ask(gateway, "127.0.6.9") == 200), "then it is served again")
    fail(gateway, "127.0.6.2", 12)
    tap.same(ask(gateway, "127.0.6.2"), 200, "who is allow-listed is never punished")
    seen = counters(gateway)
    tap.same(seen["punishments"], 1, "one was punished")
    tap.ok(seen["denied_punished"] > 0, "what was denied for it was counted")
    gateway.end()


def bounds():
    gateway = Gateway(origin.port, {"routes": RESPOND, "kernel": {
        "mode": "off", "punish": {"after": "1 failure in 1m", "for": "1h", "budget": 2}}})
    for host in range(1, 5):
        fail(gateway, f"127.0.7.{host}", 1)
    tap.same([ask(gateway, f"127.0.7.{host}") for host in range(1, 5)], [None, None, 200, 200],
             "no more are punished than the budget has")
    seen = counters(gateway)
    tap.same((seen["punishments"], seen["punishments_spared"]), (2, 2), "which is counted")
    tap.ok("punish.budget" in gateway.complaint(), "and logged")
    gateway.end()
    gateway = Gateway(origin.port, {"routes": RESPOND, "kernel": {
        "mode": "off", "punish": {"after": "2 failures in 1m", "shadow": True}}})
    fail(gateway, "127.0.8.1", 3)
    tap.same(ask(gateway, "127.0.8.1"), 200, "on trial nobody is punished")
    seen = counters(gateway)
    tap.same((seen["punishments"], seen["punishments_shadow"]), (0, 1), "it is counted")
    tap.ok(seen["shadow_denials"] > 0, "and so is what it would have denied")
    gateway.end()


tap.start(120)
origin = Origin()
tap.facts(lists, limit, forwarded, punish, bounds)
tap.done()
