#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Which route takes a request, what it changes on the way, and what the client is told otherwise."""

import json
import os
import time

from lib import origin, tap
from lib.gateway import Gateway, reserve_port
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


def bounded_expressions():
    """Many expressions, each of which stays just below its own limit: they have one together."""
    g = Gateway(origins.port, {"limits": {"request_line_bytes": "16KiB"}, "routes": [
        *(respond(f"nasty{i}", {"path_regex": f"/n/(.*{i}.*y|.*[b-z])"}) for i in range(250)),
        respond("header", {"path": "/h", "headers": {"x-text": {"regex": "a*"}}}),
        respond("query", {"path": "/q", "query": {"text": {"regex": "a*"}}}),
        respond("path", {"path_regex": "/long/a*"}),
        respond("plain", {"path": "/plain"})]})
    nasty = get("/n/" + 6000 * "a")
    begun = time.monotonic()
    with Client(g.port) as client, Client(g.port) as other:
        client.send(20 * nasty)
        plain = other.ask(get("/plain"))
        statuses = {client.response().status for _ in range(20)}
    tap.same((plain.status, statuses), (200, {400}),
             "250 expressions and a path that is costly for each: refused, and others are served")
    tap.ok(time.monotonic() - begun < 10, "20 of these take no ten seconds")
    asks(g, [
        ("a path that is cheap for all of them is not", 404, "/n/a"),
        ("a field of 8192 bytes", "header", "/h", "X-Text: " + 8192 * "a"),
        ("of 8193", 400, "/h", "X-Text: " + 8193 * "a"),
        ("a parameter of 8192 bytes", "query", "/q?text=" + 8192 * "a"),
        ("of 8193", 400, "/q?text=" + 8193 * "a"),
        ("a path of 8192 bytes", "path", "/long/" + 8186 * "a"),
        ("of 8193", 400, "/long/" + 8187 * "a"),
    ])
    tap.same(json.loads(g.ctl("-j", "status").stdout)["counters"]["requests_bad"], 23,
             "each is counted as refused")
    g.end()


def seen(gateway, path, fields="", **kw):
    """What the origin got, and what the client did."""
    nr = len(origins.requests())
    with Client(gateway.port) as client:
        response = client.ask(get(path, fields=fields, **kw))
    got = origins.requests()
    return (got[-1] if len(got) > nr else None), response


def substituted_host():
    """A target that a variable names is called by the variable; Host is what it stands for."""
    os.environ["SLUICE_TEST_PORT"] = str(origins.port)
    g = Gateway(origins.port, {
        "upstreams": {"named": {"targets": ["127.0.0.1:${SLUICE_TEST_PORT}"]}},
        "routes": [{"match": {"path": "/"}, "upstream": "named", "rewrite": {"host": "upstream"}}]})
    tap.same(seen(g, "/")[0].all("host"), [f"127.0.0.1:{origins.port}"],
             "Host of a target that is substituted")
    g.end()


def rewritten_host():
    literal = {"match": {"path": "/literal"}, "upstream": "origin",
               "rewrite": {"host": "internal.example:8080"}}
    target = {"match": {"path": "/target/*"}, "upstream": "origin",
              "rewrite": {"host": "upstream", "strip_prefix": "/target"}}
    plain = {"match": {"path": "/plain"}, "upstream": "origin"}
    g = Gateway(origins.port, {"routes": [literal, target, plain]})
    for path, want in (("/literal", "internal.example:8080"),
                       ("/target/x", f"127.0.0.1:{origins.port}"), ("/plain", "test.example")):
        request, _ = seen(g, path)
        tap.same(request.all("host"), [want], f"Host of {path}")
        tap.same(request.all("x-forwarded-host"), ["test.example"], "... and the client's beside it")
    tap.same(seen(g, "/target/x")[0].target, "/x", "a prefix is cut off as well")
    g.end()


def request_headers():
    route = {"name": "edits", "match": {"path": "/t/{id}/*"}, "upstream": "origin",
             "request_headers": {
                 "set": {"X-Tenant": "t-{id}", "X-Who": "{client_ip} {route} {host}",
                         "X-Id": "{request_id}", "X-Long": 40 * "{path}",
                         "X-Json": '{{"a":{{}}}}', "x-query": "<{query}>"},
                 "add": {"X-List": "mine"}, "remove": ["x-secret", "Cookie"]}}
    g = Gateway(origins.port, {"routes": [route]})
    request, _ = seen(g, "/t/a%2520b/c?x=%0d%0a", "X-TENANT: forged\r\nx-tenant: again\r\n"
                      "X-Secret: 1\r\nX-SECRET: 2\r\nCookie: a=b\r\nX-List: theirs\r\n"
                      "X_Tenant: CGI reads both as one\r\nx_secret: 3\r\n"
                      "X-Kept: 1\r\n")
    for name, want in (("x-tenant", ["t-a%2520b"]), ("x-who", ["127.0.0.1 edits test.example"]),
                       ("x-id", request.all("x-request-id")), ("x-secret", []), ("cookie", []),
                       ("x_tenant", []), ("x_secret", []),
                       ("x-list", ["theirs", "mine"]), ("x-kept", ["1"]),
                       ("x-long", [40 * "/t/a%2520b/c"]), ("x-json", ['{"a":{}}']),
                       ("x-query", ["<x=%0d%0a>"])):
        tap.same(request.all(name), want, f"request_headers: {name}")
    long = 6000 * "y"
    request, _ = seen(g, f"/t/1/{long}")
    tap.same(request.get("x-long"), 40 * f"/t/1/{long}", "however long it becomes")
    g.end()


def response_headers():
    edit = {"set": {"Server": "sluice", "X-Route": "{route}"}, "add": {"Vary": "X-Version"},
            "remove": ["X-Powered-By"]}
    routes = [
        {"name": "up", "match": {"path": "/up"}, "upstream": "talker", "response_headers": edit},
        {"name": "own", "match": {"path": "/own"}, "response_headers": edit,
         "respond": {"headers": {"server": "other", "x-powered-by": "x", "X-Own": "1"}}},
        {"name": "away", "match": {"path": "/away/{x}"}, "response_headers": edit,
         "redirect": {"location": "https://{host}{path}?{query}#{x}"}}]

    def talk(conn):
        while conn.request():
            conn.send(origin.answer(fields="Server: origin\r\nserver: twice\r\nVary: Accept\r\n"
                                           "X-Powered-By: origin\r\nx_powered_by: origin\r\n"
                                           "SERVER: thrice\r\nX-Kept: 1\r\n"))

    talker = origin.Origin(talk)
    g = Gateway(origins.port, {"routes": routes, "upstreams": {
        "talker": {"targets": [f"127.0.0.1:{talker.port}"]}}})
    for path, name, vary in (("/up", "up", ["Accept", "X-Version"]), ("/own", "own", ["X-Version"]),
                             ("/away/z", "away", ["X-Version"])):
        _, response = seen(g, path)
        got = [response.all(f) for f in ("server", "x-route", "vary", "x-powered-by",
                                         "x_powered_by")]
        tap.same(got, [["sluice"], [name], vary, [], []], f"response_headers of {path}")
    _, response = seen(g, "/away/z?a=b")
    tap.same(response.get("location"), "https://test.example/away/z?a=b#z",
             "a location of variables and a parameter")
    g.end()


def talk_raw(conn):
    """Interim answers and trailers; an upgrade where it is asked for."""
    own = b"X-Powered-By: origin\r\nx_powered_by: again\r\nServer: origin\r\nX-Kept: 1\r\n"
    while request := conn.head():
        conn.body(request)
        if request.get("upgrade"):
            conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      b"Connection: upgrade\r\n" + own + b"\r\n")
            return
        conn.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n" + own + b"\r\n")
        conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + own +
                  b"\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n" + own + b"\r\n")


def behind_the_body():
    """What a route removes or sets comes in by no other way: no trailer section, no 1xx."""
    talker = origin.Origin(talk_raw)
    edits = {"match": {"path": "/edits"}, "upstream": "talker",
             "request_headers": {"set": {"X-Tenant": "t"}, "remove": ["x-internal"]},
             "response_headers": {"set": {"Server": "sluice"}, "remove": ["X-Powered-By"]}}
    plain = {"match": {"path": "/plain"}, "upstream": "talker"}
    g = Gateway(talker.port, {"routes": [edits, plain], "upstreams": {
        "talker": {"targets": [f"127.0.0.1:{talker.port}"]}}})
    claims = (b"X-Internal: 1\r\nx_internal: 2\r\nX-Tenant: forged\r\nX-Sum: 1\r\n"
              b"X_Forwarded_For: 1.2.3.4\r\n")
    for path, up, hint, down in (
            ("/plain", {b"X-Internal: 1", b"x_internal: 2", b"X-Tenant: forged", b"X-Sum: 1"},
             {b"Link: </a>", b"X-Powered-By: origin", b"x_powered_by: again", b"Server: origin",
              b"X-Kept: 1"},
             {b"X-Sum: 1", b"X-Powered-By: origin", b"x_powered_by: again", b"Server: origin",
              b"X-Kept: 1"}),
            ("/edits", {b"X-Sum: 1"}, {b"Link: </a>", b"X-Kept: 1"},
             {b"X-Sum: 1", b"X-Kept: 1"})):
        talker.forget()
        with Client(g.port) as client:
            client.send(get(path, method="POST", fields="Transfer-Encoding: chunked\r\n"
                            "Connection: close\r\n") +
                        b"3\r\nabc\r\n0\r\n" + claims + b"\r\n")
            answer = client.rest()
        asked = b"".join(bytes(c.raw) for c in talker.connections)
        tap.same(set(asked.split(b"0\r\n")[-1].split(b"\r\n")[:-2]), up,
                 f"{path}: trailers of a request")
        interim, _, final = answer.partition(b"\r\n\r\n")
        tap.same(set(interim.split(b"\r\n")[1:]), hint, f"{path}: fields of a 103")
        tap.same(set(final.split(b"\r\n0\r\n")[-1].split(b"\r\n")[:-2]), down,
                 f"{path}: trailers of an answer")
    with Client(g.port) as client:
        response = client.ask(get("/edits", fields="Upgrade: websocket\r\n"
                                  "Connection: upgrade\r\n"))
    tap.same((response.status, response.all("server"), response.all("x-powered-by"),
              response.all("x_powered_by"), response.get("x-kept")),
             (101, ["sluice"], [], [], "1"), "a 101 is an answer: its fields are edited")
    g.end()


def made_paths():
    """Groups may be any part of a segment; what is made of them is normal, or refused."""
    g = Gateway(origins.port, {"routes": [
        {"match": {"path_regex": "/g/(?<a>.*)-(?<b>.*)"}, "upstream": "origin",
         "rewrite": {"path": "/base/{a}{b}/x?t={b}"}},
        {"match": {"path_regex": "/e/(?<a>[^/]*)%25(?<b>[^/]*)/(?<c>.*)"}, "upstream": "origin",
         "rewrite": {"path": "/files/{a}%{b}/{c}"}}]})
    for path, want in (("/g/u-v", "/base/uv/x?t=v"), ("/g/-", "/base/x?t="),
                       ("/g/u-v?q=1", "/base/uv/x?t=v&q=1"), ("/g/.-.", 500), ("/g/a/.-", 500),
                       ("/g/.-x", "/base/.x/x?t=x"), ("/g/..-;p", 500),
                       ("/e/%252e./etc", 500), ("/e/.%252e/etc", 500)):
        request, response = seen(g, path)
        tap.same(request.target if request else response.status, want, f"{path} becomes {want}")
    g.end()


BROWSER = ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8")


def errors():
    keep, closed = reserve_port() # nobody listens there
    g = Gateway(origins.port, {"routes": [respond("only", {"path": "/only", "methods": ["GET"]}),
                                          {"match": {"path": "/gone"}, "upstream": "gone"}],
                               "upstreams": {"gone": {"targets": [f"127.0.0.1:{closed}"]}}})
    for accept, want in (("", "application/problem+json"), ("*/*", "application/problem+json"),
                         (BROWSER, "text/html; charset=utf-8"),
                         ("text/plain", "text/plain; charset=utf-8"),
                         ("application/json, text/html;q=0.9", "application/problem+json"),
                         ("text/html;q=0.1, text/plain;q=0.2", "text/plain; charset=utf-8"),
                         ("image/png", "application/problem+json")):
        fields = f"Accept: {accept}\r\n" if accept else ""
        for path, method, status in (("/none", "GET", 404), ("/only", "PUT", 405),
                                     ("/gone", "GET", 502)):
            _, response = seen(g, path, fields, method=method)
            request_id = response.get("x-request-id")
            tap.same((response.status, response.all("content-type"), response.get("vary")),
                     (status, [want], "Accept"), f"{status} for Accept: {accept[:40]}")
            tap.ok(request_id and request_id.encode() in response.body,
                   "... with the request's id in field and body", response.body)
            if status == 405:
                tap.same(response.get("allow"), "GET, HEAD", "... and what is allowed")
    _, response = seen(g, "/none/%3Cscript%3E<script>", f"Accept: {BROWSER}\r\n",
                       host="evil.example")
    tap.ok(b"script" not in response.body and b"evil" not in response.body,
           "nothing of the request stands in a page", response.body)
    with Client(g.port) as client:
        response = client.ask(b"GET / HTTP/1.1\r\nAccept: text/html\r\nHost: a\r\nHost: b\r\n\r\n")
    tap.same((response.status, response.get("content-type")), (400, "application/problem+json"),
             "a head that is refused is not asked what it would like")
    with Client(g.port) as client:
        response = client.ask(get("/none", method="HEAD", fields="Accept: text/html\r\n"), "HEAD")
        again = client.ask(get("/only"))
    tap.ok(int(response.get("content-length")) > 100 and again.body == b"only",
           "HEAD tells the page's length and sends none", response)
    g.end()
    keep.close()


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
tap.facts(headers_and_query, expressions, bounded_expressions, trusted_fields, rewritten_host, substituted_host,
          request_headers, response_headers, behind_the_body, made_paths, errors)
tap.done()
