#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Policies headers and request_id: fields that lists of policies change; the id that is told."""

import json
import re
import time

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

POLICIES = {
    "tagged": [{"headers": {
        "request": {"set": {"X-From": "{client_ip} by {route}"}, "add": {"X-Seen": "us"},
                    "remove": ["X-Secret"]},
        "response": {"set": {"X-Frame-Options": "DENY"}, "remove": ["Server"]}}}],
    "told": [{"request_id": {}}, {"key_auth": {}}],
}


def route(name, *policies, path=None, **more):
    return {"name": name, "match": {"path": path or f"/{name}"}, "policies": list(policies),
            **({"upstream": "origin"} if "respond" not in more else {}), **more}


ROUTES = [
    route("one", "tagged", request_headers={"set": {"X-Own": "1"}}),
    route("two", "tagged", {"headers": {"request": {"set": {"X-Id": "{id}"}}}}, path="/two/{id}"),
    route("answer", "tagged", respond={"headers": {"Server": "x", "X-Kept": "y"}}),
    route("plain"),
    route("id", {"request_id": {}}), route("named", {"request_id": "X-Trace"}),
    route("refused", "told"),
]


def serve(conn):
    while conn.request():
        conn.send(origin.answer(fields="Server: secret\r\nX-Request-Id: theirs\r\n"
                                       "X-Trace: theirs\r\n"))


def ask(path, fields=""):
    with Client(gateway.port) as client:
        return client.ask(get(path, fields=fields))


def seen():
    return origins.requests()[-1]


def changed():
    mine = "X-From: me\r\nX-Seen: them\r\nX-Secret: s\r\nx_secret: t\r\nX-Own: 0\r\n"
    answer = ask("/one", mine)
    got = seen()
    tap.same([got.all("x-from"), got.all("x-seen"), got.all("x-secret"), got.all("x_secret"),
              got.all("x-own")], [["127.0.0.1 by one"], ["them", "us"], [], [], ["1"]],
             "a list's changes, and the route's own")
    tap.same([answer.all("x-frame-options"), answer.all("server")], [["DENY"], []],
             "of the answer too")
    answer = ask("/two/7", mine)
    got = seen()
    tap.same([got.all("x-from"), got.all("x-id"), got.all("x-own")],
             [["127.0.0.1 by two"], ["7"], ["0"]], "of another route, with its parameters")
    answer = ask("/answer")
    tap.same([answer.all("x-frame-options"), answer.all("server"), answer.all("x-kept")],
             [["DENY"], [], ["y"]], "of an answer of our own")
    answer = ask("/plain", mine)
    tap.same([seen().all("x-from"), answer.all("server")], [["me"], ["secret"]],
             "and of nobody else's")


def told():
    answer = ask("/id")
    ids = answer.all("x-request-id")
    tap.ok(len(ids) == 1 and re.fullmatch("[0-9a-f]{32}", ids[0]), "the id is told", str(ids))
    tap.same(seen().all("x-request-id"), ids, "that the origin got")
    tap.same([ask("/named").all("x-trace") == seen().all("x-request-id")], [True],
             "under another name")
    answer = ask("/refused")
    tap.same([answer.status, answer.all("x-request-id")],
             [401, [json.loads(answer.body)["request_id"]]], "by a refusal too")
    time.sleep(1.5)
    line = json.loads(gateway.access_log().splitlines()[-1])
    tap.same(line["request_id"], answer.get("x-request-id"), "as the log has it")


def refused():
    """Faults that come of a list stand where a route asks it."""
    routes = [route("x", "tagged")]
    routes[0]["response_headers"] = {"remove": ["server"]}
    for what, policies, why in (
            ("a field that the route changes", POLICIES,
             "'Server' is changed by another policy, or by the route itself"),
            ("a parameter that it has not",
             {"tagged": [{"headers": {"request": {"set": {"X-A": "{id}"}}}}]},
             "'{id}' is not a parameter of match.path"),
            ("an alternative", {"tagged": [{"any_of": ["a"]}], "a": [{"request_id": {}}]},
             "the list 'a' has a 'request_id', which is for all requests of a route")):
        gateway.rewrite(routes=routes, policies=policies)
        said = gateway.ctl("config", "reload")
        tap.ok(said.returncode and why in said.stdout + said.stderr, what,
               said.stdout + said.stderr)


tap.start(60)
origins = origin.Origin(serve)
gateway = Gateway(origins.port, {"routes": ROUTES, "policies": POLICIES})
changed()
told()
refused()
gateway.end()
tap.done()
