#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Which route takes a request, what it changes on the way, and what the client is told otherwise."""

import time

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

PROXY = "127.0.0.2"  # trusted, where anybody is


def respond(name, match):
    """A route that answers with its own name."""
    return {"name": name, "match": match, "respond": {"body": name}}


def asks(gateway, cases):
    """Each case: a name, what the answer's body (or status) is, a path, and fields."""
    for name, want, path, *fields in cases:
        with Client(gateway.port) as client:
            response = client.ask(get(path, fields="".join(f"{f}\r\n" for f in fields)))
        got = response.body.decode() if response.status == 200 else response.status
        tap.same(got, want, name)


def headers_and_query():
    g = Gateway(origins.port, {"routes": [
        respond("any", {"path": "/v/*"}),
        respond("v2", {"path": "/v/*", "headers": {"X-Version": "2"}}),
        respond("v2-debug", {"path": "/v/*", "headers": {"x-version": "2",
                                                         "x-debug": {"present": True}}}),
        respond("beta", {"path": "/v/*", "query": {"channel": "beta test"}}),
        respond("strict", {"path": "/only", "headers": {"x-key": {"value": "k"}},
                           "methods": ["GET"]}),
        respond("fallback", {"path": "/only/*", "headers": {"x-token": {"present": False},
                                                            "x-fall": {"present": True}}}),
    ]})
    asks(g, [
        ("no header: the plain route", "any", "/v/1"),
        ("a header's value", "v2", "/v/1", "x-VERSION: 2"),
        ("two headers before one", "v2-debug", "/v/1", "X-Version: 2", "X-Debug:"),
        ("a header before a parameter", "v2", "/v/1?channel=beta+test", "X-Version: 2"),
        ("a parameter, decoded", "beta", "/v/1?a=b&chan%6Eel=beta%20test"),
        ("a header that comes twice has no value", "any", "/v/1", "X-Version: 2", "X-Version: 2"),
        ("what Connection names goes no further, and counts for nothing", "any", "/v/1",
         "X-Version: 2", "Connection: x-version"),
        ("a route whose header fails leaves the path to the next", "fallback", "/only", "X-Fall: 1"),
        ("one that must not be there is", 404, "/only", "X-Fall: 1", "X-Token: 1"),
        ("nothing holds: 404", 404, "/only"),
        ("the header holds", "strict", "/only", "X-Key: k"),
    ])
    with Client(g.port) as client:
        refused = client.ask(get("/only", method="PUT", fields="X-Key: k\r\n"))
        missing = client.ask(get("/only", method="PUT"))
    tap.same((refused.status, refused.get("allow")), (405, "GET, HEAD"),
             "the header holds and the method fails: 405 and what is allowed")
    tap.same((missing.status, missing.get("allow")), (404, None), "without the header: 404")
    g.end()


def expressions():
    g = Gateway(origins.port, {"routes": [
        {"name": "v", "match": {"path_regex": "/v[0-9]+/(?<rest>.*)"},
         "rewrite": {"path": "/new/{rest}"}, "upstream": "origin"},
        respond("fixed", {"path": "/v1/fixed"}),
        respond("mobile", {"path": "/ua", "headers": {"user-agent": {"regex": ".*Mobile.*"}}}),
        respond("id", {"path": "/q", "query": {"id": {"regex": "[0-9]+"}}}),
        respond("slow", {"path_regex": "/slow/(a+)+b"}),
    ]})
    asks(g, [
        ("an expression, its group in the rewritten path", "GET /new/a/b?c=d HTTP/1.1",
         "/v12/a/b?c=d"),
        ("an expression takes whole paths", 404, "/x/v12/a"),
        ("a path goes before it", "fixed", "/v1/fixed"),
        ("an expression over a header", "mobile", "/ua", "User-Agent: X Mobile Y"),
        ("which fails", 404, "/ua", "User-Agent: desk"),
        ("an expression over a parameter", "id", "/q?id=%31%32"),
        ("which fails too", 404, "/q?id=12x"),
        ("an expression that is costly, and fits", "slow", "/slow/aaab"),
        ("a path that would take it forever is refused", 400, "/slow/" + 4000 * "a" + "cb"),
    ])
    deadline = time.monotonic() + 10
    while "route_gave_up" not in g.access_log() and time.monotonic() < deadline:
        time.sleep(0.02)
    tap.ok('"error":"route_gave_up"' in g.access_log(), "which the log tells", g.access_log())
    g.end()


def trusted_fields():
    """A stranger's X-Forwarded-Proto is replaced, so no route believes it."""
    g = Gateway(origins.port, {
        "forwarded": {"trusted_proxies": [PROXY]},
        "routes": [respond("plain", {}),
                   respond("https", {"headers": {"x-forwarded-proto": "https"}})]})
    for source, want in (("127.0.0.1", "plain"), (PROXY, "https")):
        with Client(g.port, source=source) as client:
            response = client.ask(get("/", fields="X-Forwarded-Proto: https\r\n"))
        tap.same(response.body.decode(), want, f"X-Forwarded-Proto from {source}: {want}")
    g.end()


tap.start(120)
origins = origin.Origin()
tap.facts(headers_and_query, expressions, trusted_fields)
tap.done()
