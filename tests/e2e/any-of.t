#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Alternatives: a request goes on if one list of policies lets it; and who nobody is."""

import hashlib

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, chunked, get


def consumer(name, *groups, **more):
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {"groups": list(groups), "api_keys": [{"sha256": digest, "id": name + "-key"}], **more}


CONSUMERS = {"acme": consumer("acme", "gold"), "mobile": consumer("mobile"),
             "guest": {"groups": ["guests"]}, "gone": {"enabled": False}}
LISTS = {
    "by-header": [{"key_auth": {}}],
    "by-bearer": [{"key_auth": {"header": "authorization"}}],
    "gold": [{"key_auth": {"header": "x-gold"}}, {"require": {"groups": ["gold"]}}],
    "few": [{"key_auth": {"header": "x-few"}},
            {"rate_limit": {"rate": "1/h", "per": "consumer", "headers": "x"}}],
    "guests": [{"anonymous": "guest"}, {"rate_limit": {"rate": "2/h", "per": "consumer"}}],
    "off": [{"anonymous": "gone"}, {"require": {"consumers": ["gone"]}}],
    "small": [{"body_limit": {"bytes": "10"}}, {"key_auth": {"header": "x-small"}}],
    "shown": [{"cors": {"origins": ["https://a.example"]}}, {"key_auth": {"header": "x-shown"}}],
    "guild": [{"anonymous": "guest"}, {"require": {"groups": ["gold"]}}],
    "limited": [{"rate_limit": {"rate": "2/h", "per": [], "header": "x-any"}},
                {"key_auth": {"header": "x-limited"}}],
}


def route(name, *policies):
    return {"name": name, "match": {"path": f"/{name}"}, "upstream": "origin",
            "policies": list(policies)}


ROUTES = [
    route("two", {"any_of": ["by-header", "by-bearer"]}),
    route("gold", {"any_of": {"lists": ["gold", "by-header"]}}),
    route("few", {"any_of": ["few", "by-bearer"]}),
    route("guests", {"any_of": ["by-header", "guests"]}),
    route("known", {"any_of": ["by-header", "by-bearer"]}, {"require": {"groups": ["gold"]}}),
    route("perhaps", {"key_auth": {"optional": True}}, {"anonymous": {"consumer": "guest"}},
          {"require": {"groups": ["guests", "gold"]}}),
    route("off", {"any_of": ["off"]}),
    route("charged", {"any_of": ["limited", "by-header"]}),
    route("mixed", {"any_of": ["small", "shown", "guild", "by-header"]}),
]


def ask(path, **fields):
    lines = "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in fields.items())
    origins.forget()
    with Client(gateway.port) as client:
        return client.ask(get(path, fields=lines))


def told():
    return {n.lower(): v for n, v in origins.requests()[0].fields}


def either():
    tap.same([ask("/two", X_Api_Key="acme").status, ask("/two", Authorization="Bearer acme").status],
             [200, 200], "either way is good")
    answer = ask("/two", X_Api_Key="wrong", Authorization="Bearer mobile")
    tap.same([answer.status, told()["x-consumer-username"]], [200, "mobile"],
             "what is wrong with one does not spoil the other")
    tap.ok("x-api-key" not in told() and "authorization" not in told(), "both are taken out")
    answer = ask("/two")
    tap.same(answer.status, 401, "neither way is none")
    tap.same(answer.all("WWW-Authenticate"), ['Key realm="sluice"'],
             "the answer tells how it would be, each way once")
    tap.same(ask("/known", Authorization="Bearer acme").status, 200, "who it was is known behind")
    tap.same(ask("/known", X_Api_Key="mobile").status, 403, "for what else is asked")


def furthest():
    tap.same(ask("/gold", X_Gold="acme").status, 200, "all of a list holds")
    tap.same(ask("/gold", X_Gold="mobile", X_Api_Key="mobile").status, 200,
             "or another one does")
    tap.same(ask("/gold", X_Gold="mobile").status, 403,
             "the answer is that of the alternative that came furthest")
    first, second = ask("/few", X_Few="acme"), ask("/few", X_Few="acme")
    tap.same([first.status, second.status], [200, 429], "a limit, too")
    tap.ok(second.get("Retry-After") and second.get("X-RateLimit-Remaining") == "0",
           "with its lines", str(second.fields))
    other = ask("/few", X_Few="acme", Authorization="Bearer acme")
    tap.same([other.status, other.get("Retry-After"), other.get("X-RateLimit-Limit")],
             [200, None, None], "which are not in an answer that another one lets through")


def nobody():
    tap.same([ask("/guests").status, told()["x-consumer-username"], told()["x-anonymous-consumer"],
              told()["x-consumer-groups"]], [200, "guest", "true", "guests"],
             "who is nobody is a guest, and the upstream is told")
    tap.same(ask("/guests", X_Api_Key="acme").status, 200, "who is known is not")
    tap.same([told()["x-consumer-username"], told().get("x-anonymous-consumer")], ["acme", None],
             "nor is the upstream told so")
    tap.same([ask("/guests").status for _ in range(2)], [200, 429], "guests share a limit")
    tap.same(ask("/guests", X_Api_Key="acme").status, 200, "which is not that of others")
    tap.same([ask("/perhaps").status, told()["x-consumer-username"]], [200, "guest"],
             "behind an optional key, too")
    tap.same(ask("/perhaps", X_Api_Key="wrong").status, 401, "a wrong key is no guest's")
    tap.same(ask("/off").status, 401, "a consumer that is switched off is nobody")


def gives_back():
    """The list takes a credit first and then asks for a key: whoever has none pays nothing."""
    tap.same([ask("/charged", X_Any="x", X_Api_Key="acme").status for _ in range(5)], [200] * 5,
             "an alternative that refuses costs nothing")
    tap.same([ask("/charged", X_Any="x", X_Limited="acme").status for _ in range(3)],
             [200, 200, 429], "its credit is there for others")


def leaves_nothing():
    """What an alternative said of the request before it refused does not hold for the next one."""
    with Client(gateway.port) as client:
        client.send("POST /mixed HTTP/1.1\r\nHost: a\r\nX-Api-Key: acme\r\n"
                    "Origin: https://a.example\r\nTransfer-Encoding: chunked\r\n\r\n")
        origins.forget()
        client.send(chunked(b"x" * 1000, 100))
        answer = client.response()
    tap.same(answer.status, 200, "its limit of a body is gone")
    tap.same([told()["x-consumer-username"], told().get("x-anonymous-consumer")], ["acme", None],
             "who is known is nobody's guest")
    tap.same([answer.get("Access-Control-Allow-Origin"), answer.get("Vary")], ["*", None],
             "and what the upstream says of pages is its own again")


def serve(conn):
    while conn.request():
        conn.send(origin.answer(fields="Access-Control-Allow-Origin: *\r\n"))


tap.start(60)
origins = origin.Origin(serve)
gateway = Gateway(origins.port, {"consumers": CONSUMERS, "policies": LISTS, "routes": ROUTES})
either()
furthest()
nobody()
gives_back()
leaves_nothing()
shown = gateway.ctl("config", "show").stdout
tap.ok('"any_of"' in shown, "it is shown", shown[-500:])
gateway.end()
tap.done()
