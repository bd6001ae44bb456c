#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Policy hmac: a signed request is let in once; a body that is not the signed one never arrives."""

import base64
import json
import os
import signal
import tempfile
import threading
import time

from lib import origin, signed, tap
from lib.gateway import Gateway
from lib.wire import Client, chunked, get, post

SECRET, OTHER = b"a secret of 32 bytes, or of more", b"another one, with 16 or more"
BINARY = bytes(range(64))
HOST = "test.example"
CHALLENGE = 'Signature realm="sluice"'

directory = tempfile.mkdtemp(prefix="sluice-hmac-")
tap.at_end(lambda: __import__("shutil").rmtree(directory, ignore_errors=True))
FILE = os.path.join(directory, "secret")
with open(FILE, "wb") as f:
    f.write(SECRET)

CONSUMERS = {
    "acme": {"groups": ["gold"], "hmac_keys": [
        {"id": "acme-1", "secret": f"${{file:{FILE}}}"},
        {"id": "acme-2", "secret_base64": base64.b64encode(BINARY).decode()},
        {"id": "acme-old", "secret": SECRET.decode(), "expires": "2020-02-29"},
        {"id": "acme-off", "secret": SECRET.decode(), "enabled": False}]},
    "tin": {"groups": ["tin"], "hmac_keys": [{"id": "tin", "secret": OTHER.decode()}]},
    "off": {"enabled": False, "hmac_keys": [{"id": "off", "secret": SECRET.decode()}]},
}
LISTS = {
    "gold": [{"hmac": {}}, {"require": {"groups": ["gold"]}}],
    "tin": [{"hmac": {}}, {"require": {"groups": ["tin"]}}],
}


def route(name, *policies, **more):
    return {"name": name, "match": {"path": f"/{name}"}, "policies": list(policies),
            **({"upstream": "origin"} if not more else more)}


ROUTES = [
    route("signed", {"hmac": {}}),
    route("shown", {"hmac": {"hide_credentials": False}}),
    route("again", {"hmac": {"allow_replays": True}}),
    route("perhaps", {"hmac": {"optional": True}}),
    route("uri", {"hmac": {"components": ["@method", "@target-uri", "date", "content-digest"]}}),
    route("nonce", {"hmac": {"require_nonce": True}}),
    route("tagged", {"hmac": {"tag": "gate"}}),
    route("short", {"hmac": {"max_age": "2s", "leeway": 0}}),
    route("either", {"any_of": ["gold", "tin"]}),
    route("limited", {"hmac": {}},
          {"rate_limit": {"per": "key", "rate": "2/h", "headers": "off"}}),
    route("answer", {"hmac": {}}, respond={"body": "hello"}),
]


def sign(target, method="GET", body=b"", secret=SECRET, keyid="acme-1", **more):
    return signed.request_fields(secret, keyid, method, target, body=body, **more)


def ask(data, method="GET", g=None, source=None):
    with Client((g or gateway).port, source=source) as client:
        return client.ask(data, method)


def status(target, fields, g=None):
    return ask(get(target, fields=fields), g=g).status


def words(nr):
    """Why the newest were refused, as the access log says it; lines are written once a second."""
    time.sleep(1.5)
    return [json.loads(x).get("error") for x in gateway.access_log().splitlines()][-nr:]


def let_in():
    for how, target, fields in (
            ("by a secret from a file", "/signed", sign("/signed")),
            ("by one of any bytes", "/signed", sign("/signed", secret=BINARY, keyid="acme-2")),
            ("with a query", "/signed?a=1&b=%20", sign("/signed?a=1&b=%20")),
            ("with an algorithm", "/signed", sign("/signed", alg="hmac-sha256")),
            ("with an end", "/signed", sign("/signed", expires=int(time.time()) + 60)),
            ("without a nonce", "/signed", sign("/signed", nonce=None)),
            ("where a nonce is asked for", "/nonce", sign("/nonce")),
            ("by the tag that is asked for, beside another", "/tagged",
             sign("/tagged", tag="other", label="a") + sign("/tagged", tag="gate", label="b")),
            ("where nobody has to sign", "/perhaps", "")):
        tap.same(status(target, fields), 200, f"let in {how}")
    values = {"@method": "GET", "@target-uri": f"http://{HOST}/uri?x",
              "date": "Tue, 24 Nov 2026 12:00:00 GMT", "x-two": "a, b"}
    lines = "Date: Tue, 24 Nov 2026 12:00:00 GMT\r\nX-Two: a\r\nX-Two:  b\r\n"
    tap.same(status("/uri?x", lines + signed.fields(SECRET, "acme-1", values)), 200,
             "fields and the whole target")
    tap.same(status("/uri?x", lines.replace("X-Two: a", "X-Two: c") +
                    signed.fields(SECRET, "acme-1", values)), 401, "but not other fields")


def behind_tls():
    """A trusted proxy says that the client came by https: that is what the client has signed."""
    date = "Tue, 24 Nov 2026 12:00:00 GMT"
    values = {"@method": "GET", "@target-uri": f"https://{HOST}/uri", "date": date}
    lines = f"Date: {date}\r\nX-Forwarded-Proto: https\r\n"
    asked = [get("/uri", host=f"{HOST}:443",
                 fields=lines + signed.fields(SECRET, "acme-1", values)) for _ in range(2)]
    tap.same([ask(asked[0], source="127.0.3.1").status, ask(asked[1]).status], [200, 401],
             "https is what a trusted proxy says, and nobody else")


def told():
    origins.forget()
    tap.same(status("/signed", sign("/signed") + "X-Consumer-Username: root\r\n"), 200, "signed")
    got = origins.requests()[-1]
    tap.same([got.all("x-consumer-username"), got.all("x-consumer-groups"),
              got.all("x-credential-identifier")], [["acme"], ["gold"], ["acme-1"]],
             "an origin is told who it is")
    tap.same([got.all("signature"), got.all("signature-input")], [[], []], "and not the signature")
    status("/shown", sign("/shown"))
    got = origins.requests()[-1]
    tap.same([len(got.all("signature")), len(got.all("signature-input"))], [1, 1],
             "unless it is to be")


def kept_out():
    now, good = int(time.time()), sign("/signed")
    nr = len(origins.requests())
    other = good[:good.rindex(":") - 3] + ("A" if good[good.rindex(":") - 3] != "A" else "B") \
        + good[good.rindex(":") - 2:]
    cases = (
        ("hmac_missing", "/signed", ""),
        ("hmac_malformed", "/signed", good.split("\r\n", 1)[0] + "\r\n"),
        ("hmac_bad_signature", "/signed", other),
        ("hmac_bad_signature", "/signed", sign("/signed", secret=OTHER)),
        ("hmac_bad_signature", "/signed", sign("/shown")),
        ("hmac_bad_signature", "/signed", sign("/signed", method="POST")),
        ("hmac_bad_signature", "/signed", sign("/signed", host="other.example")),
        ("hmac_bad_signature", "/signed?a=2", sign("/signed?a=1")),
        ("hmac_uncovered", "/signed?a=2", sign("/signed")),
        ("hmac_uncovered", "/uri", sign("/uri")),
        ("hmac_unknown_key", "/signed", sign("/signed", keyid="nobody")),
        ("hmac_key_expired", "/signed", sign("/signed", keyid="acme-old")),
        ("hmac_key_disabled", "/signed", sign("/signed", keyid="acme-off")),
        ("hmac_key_disabled", "/signed", sign("/signed", keyid="off")),
        ("hmac_expired", "/signed", sign("/signed", created=now - 400)),
        ("hmac_expired", "/signed", sign("/signed", expires=now - 60)),
        ("hmac_expired", "/short", sign("/short", created=now - 3)),
        ("hmac_not_yet_valid", "/signed", sign("/signed", created=now + 100)),
        ("hmac_malformed", "/signed", sign("/signed", created=None)),
        ("hmac_malformed", "/signed", sign("/signed", keyid=None)),
        ("hmac_algorithm", "/signed", sign("/signed", alg="rsa-v1_5-sha256")),
        ("hmac_no_nonce", "/nonce", sign("/nonce", nonce=None)),
        ("hmac_twice", "/signed", good + sign("/signed", label="sig2")),
        ("hmac_twice", "/signed", good + good),
        ("hmac_missing", "/tagged", sign("/tagged")),
        ("hmac_malformed", "/perhaps", "Signature-Input: a\r\n"),
        ("hmac_bad_signature", "/perhaps", sign("/signed")),
        ("hmac_missing", "/answer", ""))
    challenges, bodies = set(), set()
    for why, target, fields in cases:
        answer = ask(get(target, fields=fields))
        tap.same(answer.status, 401, f"{why}: {target}")
        challenges.add(answer.get("www-authenticate"))
        problem = json.loads(answer.body)
        problem.pop("request_id")
        bodies.add(json.dumps(problem))
    tap.same(words(len(cases)), [c[0] for c in cases], "the log says why")
    tap.same([challenges, len(bodies)], [{CHALLENGE}, 1], "the answer does not")
    tap.same(len(origins.requests()), nr, "the origin saw none of them")
    tap.same(status("/signed", good), 200, "and what they were made of was good")


def once():
    fields = sign("/signed")
    tap.same([status("/signed", fields) for _ in range(3)], [200, 401, 401], "good once")
    tap.same(words(2), ["hmac_replayed"] * 2, "the log says why")
    tap.same(status("/shown", sign("/shown", nonce=None)), 200, "one without a nonce")
    fields = sign("/again")
    tap.same([status("/again", fields) for _ in range(3)], [200] * 3, "as often as one likes")
    tap.same([status("/either", sign("/either", secret=OTHER, keyid="tin")),
              status("/either", sign("/either"))], [200, 200],
             "an alternative that has looked at it has not used it up")


def once_for_all():
    """Two workers, and a race between them."""
    state = os.path.join(directory, "two")
    g = Gateway(origins.port, {**CONF, "gateway": {"workers": 2, "state_dir": state}})
    same = [sign("/signed") for _ in range(20)]
    results = {}

    def show(i):
        results[i] = status("/signed", same[i // 6], g)

    threads = [threading.Thread(target=show, args=(i,)) for i in range(120)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.same([sorted(results[i * 6 + k] for k in range(6)) for i in range(20)],
             [[200] + [401] * 5] * 20, "by all workers together")
    last = sign("/signed")
    tap.same(status("/signed", last, g), 200, "good before a reload")
    tap.same(g.ctl("config", "reload").returncode, 0, "a reload")
    tap.same([status("/signed", last, g), status("/signed", sign("/signed"), g)], [401, 200],
             "and not behind it")
    g.end()


def bodies():
    large = os.urandom(1 << 20)
    for how, body, wrap, kinds in (
            ("short", b"hello", post, ()), ("short, by sha-512", b"hello", post, ("sha-512",)),
            ("by both", b"hello", post, ("sha-512", "sha-256")), ("long", large, post, ()),
            ("long, in chunks", large, in_chunks, ("sha-512",)),
            ("in chunks", b"hello", in_chunks, ())):
        origins.forget()
        fields = sign("/signed", "POST", body, want=signed.digest(body, *kinds))
        tap.same(ask(wrap("/signed", body, fields), "POST").status, 200, f"a body, {how}")
        tap.ok(origins.requests()[-1].body == body, "arrives")
    tap.same(ask(post("/signed", b"", sign("/signed", "POST"))).status, 200, "none is none")


def in_chunks(path, body, fields):
    head = get(path, method="POST", fields=fields + "Transfer-Encoding: chunked\r\n")
    return head + chunked(body, 65536)


def wrong_bodies():
    large = os.urandom(1 << 20)
    for how, body, wrap, signs in (
            ("short", b"hellO", post, b"hello"),
            ("short, in chunks", b"hellO", in_chunks, b"hello"),
            ("long", large[:-1] + bytes([large[-1] ^ 1]), post, large),
            ("long, at its front", bytes([large[0] ^ 1]) + large[1:], post, large),
            ("long, in chunks", large[:-1] + bytes([large[-1] ^ 1]), in_chunks, large),
            ("cut short", large[:-1], post, large), ("none at all", b"", post, b"hello")):
        origins.forget()
        answer = ask(wrap("/signed", body, sign("/signed", "POST", signs)), "POST")
        tap.same([answer.status, answer.get("www-authenticate")], [401, CHALLENGE],
                 f"another body, {how}")
        origins.wait(lambda: all(c.is_over for c in origins.connections
                                 if b"/signed" in c.raw and not c.requests), 5)
        tap.same(origins.requests(), [], "never arrives as a whole")
    with Client(gateway.port) as client:
        body = b"x" * 100000
        client.send(post("/signed", body, sign("/signed", "POST", b"y" * 100000))[:-1])
        origins.wait(lambda: any(len(c.raw) > 50000 for c in origins.connections), 5)
        client.send(b"x")
        answer = client.response("POST")
        tap.same(answer.status, 401, "also when most of it had left")
        tap.ok(client.is_closed(), "and nothing more comes on this connection")
    tap.same(origins.requests(), [], "the origin has no request")
    cases = (
        ("hmac_uncovered", post("/signed", b"hello", sign("/signed", "POST"))),
        ("hmac_uncovered", post("/signed", b"hello", sign("/signed", "POST") +
                                f"Content-Digest: {signed.digest(b'hello')}\r\n")),
        ("hmac_bad_digest", post("/signed", b"hello", sign("/signed", "POST", want="md5=:AAAA:"))),
        ("hmac_bad_digest", post("/signed", b"hello", sign("/signed", "POST", want="sha-256=:A:"))),
        ("hmac_wrong_body", post("/signed", b"hello", sign(
            "/signed", "POST", want=signed.digest(b"hello") + ", " +
            signed.digest(b"other", "sha-512")))))
    for why, data in cases:
        tap.same(ask(data, "POST").status, 401, why)
    tap.same(words(len(cases)), [c[0] for c in cases], "the log says why")


def behind_a_restart():
    """What was shown is in a file."""
    fields, state = sign("/signed"), os.path.join(directory, "state")
    g = Gateway(origins.port, {**CONF, "gateway": {"state_dir": state}})
    kept = os.path.join(state, "sluice.signatures")
    tap.same([status("/signed", fields, g), os.stat(kept).st_mode & 0o777], [200, 0o600],
             "shown once, and kept where nobody reads it")
    g.restart(signal.SIGKILL)
    tap.same([status("/signed", fields, g), status("/signed", sign("/signed"), g)], [401, 200],
             "and not again, after the daemon was killed")
    g.end()
    with open(kept, "w", encoding="ascii") as made:
        made.write("something else")
    g = Gateway(origins.port, {**CONF, "gateway": {"state_dir": state}})
    tap.ok("state.signatures" in g.complaint() and "shown again behind a restart" in g.complaint(),
           "a file that is something else is left alone, and told of", g.complaint())
    tap.same([status("/signed", fields, g), status("/signed", fields, g)], [200, 401],
             "then memory has to do")
    g.end()


def asked_for():
    """A body that waits for the origin's 100 is judged all the same."""
    def serve(conn):
        while request := conn.head():
            if request.get("expect"):
                conn.send("HTTP/1.1 100 Continue\r\n\r\n")
            conn.body(request)
            conn.send(origin.answer())

    careful = origin.Origin(serve)
    g = Gateway(careful.port, {**CONF, "gateway": {
        "state_dir": os.path.join(directory, "careful")}})
    for body, want, whole in ((b"hello", 200, [b"hello"]), (b"hellO", 401, [])):
        careful.forget()
        head = post("/signed", b"hello", sign("/signed", "POST", b"hello") +
                    "Expect: 100-continue\r\n")[:-5]
        with Client(g.port) as client:
            client.send(head)
            careful.wait(lambda: any(b"/signed" in c.raw for c in careful.connections), 5)
            tap.same(client.head().status, 100, "the origin asks for the body")
            client.send(body)
            tap.same(client.response("POST").status, want, f"{body.decode()}: {want}")
        tap.same([r.body for r in careful.requests()], whole, "what the origin has of it")
    g.end()


def counts():
    def ask_limited(**more):
        return status("/limited", sign("/limited", **more))

    tap.same([ask_limited(), ask_limited(), ask_limited(),
              ask_limited(secret=BINARY, keyid="acme-2")], [200, 200, 429, 200],
             "each key has a limit of its own")


def taken_away():
    """Who had a key that is gone, or has another secret, is cut off; others are not."""
    keys = [("acme-1", SECRET), ("acme-2", BINARY), ("tin", OTHER)]
    clients = [Client(gateway.port) for _ in keys]
    tap.same([c.ask(get("/signed", fields=sign("/signed", secret=s, keyid=k))).status
              for c, (k, s) in zip(clients, keys)], [200] * 3, "three keys")
    acme = {**CONSUMERS["acme"], "hmac_keys": CONSUMERS["acme"]["hmac_keys"][:1]}
    tin = {**CONSUMERS["tin"], "hmac_keys": [{"id": "tin", "secret": "now it is another one"}]}
    gateway.reload(consumers={**CONSUMERS, "acme": acme, "tin": tin})
    tap.same([c.is_closed(5 if i else 0.5) for i, c in enumerate(clients)], [False, True, True],
             "one is gone, one is another: their connections are closed")
    tap.same(clients[0].ask(get("/signed", fields=sign("/signed"))).status, 200, "one is as it was")
    for client in clients:
        client.close()


tap.start(120)
origins = origin.Origin()
CONF = {"consumers": CONSUMERS, "policies": LISTS, "routes": ROUTES,
        "forwarded": {"trusted_proxies": ["127.0.3.1"]},
        "gateway": {"state_dir": os.path.join(directory, "first")}}
gateway = Gateway(origins.port, CONF)
let_in()
behind_tls()
told()
kept_out()
once()
once_for_all()
bodies()
wrong_bodies()
asked_for()
counts()
taken_away()
behind_a_restart()
gateway.end()
tap.done()
