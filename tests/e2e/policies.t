#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Policies: who is known by a key, who is let in, how often; and what nobody else gets to see."""

import hashlib
import json
import threading
import time

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get, post

CONSUMERS = {
    "acme": {"groups": ["partners", "gold"],
             "api_keys": [{"sha256": hashlib.sha256(b"acme-1").hexdigest(), "id": "first"},
                          {"sha256": hashlib.sha256(b"acme-2").hexdigest()}]},
    "mobile": {"groups": ["apps"],
               "api_keys": [{"sha256": hashlib.sha256(b"mobile-1").hexdigest().upper()}]},
    "past": {"groups": ["partners"], "api_keys": [
        {"sha256": hashlib.sha256(b"past-1").hexdigest(), "expires": "2020-02-29"},
        {"sha256": hashlib.sha256(b"past-2").hexdigest(), "expires": "2999-01-01T00:00:00Z"},
        {"sha256": hashlib.sha256(b"past-3").hexdigest(), "enabled": False}]},
    "off": {"enabled": False, "groups": ["partners"],
            "api_keys": [{"sha256": hashlib.sha256(b"off-1").hexdigest()}]},
}
POLICIES = {
    "known": [{"key_auth": {"header": "x-api-key", "query": "key", "cookie": "sid"}}],
    "partners": [{"key_auth": {}}, {"require": {"groups": ["partners"]}}],
}
SPOOFED = ("X-Consumer-Username: root\r\nx_consumer_groups: admins\r\n"
           "X-Credential-Identifier: first\r\nX-Anonymous-Consumer: true\r\n")


def route(name, *policies, **more):
    return {"name": name, "match": {"path": f"/{name}"}, "policies": list(policies),
            **({"upstream": "origin"} if not more else more)}


ROUTES = [
    route("known", "known"), route("partners", "partners"),
    route("perhaps", {"key_auth": {"optional": True}}),
    route("bearer", {"key_auth": {"header": "Authorization"}}),
    route("acme", {"key_auth": {}}, {"require": {"consumers": ["acme"], "groups": ["gold"]}}),
    route("answer", "known", respond={"body": "hello"}),
    {"name": "open", "match": {"path": "/*"}, "upstream": "origin"},
]


def ask(gateway, path, fields="", source=None):
    with Client(gateway.port, source=source) as client:
        return client.ask(get(path, fields=fields))


def key(text):
    return f"X-Api-Key: {text}\r\n"


def log_lines(g):
    """Lines are written once a second."""
    time.sleep(1.5)
    return [json.loads(x) for x in g.access_log().splitlines()]


def log_of(g, path):
    """The newest line about the path."""
    return next((x for x in reversed(log_lines(g)) if x.get("path") == path), {})


def let_in(g):
    for how, path, fields in (
            ("a header", "/known", key("acme-1")),
            ("a query", "/known?a=1&key=acme%2D1&b=2", ""),
            ("a cookie", "/known", 'Cookie: a=1; sid="acme-1"; b=2\r\n'),
            ("a second key", "/known", key("acme-2")),
            ("a bearer", "/bearer", "Authorization: Bearer acme-1\r\n"),
            ("digits of a digest in upper case", "/known", key("mobile-1")),
            ("a key that expires later", "/partners", key("past-2"))):
        origins.forget()
        tap.same(ask(g, path, fields + SPOOFED).status, 200, f"{how} is let in")
        got = origins.requests()[-1]
        seen = str(got.fields) + got.target
        tap.ok("acme" not in seen.replace("'acme'", "") and "mobile-1" not in seen,
               f"{how}: the key goes no further", seen)
        tap.ok(len(got.all("x-consumer-username")) == 1 and not got.all("x_consumer_groups")
               and "root" not in seen and not got.all("x-anonymous-consumer"),
               f"{how}: what a client says of consumers goes no further", seen)


def told(g):
    ask(g, "/known?a=1&key=acme-1&b=2", "Cookie: sid=x; c=d\r\n".replace("sid=x; ", ""))
    got = origins.requests()[-1]
    tap.same([got.get("x-consumer-username"), got.get("x-consumer-groups"),
              got.get("x-credential-identifier"), got.target, got.get("cookie")],
             ["acme", "partners, gold", "first", "/known?a=1&b=2", "c=d"],
             "an origin is told who it is, and gets the rest as it came")
    ask(g, "/known", key("acme-2"))
    tap.same(origins.requests()[-1].all("x-credential-identifier"), [],
             "a key without an id has no name")
    ask(g, "/perhaps", SPOOFED)
    got = origins.requests()[-1]
    tap.same([got.all("x-anonymous-consumer"), got.all("x-consumer-username")], [["true"], []],
             "who may be nobody, is")
    ask(g, "/other", SPOOFED)
    got = origins.requests()[-1]
    tap.same([got.all(f) for f in ("x-consumer-username", "x_consumer_groups",
                                   "x-credential-identifier", "x-anonymous-consumer")],
             [[], [], [], []], "a route without policies passes no such field on either")
    tap.same(log_of(g, "/known").get("consumer"), "acme", "the access log names the consumer")
    tap.ok("acme-1" not in g.access_log() and "key=REDACTED" in g.access_log(),
           "and no key", g.access_log()[-2000:])


def kept_out(g):
    nr = len(origins.requests())
    challenge, bodies, reasons = set(), set(), []
    for why, path, fields in (
            ("key_missing", "/known", ""),
            ("key_missing", "/known", "Authorization: Bearer acme-1\r\n"),
            ("key_unknown", "/known", key("acme-3")),
            ("key_unknown", "/known", key("")),
            ("key_unknown", "/known", key("acme-1 ,acme-1")),
            ("key_unknown", "/known?key=", ""),
            ("key_unknown", "/perhaps", key("nobody's")),
            ("key_expired", "/known", key("past-1")),
            ("key_disabled", "/known", key("past-3")),
            ("key_disabled", "/known", key("off-1")),
            ("key_twice", "/known", key("acme-1") * 2),
            ("key_twice", "/known?key=acme-1", key("acme-1")),
            ("key_twice", "/known?key=acme-1&key=acme-1", ""),
            ("key_unknown", "/answer", key("acme-1x")),
            ("key_missing", "/bearer", "Authorization: Basic YWNtZS0x\r\n")):
        answer = ask(g, path, fields)
        tap.same(answer.status, 401, f"{why}: {path} {fields.strip()}")
        challenge.add(answer.get("www-authenticate"))
        problem = json.loads(answer.body)
        problem.pop("request_id")
        bodies.add(json.dumps(problem))
        reasons.append(why)
    tap.same([x.get("error") for x in log_lines(g)][-len(reasons):], reasons, "the log says why")
    tap.same(challenge, {'Key realm="sluice"'}, "with one challenge")
    tap.same(len(bodies), 1, "and one body, whatever was wrong")
    for path, who in (("/partners", "mobile-1"), ("/acme", "mobile-1"), ("/acme", "past-2")):
        answer = ask(g, path, key(who))
        tap.same(answer.status, 403, f"{who} may not ask for {path}")
        tap.ok("require" in answer.body.decode() and "partners" not in answer.body.decode(),
               "it is told which policy says so, and not what it asks for", answer.body)
    tap.same(len(origins.requests()), nr, "the origin saw none of them")
    tap.same(ask(g, "/acme", key("acme-1")).status, 200, "who is both may")
    with Client(g.port) as client:
        client.send(post("/known", b"x" * 100))
        tap.same(client.response().status, 401, "a body of who is not let in")
        tap.same(client.ask(get("/known", fields=key("acme-1"))).status, 200,
                 "is read away: the connection goes on")


def limits(g):
    routes = [
        route("plain", {"rate_limit": {"rate": "60/h", "burst": 3}}, respond={}),
        route("x", {"rate_limit": {"rate": "2/h", "burst": 1, "headers": "x"}}, respond={}),
        route("quiet", {"rate_limit": {"rate": "1/h", "headers": "off"}}, respond={}),
        route("retry", {"rate_limit": {"rate": "1/h", "headers": "retry-after"}}, respond={}),
        route("consumer", {"key_auth": {"optional": True}},
              {"rate_limit": {"per": "consumer", "rate": "2/h"}}),
        route("key", {"key_auth": {}}, {"rate_limit": {"per": ["key"], "rate": "1/h"}}),
        route("tenant", {"rate_limit": {"per": [], "header": "x-tenant", "rate": "1/h"}}),
        route("cost", {"rate_limit": {"rate": "10/h", "cost": 4}}),
        route("a", "shared"), route("b", "shared"),
        route("c", "apart"), route("d", "apart"),
        route("both", {"rate_limit": {"rate": "10/h"}},
              {"rate_limit": {"rate": "2/h", "per": "route"}}),
    ]
    policies = {"shared": [{"rate_limit": {"rate": "2/h"}}],
                "apart": [{"rate_limit": {"rate": "1/h", "per": ["client", "route"]}}]}
    g.reload(routes=routes, policies=policies)

    answers = [ask(g, "/plain") for _ in range(4)]
    tap.same([a.status for a in answers], [200, 200, 200, 429], "three, as the burst says")
    tap.same([a.get("ratelimit") for a in answers],
             [f'"plain";r={r};t={t}' for r, t in ((2, 60), (1, 120), (0, 180), (0, 180))],
             "RateLimit counts down")
    tap.same(answers[0].get("ratelimit-policy"), '"plain";q=3;w=180', "by this policy")
    tap.ok(answers[0].get("retry-after") is None
           and 58 <= int(answers[3].get("retry-after")) <= 60,
           "Retry-After says when there is one more", answers[3].get("retry-after"))
    tap.same(json.loads(answers[3].body)["status"], 429, "and the body is a problem")
    tap.same(ask(g, "/plain", source="127.0.0.2").status, 200, "another address has its own")

    first, second = ask(g, "/x"), ask(g, "/x")
    tap.same([first.get(f"x-ratelimit-{f}") for f in ("limit", "remaining", "reset")],
             ["1", "0", "1800"], "X-RateLimit")
    tap.same([second.status, second.get("retry-after")], [429, "1800"], "and Retry-After")
    answers = [ask(g, "/quiet"), ask(g, "/quiet"), ask(g, "/retry"), ask(g, "/retry")]
    tap.same([(a.status, a.get("ratelimit"), a.get("retry-after") is not None) for a in answers],
             [(200, None, False), (429, None, False), (200, None, False), (429, None, True)],
             "off, and retry-after alone")

    def statuses(*asked):
        return [ask(g, path, fields).status for path, fields in asked]
    acme, acme2, mobile = key("acme-1"), key("acme-2"), key("mobile-1")
    tap.same(statuses(*[("/consumer", k) for k in (acme, acme2, acme, mobile, "", "", "")]),
             [200, 200, 429, 200, 200, 200, 429],
             "of a consumer, by whichever key; nobodies share by address")
    tap.same(statuses(*[("/key", k) for k in (acme, acme2, acme, acme2)]), [200, 200, 429, 429],
             "of a key")
    tap.same(statuses(*[("/tenant", f"X-Tenant: {t}\r\n" if t else "")
                        for t in ("a", "b", "a", "", "")]), [200, 200, 429, 200, 429],
             "of a field's value")
    tap.same(statuses(*[("/cost", "")] * 3), [200, 200, 429], "at a price of four of ten")
    tap.same(statuses(("/a", ""), ("/b", ""), ("/a", ""), ("/b", "")), [200, 200, 429, 429],
             "a list's limit is of all its routes")
    tap.same(statuses(("/c", ""), ("/d", ""), ("/c", "")), [200, 200, 429], "unless it is per route")

    answers = [ask(g, "/both") for _ in range(4)]
    tap.same([a.status for a in answers], [200, 200, 429, 429], "of two limits the narrower says no")
    tap.same(answers[3].all("ratelimit")[0], '"both";r=7;t=1080',
             "what is refused costs no credit of the other")
    g.reload()
    tap.same([ask(g, "/plain").status, ask(g, "/both").status], [429, 429],
             "a reload gives nothing back")


def exact():
    """However many connections and workers, as many are let through as there is credit."""
    g = Gateway(origins.port, {
        "gateway": {"workers": 2},
        "routes": [route("x", {"rate_limit": {"rate": "500/h", "headers": "off"}},
                         respond={})]})
    got = []

    def work():
        with Client(g.port) as client:
            got.extend(client.ask(get("/x")).status for _ in range(100))
    threads = [threading.Thread(target=work) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.same([got.count(200), got.count(429)], [500, 1100],
             "1,600 requests over 16 connections and two workers: 500 exactly")
    tap.ok('sluice_policy_refusals_total{reason="limited"} 1100' in g.ctl("metrics").stdout,
           "and so it is counted", g.ctl("metrics").stdout[-500:])
    g.end()


def reload_changes_keys(g):
    g.reload(routes=ROUTES, policies=POLICIES)
    with Client(g.port) as client:
        tap.same(client.ask(get("/known", fields=key("acme-1"))).status, 200, "a key is good")
        consumers = {**CONSUMERS, "acme": {"api_keys": CONSUMERS["acme"]["api_keys"][1:]}}
        g.reload(consumers=consumers)
        tap.ok(client.is_closed(), "until a reload takes it away: its connection is closed")
    tap.same(ask(g, "/known", key("acme-1")).status, 401, "it is refused")
    tap.same(ask(g, "/known", key("acme-2")).status, 200, "the other one stays")
    shown = g.ctl("config", "show").stdout
    tap.ok('"key_auth"' in shown, "policies are shown", shown[-500:])
    tap.ok('"optional":false' in shown.replace(" ", ""), "with their defaults", shown[-500:])


tap.start(120)
origins = origin.Origin()
gateway = Gateway(origins.port, {"consumers": CONSUMERS, "policies": POLICIES, "routes": ROUTES})
let_in(gateway)
told(gateway)
kept_out(gateway)
limits(gateway)
reload_changes_keys(gateway)
exact()
tap.same(gateway.stop(), 0, "it ends in good order")
tap.done()
