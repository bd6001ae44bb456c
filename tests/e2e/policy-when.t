#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Policy require, its conditions: over the request, over who asks, over what a token says."""

import hashlib
import json
import os
import tempfile
import time

from lib import jwt, origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

OWN = "claims.uid == path.user || claims.realm_access.roles has 'admin'"


def token(**claims):
    return rsa.token({"exp": int(time.time()) + 600, **claims})


def ask(path, fields="", method="GET"):
    with Client(g.port) as client:
        return client.ask(get(path, method=method, fields=fields))


def status(path, bearer=None, fields="", method="GET"):
    if bearer:
        fields += f"Authorization: Bearer {bearer}\r\n"
    return ask(path, fields, method).status


def claims():
    alice, admin = token(uid="alice"), token(uid="bob", realm_access={"roles": ["x", "admin"]})
    for turn in ("at first", "again"):
        tap.same([status("/users/alice/inbox", t) for t in (alice, admin)], [200, 200],
                 f"one's own, and whoever may see all, {turn}")
        tap.same([status("/users/bob/inbox", t) for t in (alice, admin)], [403, 200],
                 f"not another's, {turn}")
    tap.same([status(path, alice) for path in ("/users/%61lice/inbox", "/users/x/../alice/inbox",
                                               "/users/Alice/inbox", "/users/alice%2e/inbox")],
             [200, 200, 403, 403], "what is judged is what the origin gets")
    mail = token(uid="a@b c")
    tap.same([status(f"/users/{name}/inbox", mail) for name in ("a@b%20c", "a%40b%20c", "a@b")],
             [200, 200, 403], "however it is encoded")
    for odd in (None, 7, ["alice"], {"a": "alice"}, "", True, 1.5, "alice "):
        tap.same(status("/users/alice/inbox", token(uid=odd)), 403, f"uid {odd!r} is not it")
    tap.same(status("/users/alice/inbox", token(other="alice")), 403, "nor is none")
    tap.same(status("/users/7/inbox", token(uid=7)), 200, "a whole number is its digits")
    for roles in ("admin", ["admin"], ["user", 1, "admin"]):
        tap.same(status("/users/x/inbox", token(uid="y", realm_access={"roles": roles})), 200,
                 f"roles {roles}")
    for access in ({"roles": ["administrator"]}, {"roles": {"admin": True}}, ["admin"], "admin",
                   {"Roles": ["admin"]}, {"roles": [["admin"]]}):
        tap.same(status("/users/x/inbox", token(uid="y", realm_access=access)), 403,
                 f"realm_access {access} is not it")
    tap.same(status("/users/alice/inbox"), 401, "who shows nothing is asked who it is")


def requests():
    tap.same([status("/open"), status("/open", method="HEAD"), status("/open", method="DELETE")],
             [200, 200, 403], "of nobody in particular a method may be asked for")
    tap.same(status("/elsewhere"), 403, "and an address")
    key = "X-Api-Key: k\r\n"
    tap.same([status("/tenant", fields=key + f) for f in (
        "X-Tenant: acme\r\n", "", "X-Tenant: other\r\n", "X-Tenant: acme\r\nX-Tenant: acme\r\n")],
             [200, 403, 403, 403], "a field that is there once")
    tap.same([status("/both", fields=key), status("/both", fields="X-Api-Key: l\r\n")], [200, 403],
             "of several conditions all hold")
    answer = ask("/both", "X-Api-Key: l\r\n")
    problem = json.loads(answer.body)
    tap.ok("require" in problem["detail"] and "gold" not in str(problem) and
           "first" not in str(problem), "the answer names the policy, not the rule", problem)
    tap.same([status("/spoof", fields=key + f) for f in (
        "X-Consumer-Username: root\r\n", "X_Consumer_Username: root\r\n")], [403, 403],
             "what only the gateway says of consumers is not believed of a client")
    tap.same(status("/host"), 200, "a host, in any case")


def changed():
    """A token that is remembered is looked at again when conditions change."""
    shown = token(uid="alice", dept="ops")
    tap.same(status("/users/alice/inbox", shown), 200, "a token is known")
    tap.ok(g.reload(routes=[own("claims.dept == 'ops'")])["reloaded"], "another claim is asked for")
    tap.same([status("/users/x/inbox", shown), status("/users/x/inbox", token(uid="x"))],
             [200, 403], "it is found in the token")
    answer = g.reload(routes=[own("claims.dept = 'ops'")])
    tap.ok(not answer["reloaded"] and "/require/when: character 13" in str(answer["faults"]),
           "one that is no condition is refused, with its place", answer)
    tap.same(status("/users/x/inbox", shown), 200, "and changes nothing")


def route(name, path, *policies):
    return {"name": name, "match": {"path": path}, "policies": list(policies), "upstream": "origin"}


def own(when):
    return route("own", "/users/{user}/inbox", {"jwt": {"jwks_file": keys}},
                 {"require": {"when": when}})


tap.start(60)
with tempfile.TemporaryDirectory() as directory:
    rsa, keys = jwt.Key(directory, "rsa"), os.path.join(directory, "keys.json")
    jwt.save(keys, jwt.key_set(rsa))
    origins = origin.Origin()
    consumers = {name: {"groups": groups, "api_keys": [
        {"sha256": hashlib.sha256(secret).hexdigest()}]}
                 for name, groups, secret in (("first", ["gold"], b"k"), ("second", [], b"l"))}
    keyed = {"key_auth": {}}
    g = Gateway(origins.port, {"consumers": consumers, "routes": [
        own(OWN),
        route("open", "/open", {"require": {"when": "method in ['GET', 'HEAD']"}}),
        route("elsewhere", "/elsewhere", {"require": {"when": "client in ['192.0.2.0/24']"}}),
        route("tenant", "/tenant", keyed, {"require": {"when": "header('x-tenant') == 'acme'"}}),
        route("both", "/both", keyed, {"require": {"when": [
            "groups has 'gold'", "consumer == 'first'"]}}),
        route("spoof", "/spoof", keyed, {"require": {"when": [
            "header('x-consumer-username') == 'root' || "
            "header('x_consumer_username') == 'root'"]}}),
        route("host", "/host", {"require": {"when": "host == 'TEST.example'"}})]})
    claims()
    requests()
    changed()
    tap.same(g.stop(), 0, "it ends in good order")
tap.done()
