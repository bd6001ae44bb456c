#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Names and passwords: whoever has the right ones is known, and nobody waits for who guesses."""

import base64
import subprocess
import threading
import time

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get


def hash_of(word, salt):
    """By the C library, in a process of its own: what is tested is that the gateway agrees."""
    code = ("import ctypes, sys; c = ctypes.CDLL('libcrypt.so.1').crypt; "
            "c.restype = ctypes.c_char_p; "
            "print(c(sys.argv[1].encode(), sys.argv[2].encode()).decode())")
    return subprocess.run(["python3", "-c", code, word, salt], capture_output=True, text=True,
                          check=True).stdout.strip()


KINDS = {"bcrypt": "$2b$05$abcdefghijklmnopqrstuu",
         "bcrypt of htpasswd": "$2y$05$abcdefghijklmnopqrstuu",
         "sha512": "$6$rounds=5000$saltsalt", "sha256": "$5$saltsalt",
         "yescrypt": "$y$j75$saltsalt"}
SLOW = "$2b$12$abcdefghijklmnopqrstuu"  # a quarter of a second and more


def consumers():
    made = {name.replace(" ", "-"): {"basic_auth": [hash_of("pass:word of " + name, salt)]}
            for name, salt in KINDS.items()}
    made["two"] = {"groups": ["gold"], "basic_auth": [
        {"username": "first user", "password_hash": hash_of("one", KINDS["bcrypt"])},
        {"username": "second", "password_hash": hash_of("\u00fc", KINDS["bcrypt"])}]}
    made["off"] = {"enabled": False, "basic_auth": [hash_of("off", KINDS["bcrypt"])]}
    made["slow"] = {"basic_auth": [hash_of("slow", SLOW)]}
    return made


def route(name, *policies):
    return {"name": name, "match": {"path": f"/{name}"}, "upstream": "origin",
            "policies": list(policies)}


ROUTES = [route("in", {"basic_auth": {}}), route("perhaps", {"basic_auth": {"optional": True}}),
          route("gold", {"basic_auth": {}}, {"require": {"groups": ["gold"]}}),
          route("never", {"basic_auth": {"cache": "0s"}}),
          {"name": "open", "match": {"path": "/open"}, "respond": {"body": "open"}}]


def login(name, password):
    return base64.b64encode(f"{name}:{password}".encode()).decode()


def ask(path, name=None, password="", raw=None, scheme="Basic"):
    fields = ""
    if name is not None or raw is not None:
        fields = f"Authorization: {scheme} {login(name, password) if raw is None else raw}\r\n"
    with Client(gateway.port) as client:
        return client.ask(get(path, fields=fields))


def let_in():
    for name in KINDS:
        user = name.replace(" ", "-")
        tap.same(ask("/in", user, "pass:word of " + name).status, 200, f"a password kept by {name}")
        tap.same(ask("/in", user, "pass:word of").status, 401, "a part of it is not enough")
    origins.forget()
    tap.same(ask("/gold", "first user", "one").status, 200, "a name of its own")
    told = {n.lower(): v for n, v in origins.requests()[0].fields}
    tap.same([told["x-consumer-username"], "authorization" in told], ["two", False],
             "the upstream is told of the consumer, and not the password")
    tap.same(ask("/gold", "second", "\u00fc", scheme="bAsIc").status, 200, "UTF-8, in any case")
    tap.same(ask("/gold", "bcrypt", "pass:word of bcrypt").status, 403, "who is known may not all")
    tap.same(ask("/perhaps").status, 200, "where it is optional, nobody may")
    tap.same(ask("/perhaps", "two", "x").status, 401, "but not with a wrong one")


def kept_out():
    answers = [ask("/in"), ask("/in", "two", "one"), ask("/in", "nobody", "one"),
               ask("/in", "first user", "wrong"), ask("/in", "off", "off"), ask("/in", raw="!!!!"),
               ask("/in", raw=base64.b64encode(b"no colon").decode()), ask("/in", raw="YTpi="),
               ask("/in", raw=base64.b64encode(b"first user:one\0").decode()),
               ask("/in", "first user", ""), ask("/in", "first user", "x" * 300),
               ask("/in", raw="A" * 4000), ask("/in", "first user", "one", scheme="Bearer")]
    tap.same([a.status for a in answers], [401] * len(answers), "all else is not let in")
    tap.same({a.get("WWW-Authenticate") for a in answers},
             {'Basic realm="sluice", charset="UTF-8"'}, "each is told how it would be")
    details = {a.body[:a.body.index(b"request_id")] for a in answers}
    tap.same(len(details), 1, "and nothing of what was wrong")
    with Client(gateway.port) as client:
        two = f"Authorization: Basic {login('first user', 'one')}\r\n" * 2
        tap.same(client.ask(get("/in", fields=two)).status, 401, "two of them are none")


def milliseconds(*args):
    begun = time.monotonic()
    status = ask(*args).status
    return (time.monotonic() - begun) * 1000, status


def waits():
    """Only who comes with a password that is not known yet waits for it."""
    first, status = milliseconds("/in", "slow", "slow")
    tap.same(status, 200, "one that takes long")
    again, status = milliseconds("/in", "slow", "slow")
    tap.same(status, 200, "and again")
    tap.ok(again < first / 3, "is known then", f"{first:.0f} ms, {again:.0f} ms")
    wrong, _ = milliseconds("/in", "slow", "wrong")
    wrong_again, status = milliseconds("/in", "slow", "wrong")
    tap.ok(status == 401 and wrong_again < wrong / 3, "a wrong one too",
           f"{wrong:.0f} ms, {wrong_again:.0f} ms")
    first, again = (milliseconds("/never", "slow", "slow")[0] for _ in range(2))
    tap.ok(again > first / 3, "unless that is not wanted", f"{first:.0f} ms, {again:.0f} ms")


def guessing():
    """One client has a few guesses at once; whoever needs no check is not held up at all."""
    got = []
    threads = [threading.Thread(target=lambda i=i: got.append(ask("/in", "slow", f"guess {i}")))
               for i in range(12)]
    for t in threads:
        t.start()
    time.sleep(0.1)
    took = sorted(milliseconds("/open")[0] for _ in range(20))
    known, status = milliseconds("/in", "slow", "slow")
    for t in threads:
        t.join()
    statuses = [a.status for a in got]
    tap.ok(statuses.count(503) >= 4 and statuses.count(401) >= 4, "a few guesses are checked",
           str(statuses))
    tap.same({a.get("Retry-After") for a in got if a.status == 503}, {"1"}, "others are for later")
    slow, _ = milliseconds("/never", "slow", "slow")
    tap.ok(took[10] < slow / 3, "meanwhile requests are answered", f"{took} ms against {slow:.0f}")
    tap.ok(status == 200 and known < slow, "and who is known is let in",
           f"{status}, {known:.0f} ms against {slow:.0f}")


def gone():
    """Whoever does not wait for it leaves nothing behind."""
    for i in range(3):
        with Client(gateway.port) as client:
            client.send(get("/in", fields=f"Authorization: Basic {login('slow', str(i))}\r\n"))
            time.sleep(0.05)
    tap.same(ask("/in", "first user", "one").status, 200, "clients that are gone hold nobody up")


def reloaded():
    made = consumers()
    made["two"]["basic_auth"][0]["password_hash"] = hash_of("changed", KINDS["bcrypt"])
    gateway.reload(consumers=made)
    tap.same([ask("/in", "first user", "one").status, ask("/in", "first user", "changed").status],
             [401, 200], "a password that was changed is another at once")
    gateway.reload(consumers={})
    tap.same(ask("/in", "first user", "changed").status, 401, "without passwords nobody has one")


tap.start(120)
origins = origin.Origin()
gateway = Gateway(origins.port, {"consumers": consumers(), "routes": ROUTES})
for test in (let_in, kept_out, waits, guessing, gone, reloaded):
    test()
tap.same(gateway.stop(), 0, "it ends in good order")
gateway = Gateway(origins.port, {"routes": ROUTES})
tap.same(ask("/in", "a", "b").status, 401, "nor where there never were any")
gateway.reload(consumers=consumers())
tap.same(ask("/in", "first user", "one").status, 200, "a reload brings them")
gateway.end()
tap.done()
