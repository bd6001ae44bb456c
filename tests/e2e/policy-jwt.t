#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Policy jwt: who shows a token is let in, known and remembered; who does not, learns nothing."""

import hashlib
import json
import os
import tempfile
import time

from lib import jwt, origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

CHALLENGE = 'Bearer realm="sluice"'
NOW = int(time.time())


def claims(**more):
    return {"iss": "https://issuer.example", "aud": "api", "sub": "acme", "exp": NOW + 600,
            "scope": "read write", "roles": ["ops", "dev ops"], **more}


def route(name, *policies, **more):
    return {"name": name, "match": {"path": f"/{name}"}, "policies": list(policies),
            **({"upstream": "origin"} if not more else more)}


def policy(**more):
    return {"jwt": {"jwks_file": keys, **more}}


def routes():
    named = {"consumer_claim": "sub", "issuer": "https://issuer.example", "audience": ["api", "x"]}
    return [
        route("plain", policy()),
        route("named", policy(**named)),
        route("maybe-named", policy(**named, consumer_optional=True)),
        route("perhaps", policy(optional=True)),
        route("hidden", policy(hide_credentials=True)),
        route("elsewhere", policy(header="X-Token", query="ticket", cookie="jwt")),
        route("es", policy(algorithms=["ES256"])),
        route("hs", policy(algorithms=["HS256"])),
        route("old", policy(max_age="1m", leeway="5s", required_claims=["sub"])),
        route("typed", policy(type="at+jwt")),
        route("reader", policy(), {"require": {"scopes": ["read"]}}),
        route("admin", policy(optional=True), {"require": {"scopes": ["read", "admin"]}}),
        route("ops", policy(groups_claim="roles"), {"require": {"groups": ["ops"]}}),
        route("devops", policy(groups_claim="roles"), {"require": {"groups": ["dev"]}}),
        route("gold", policy(consumer_claim="sub"),
              {"require": {"groups": ["gold"], "scopes": ["write"]}}),
        route("either", {"any_of": ["admins", "known"]}, {"require": {"consumers": ["acme"]}}),
        route("limited", policy(consumer_claim="sub"),
              {"rate_limit": {"per": "consumer", "rate": "2/h", "headers": "off"}}),
        route("tenants", policy(optional=True),
              {"rate_limit": {"per": [], "claim": "tenant", "rate": "2/h", "headers": "off"}}),
        route("roles", policy(),
              {"rate_limit": {"claim": "https://example/roles", "rate": "1/h", "headers": "off",
                              "algorithm": "sliding_window"}}),
    ]


def ask(g, path, token=None, fields="", name="Authorization: Bearer "):
    with Client(g.port) as client:
        return client.ask(get(path, fields=(f"{name}{token}\r\n" if token else "") + fields))


def log_lines(g):
    time.sleep(1.5)
    return [json.loads(x) for x in g.access_log().splitlines()]


def let_in(g):
    good = rsa.token(claims())
    for path in ("/plain", "/named", "/maybe-named", "/perhaps", "/hidden", "/reader", "/ops",
                 "/gold"):
        for turn in ("at first", "again"):
            tap.same(ask(g, path, good).status, 200, f"{path}: let in, {turn}")
    tap.same(ask(g, "/plain", ec.token(claims())).status, 200, "by ES256")
    tap.same(ask(g, "/es", ec.token(claims())).status, 200, "where only that is let in")
    tap.same(ask(g, "/hs", secret.token(claims())).status, 200, "by a secret that is asked for")
    tap.same(ask(g, "/plain", good, name="authorization: bEARER  ").status, 200, "in any case")
    tap.same(ask(g, "/perhaps").status, 200, "without a token, where it may")
    tap.same(ask(g, "/typed", rsa.token(claims(), typ="AT+JWT")).status, 200, "of a type")
    tap.same(ask(g, "/old", rsa.token(claims(iat=NOW - 50))).status, 200, "young enough")
    tap.same(ask(g, "/maybe-named", rsa.token(claims(sub="nobody"))).status, 200,
             "of no consumer, where it may")
    for path, fields in (("/elsewhere", f"X-Token: {good}\r\n"),
                         ("/elsewhere", f"X-Token: Bearer {good}\r\n"),
                         (f"/elsewhere?a=1&ticket={good}", ""),
                         ("/elsewhere", f"Cookie: a=1; jwt={good}\r\n")):
        tap.same(ask(g, path, fields=fields).status, 200, f"from {(path + ' ' + fields)[:30]}")
    big = rsa.token(claims(more="x" * 3000))
    tap.same([ask(g, "/plain", big).status for _ in range(2)], [200, 200], "one of 4 KiB")


def told(g):
    good = rsa.token(claims())
    spoofed = "X-Consumer-Username: root\r\nX-Anonymous-Consumer: true\r\n"
    for turn in ("at first", "again"):
        ask(g, "/named", good, spoofed)
        got = origins.requests()[-1]
        tap.same([got.all("x-consumer-username"), got.get("x-consumer-groups"),
                  got.all("x-anonymous-consumer"), got.get("authorization")],
                 [["acme"], "gold", [], f"Bearer {good}"], f"the origin is told who it is, {turn}")
    ask(g, "/plain", good, spoofed)
    got = origins.requests()[-1]
    tap.same([got.all("x-consumer-username"), got.all("x-anonymous-consumer")], [[], []],
             "a token without a consumer is not nobody's")
    ask(g, "/perhaps", None, spoofed)
    tap.same(origins.requests()[-1].all("x-anonymous-consumer"), ["true"], "no token is")
    ask(g, "/hidden", good)
    tap.same(origins.requests()[-1].all("authorization"), [], "hidden, it goes no further")
    ask(g, f"/elsewhere?a=1&ticket={good}&b=2")
    tap.same(origins.requests()[-1].target, "/elsewhere?a=1&b=2", "nor from a query")
    ask(g, "/elsewhere", fields=f"Cookie: a=1; jwt={good}\r\n")
    tap.same(origins.requests()[-1].get("cookie"), "a=1", "nor from a cookie")
    lines = log_lines(g)
    tap.same([x["consumer"] for x in lines if x.get("path") == "/named"][-1], "acme",
             "the log names the consumer")
    tap.ok(good not in g.access_log() and "ticket=REDACTED" in g.access_log(),
           "and has no token")


def kept_out(g):
    good, nr = rsa.token(claims()), len(origins.requests())
    head, body, signature = good.split(".")
    ask_for = (
        ("jwt_missing", "/plain", None, ""),
        ("jwt_missing", "/plain", None, f"Authorization: Basic {good}\r\n"),
        ("jwt_missing", "/plain", None, f"Authorization: {good}\r\n"),
        ("jwt_missing", "/plain", None, f"X-Token: {good}\r\n"),
        ("jwt_twice", "/plain", good, f"Authorization: Bearer {good}\r\n"),
        ("jwt_twice", f"/elsewhere?ticket={good}", None, f"X-Token: {good}\r\n"),
        ("jwt_malformed", "/plain", "x", ""),
        ("jwt_malformed", "/perhaps", "x", ""),
        ("jwt_bad_signature", "/plain", f"{head}.{body}.", ""),
        ("jwt_bad_signature", "/plain", f"{head}.{jwt.b64(b'{}')}.{signature}", ""),
        ("jwt_bad_signature", "/plain", stranger.token(claims(), kid="rsa"), ""),
        ("jwt_unknown_key", "/plain", stranger.token(claims()), ""),
        ("jwt_algorithm_none", "/plain", rsa.token(claims(), alg="none"), ""),
        ("jwt_algorithm_refused", "/plain", secret.token(claims()), ""),
        ("jwt_algorithm_refused", "/es", good, ""),
        ("jwt_wrong_algorithm", "/hs", secret.token(claims(), kid="rsa"), ""),
        ("jwt_expired", "/plain", rsa.token(claims(exp=NOW - 31)), ""),
        ("jwt_not_yet_valid", "/plain", rsa.token(claims(nbf=NOW + 600)), ""),
        ("jwt_missing_claim", "/plain", rsa.token({"sub": "acme"}), ""),
        ("jwt_too_old", "/old", rsa.token(claims(iat=NOW - 66)), ""),
        ("jwt_wrong_type", "/typed", good, ""),
        ("jwt_wrong_issuer", "/named", rsa.token(claims(iss="https://other.example")), ""),
        ("jwt_wrong_audience", "/named", rsa.token(claims(aud=["them"])), ""),
        ("jwt_no_consumer", "/named", rsa.token(claims(sub="nobody")), ""),
        ("jwt_no_consumer", "/named", rsa.token(claims(sub="")), ""),
        ("jwt_consumer_disabled", "/named", rsa.token(claims(sub="off")), ""),
        ("jwt_critical_header", "/plain", rsa.token(claims(), crit=["exp"]), ""),
        ("identity_missing", "/admin", None, ""),
    )
    bodies = set()
    for why, path, token, fields in ask_for:
        answer = ask(g, path, token, fields)
        want = CHALLENGE
        if why not in ("jwt_missing", "identity_missing"):
            want += ', error="invalid_token"'
        tap.same([answer.status, answer.get("www-authenticate")], [401, want], f"{why}: {path[:12]}")
        problem = json.loads(answer.body)
        problem.pop("request_id")
        if why != "identity_missing":
            bodies.add(json.dumps(problem))
    tap.same([x.get("error") for x in log_lines(g)][-len(ask_for):], [x[0] for x in ask_for],
             "the log says why")
    tap.same(len(bodies), 1, "the answer is the same, whatever was wrong")
    for path, challenge in (("/admin", CHALLENGE + ', error="insufficient_scope"'),
                            ("/devops", None)):
        answer = ask(g, path, good)
        tap.same([answer.status, answer.get("www-authenticate")], [403, challenge],
                 f"{path}: known, and not allowed")
    tap.same(ask(g, "/gold", rsa.token(claims(sub="tin"))).status, 403, "of another group")
    wide = {"sub": "acme", "exp": NOW + 600, "scp": ["admin", "read"]}
    tap.same(ask(g, "/admin", rsa.token(wide)).status, 200,
             "scopes in an array")
    tap.same(ask(g, "/reader", rsa.token(claims(scope="reader"))).status, 403,
             "a part of a word is none")
    tap.same(len(origins.requests()), nr + 1, "the origin saw only who was let in")


def either(g):
    """Of two ways to be let in, one that failed leaves nothing behind."""
    wide, narrow = rsa.token(claims(scope="admin")), rsa.token(claims())
    tap.same(ask(g, "/either", wide).status, 200, "by a token that reaches far enough")
    answer = ask(g, "/either", narrow)
    tap.same(answer.status, 403, "not by one that does not")
    tap.same(ask(g, "/either", narrow, "X-Api-Key: k\r\n").status, 403,
             "nor by the key of another, whose consumer the token's is not then")
    answer = ask(g, "/either")
    tap.ok(answer.status == 401 and CHALLENGE in answer.all("www-authenticate"),
           "who shows nothing is asked for both", answer.all("www-authenticate"))


def remembered(g):
    """A token that is known is not known for longer than it is good."""
    short = rsa.token(claims(exp=NOW - 30 + int(time.time()) - NOW + 3))
    tap.same(ask(g, "/plain", short).status, 200, "good for three seconds more")
    end = time.time() + 10
    while ask(g, "/plain", short).status == 200 and time.time() < end:
        time.sleep(0.1)
    tap.same(ask(g, "/plain", short).status, 401, "then it is not, though it was known")
    asked = [*(rsa.token(claims(tenant=t, n=n)) for n, t in enumerate("abaab")), None, None, None,
             rsa.token(claims(n=9)), rsa.token(claims(tenant={"a": 1}))]
    tap.same([ask(g, "/tenants", t).status for t in asked],
             [200, 200, 200, 429, 200, 200, 200, 429, 429, 429],
             "each value of a claim has its own credit; who has none counts by its address")
    asked = [rsa.token(claims(n=n, **{"https://example/roles": v}))
             for n, v in enumerate((["a", "b"], ["a", "b"], ["ab"], "ab", 7, "7"))]
    tap.same([ask(g, "/roles", t).status for t in asked], [200, 429, 200, 200, 200, 429],
             "a list is one value, and a number a text")
    for path in ("/limited", "/limited"):
        tap.same(ask(g, path, rsa.token(claims(n=path))).status, 200, "two of a consumer's")
    tap.same(ask(g, "/limited", rsa.token(claims(n=3))).status, 429,
             "however many tokens it has: a limit is the consumer's")


def rotated(g):
    good, fresh = rsa.token(claims()), ec.token(claims(), kid="next")
    tap.same([ask(g, "/plain", t).status for t in (good, fresh)], [200, 401], "before a rotation")
    g.ctl("log", "level", "debug")
    ec.jwk["kid"] = "next"
    jwt.save(keys, jwt.key_set(ec, secret))
    end = time.time() + 20
    while ask(g, "/plain", good).status == 200 and time.time() < end:
        time.sleep(0.2)
    tap.same([ask(g, "/plain", t).status for t in (good, fresh)], [401, 200],
             "the file changed: the old key is gone at once, known tokens too")
    tap.same(g.ctl("log", "level").stdout, "debug\n", "the level of the log stays as it was set")
    jwt.save(keys, "{")
    time.sleep(3)
    tap.same([ask(g, "/plain", t).status for t in (good, fresh)], [401, 200],
             "a file that is broken changes nothing")
    jwt.save(keys, jwt.key_set(rsa, ec, secret))
    end = time.time() + 20
    while ask(g, "/plain", good).status != 200 and time.time() < end:
        time.sleep(0.2)
    tap.same([ask(g, "/plain", t).status for t in (good, fresh)], [200, 200],
             "and one that is good again, comes into use")


tap.start(180)
with tempfile.TemporaryDirectory() as directory:
    rsa, ec = jwt.Key(directory, "rsa"), jwt.Key(directory, "ec", "ES256")
    secret, stranger = jwt.Key(directory, "hs", "HS256"), jwt.Key(directory, "stranger")
    keys = os.path.join(directory, "keys.json")
    jwt.save(keys, jwt.key_set(rsa, ec, secret))
    origins = origin.Origin()
    gateway = Gateway(origins.port, {
        "consumers": {"acme": {"groups": ["gold"]}, "off": {"enabled": False},
                      "tin": {"api_keys": [{"sha256": hashlib.sha256(b"k").hexdigest()}]}},
        "policies": {"admins": [policy(consumer_claim="sub"), {"require": {"scopes": ["admin"]}}],
                     "known": [{"key_auth": {}}]},
        "routes": routes()})
    let_in(gateway)
    told(gateway)
    kept_out(gateway)
    either(gateway)
    remembered(gateway)
    rotated(gateway)
    refusals = [x for x in gateway.ctl("metrics").stdout.splitlines()
                if x.startswith("sluice_sandbox_refusals")]
    tap.ok(refusals and all(x.endswith(" 0") for x in refusals), "no system call was refused", refusals)
    tap.same(gateway.stop(), 0, "it ends in good order")
tap.done()
