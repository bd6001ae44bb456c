#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Policies that do not ask who somebody is: addresses, pages of others, sizes, https, closed."""

import json
import os
import tempfile

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, chunked, get, post

WHERE = tempfile.mkdtemp(prefix="sluice-edge-")
tap.at_end(lambda: __import__("shutil").rmtree(WHERE, ignore_errors=True))
LIST = os.path.join(WHERE, "drop.txt")


def route(name, *policies, **match):
    return {"name": name, "match": {"path": f"/{name}", **match}, "upstream": "origin",
            "policies": list(policies)}


def cors(**keys):
    return {"cors": keys}


ROUTES = [
    route("few", {"ip_access": {"allow": ["127.0.1.0/24"]}}),
    route("most", {"ip_access": {"deny": ["127.0.1.0/24"], "allow": ["127.0.1.7"]}}),
    route("listed", {"ip_access": {"deny_files": [LIST]}}),
    route("both", {"ip_access": {"deny": ["127.0.1.1"], "allow": ["127.0.1.1"]}}),
    route("pages", cors(origins=["https://a.example", "https://*.b.example"], credentials=True,
                        methods=["GET", "PUT"], headers=["X-One", "X-Two"], expose=["X-Three"],
                        max_age="1h"), {"key_auth": {}}),
    route("public", cors(origins=["*"])),
    route("open", cors(origins=["https://a.example"])),
    route("small", {"body_limit": {"bytes": "1KiB"}}),
    route("smaller", {"body_limit": {"bytes": "1KiB"}}, {"body_limit": {"bytes": "10"}}),
    route("secure", {"redirect_https": {"hsts": "365d", "include_subdomains": True}}),
    route("port", {"redirect_https": {"port": 8443}}),
    route("closed", {"maintenance": {"retry_after": "1h", "allow": ["127.0.1.7"]}}),
    route("night", {"maintenance": {"detail": 'Back at <noon> & "not" before.'}}),
    route("listed-by-browsers", {"redirect_https": {"hsts": "730d", "include_subdomains": True,
                                                    "preload": True}}),
]


def serve(conn):
    while conn.request():
        conn.send(origin.answer(fields="Access-Control-Allow-Origin: *\r\nX-Three: 3\r\n"
                                       "Access-Control-Allow-Credentials: true\r\n"))


def ask(path, fields="", source=None, method="GET", host="test.example:80"):
    with Client(gateway.port, source=source) as client:
        return client.ask(get(path, fields=fields, method=method, host=host), method)


def addresses():
    def from_(path):
        return [ask(path, source=s).status for s in ("127.0.1.7", "127.0.1.1", "127.0.2.1")]
    tap.same(from_("/few"), [200, 200, 403], "those that are allowed, and no others")
    tap.same(from_("/most"), [200, 403, 200], "all but those that are denied; the longest decides")
    tap.same(from_("/listed"), [403, 403, 200], "as a file says")
    tap.same(from_("/both"), [200, 200, 200], "of equals the one that allows")
    answer = ask("/few", source="127.0.2.1")
    tap.ok(b"ip_access" in answer.body, "the answer names the policy")
    with open(LIST, "w", encoding="ascii") as f:
        f.write("127.0.2.0/24\n")
    gateway.reload()
    tap.same(from_("/listed"), [200, 200, 403], "a reload reads the file again")
    answer = ask("/few", "X-Forwarded-For: 127.0.1.9\r\n", source="127.0.3.1")
    tap.same(answer.status, 200, "behind a trusted proxy the client counts")
    answer = ask("/few", "X-Forwarded-For: 127.0.1.9\r\n", source="127.0.2.1")
    tap.same(answer.status, 403, "others may not say so")


def said(answer):
    return {n[len("access-control-"):]: v for n, v in
            ((n.lower(), v) for n, v in answer.fields) if n.startswith("access-control-")}


def preflights():
    request = ("Origin: https://{}\r\nAccess-Control-Request-Method: PUT\r\n"
               "Access-Control-Request-Headers: x-one\r\n")
    origins.forget()
    for name in ("a.example", "x.b.example", "x.y.b.example"):
        answer = ask("/pages", request.format(name), method="OPTIONS")
        tap.same(answer.status, 204, f"a preflight of {name}, without a key")
        tap.same(said(answer), {"allow-origin": f"https://{name}", "allow-credentials": "true",
                                "allow-methods": "GET, PUT", "allow-headers": "X-One, X-Two",
                                "max-age": "3600"}, "is told what may be")
        tap.ok("Origin" in answer.all("Vary"), "and caches that it depends")
    for name in ("c.example", "b.example", "evilb.example", "a.example.evil.example",
                 "a.example:8080", "a.example/x.b.example", "u@x.b.example", "x" * 600):
        answer = ask("/pages", request.format(name), method="OPTIONS")
        tap.same([answer.status, said(answer)], [204, {}], f"{name[:30]} is told nothing")
    tap.same(origins.requests(), [], "no upstream hears of it")
    answer = ask("/open", "Origin: https://a.example\r\n", method="OPTIONS")
    tap.same([answer.status, len(origins.requests())], [200, 1], "another OPTIONS goes on")


def answers():
    answer = ask("/open", "Origin: https://a.example\r\n")
    tap.same([answer.status, said(answer)], [200, {"allow-origin": "https://a.example"}],
             "an answer tells of its origin, and nothing that the upstream says")
    answer = ask("/open", "Origin: https://b.example\r\n")
    tap.same([answer.status, said(answer)], [200, {}], "others get theirs, and nothing said of it")
    answer = ask("/open")
    tap.same([said(answer), answer.all("Vary")], [{}, ["Origin"]], "without Origin the same")
    answer = ask("/public", "Origin: https://b.example\r\n")
    tap.same([said(answer), answer.all("Vary")], [{"allow-origin": "*"}, []], "any origin is any")
    answer = ask("/pages", "Origin: https://a.example\r\n")
    tap.same([answer.status, said(answer)["expose-headers"]], [401, "X-Three"],
             "a page may read why it is refused")


def sizes():
    def send(path, data):
        with Client(gateway.port) as client:
            return client.ask(data(path)).status
    tap.same(send("/small", lambda p: post(p, b"x" * 1024)), 200, "a body of the size")
    tap.same(send("/small", lambda p: post(p, b"x" * 1025)), 413, "one byte more")
    head = "POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for size, status in ((1024, 200), (1025, 413)):
        with Client(gateway.port) as client:
            client.send(head)
            client.send(chunked(b"x" * size, 100))
            tap.same(client.response().status, status, f"{size} bytes in chunks")
    tap.same(send("/smaller", lambda p: post(p, b"x" * 11)), 413, "of two the smaller one")
    tap.same(send("/open", lambda p: post(p, b"x" * 5000)), 200, "not on other routes")


def https():
    def where(*args, **keys):
        answer = ask(*args, **keys)
        return answer.status, answer.get("Location"), answer.get("Strict-Transport-Security")
    tap.same(where("/secure?a=%20b"), (308, "https://test.example/secure?a=%20b", None),
             "in the clear, it is elsewhere")
    tap.same(where("/port", host="[::1]:80"), (308, "https://[::1]:8443/port", None), "at a port")
    hsts = "max-age=31536000; includeSubDomains"
    trusted = {"fields": "X-Forwarded-Proto: https\r\n", "source": "127.0.3.1"}
    tap.same(where("/secure", **trusted), (200, None, hsts), "behind TLS it is served, and told")
    tap.same(where("/secure", fields="X-Forwarded-Proto: https\r\n")[0], 308,
             "that it was TLS is a trusted proxy's to say")
    tap.same(where("/listed-by-browsers", **trusted)[2],
             "max-age=63072000; includeSubDomains; preload", "all of it")
    tap.same(where("/port", **trusted), (200, None, None), "nothing is told that was not asked")


def closed():
    answer = ask("/closed")
    tap.same([answer.status, answer.get("Retry-After")], [503, "3600"], "closed, and until when")
    tap.ok("being worked on" in json.loads(answer.body)["detail"], "and why")
    tap.same(ask("/closed", source="127.0.1.7").status, 200, "but not to who repairs it")
    tap.same(json.loads(ask("/night").body)["detail"], 'Back at <noon> & "not" before.',
             "why is the operator's to say")
    page = ask("/night", "Accept: text/html\r\n").body
    tap.ok(b"Back at &lt;noon&gt; &amp; &quot;not&quot; before." in page, "and no markup",
           str(page))


tap.start(60)
with open(LIST, "w", encoding="ascii") as made:
    made.write("; a list\n127.0.1.0/24 ; SBL1\n")
origins = origin.Origin(serve)
gateway = Gateway(origins.port, {"routes": ROUTES, "consumers": {},
                                 "forwarded": {"trusted_proxies": ["127.0.3.1"]}})
for test in (addresses, preflights, answers, sizes, https, closed):
    test()
with open(LIST, "w", encoding="ascii") as made:
    made.write("127.0.1.0/24\nnonsense\n")
refused = gateway.ctl("config", "reload")
tap.ok(refused.returncode and "drop.txt:2:" in refused.stderr + refused.stdout,
       "a fault in a list is told with its line", refused.stderr + refused.stdout)
tap.same(ask("/listed", source="127.0.2.1").status, 403, "and what was, is")
gateway.end()
tap.done()
