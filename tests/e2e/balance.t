#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Which target gets a request: by turn, by load, by a hash, by a session's cookie."""

import collections
import re
import time

from lib import tap, wire
from lib.fickle import Fickle
from lib.gateway import Gateway


def three():
    return [Fickle(name) for name in "abc"]


def gateway_for(named, **upstream):
    return Gateway(0, upstream={"targets": [n.address for n in named], **upstream})


def ask(client, path="/", fields=""):
    response = client.ask(wire.get(path, fields=fields))
    return response.body.decode(), response


def names(client, count, **how):
    return [ask(client, **how)[0] for _ in range(count)]


def by_header():
    named = three()
    gateway = gateway_for(named, balance="consistent_hash", hash_on="header:X-User")
    with wire.Client(gateway.port) as client:
        owners = {u: names(client, 1, fields=f"X-User: u{u}\r\n")[0] for u in range(60)}
        again = {u: names(client, 1, fields=f"x-USER: u{u}\r\n")[0] for u in range(60)}
        tap.same(again, owners, "the same header goes to the same target")
        tap.same(set(owners.values()), set("abc"), "different ones to all targets")
        tap.same(collections.Counter(names(client, 9)), {"a": 3, "b": 3, "c": 3},
                 "a request without it goes in turn")
        named[0].kill()
        moved = {u: names(client, 1, fields=f"X-User: u{u}\r\n")[0] for u in range(60)}
    strays = [u for u in owners if owners[u] != "a" and moved[u] != owners[u]]
    tap.ok("a" not in moved.values() and not strays,
           "when a target goes only its own keys move", f"{owners}\n{moved}")
    gateway.end()


def by_path_cookie_client():
    named = three()
    gateway = gateway_for(named, balance="consistent_hash", hash_on="path")
    with wire.Client(gateway.port) as client:
        owners = [ask(client, f"/{n}?x={n}")[0] for n in range(30)]
        tap.same([ask(client, f"/{n}?y=1")[0] for n in range(30)], owners,
                 "by path: the query does not count")
        tap.same(set(owners), set("abc"), "and the paths do")
    gateway.end()
    gateway = gateway_for(named, balance="consistent_hash", hash_on="cookie:id")
    with wire.Client(gateway.port) as client:
        owners = [ask(client, fields=f"Cookie: id={n}\r\n")[0] for n in range(30)]
        tap.same([ask(client, fields=f"Cookie: x=1; id={n}; y=id=7\r\n")[0] for n in range(30)],
                 owners, "by cookie: wherever it stands in its line")
        tap.same([ask(client, fields=f"Cookie: xid=1\r\nCookie: id={n}\r\n")[0]
                  for n in range(30)], owners, "or in which line")
        tap.same(set(owners), set("abc"), "and cookies do count")
    gateway.end()
    gateway = gateway_for(named, balance="consistent_hash")
    with wire.Client(gateway.port) as client, wire.Client(gateway.port) as other:
        tap.same(len(set(names(client, 6) + names(other, 6))), 1,
                 "by default it is the client's address that counts")
    gateway.end()


def least_requests():
    named = three()
    gateway = gateway_for(named, balance="least_requests")
    holders = [wire.Client(gateway.port) for _ in range(12)]
    for holder in holders:
        holder.send(wire.get("/hold"))
    deadline = time.monotonic() + 10
    while sum(n.saw("/hold") for n in named) < 12 and time.monotonic() < deadline:
        time.sleep(0.01)
    held = [n.saw("/hold") for n in named]
    tap.ok(sum(held) == 12 and max(held) - min(held) <= 3,
           "requests that hang are spread evenly", held)
    for n in named:
        n.release()
    tap.same([h.response().status for h in holders], [200] * 12, "and all are answered")
    for holder in holders:
        holder.close()
    gateway.end()


def cookie_of(response):
    lines = response.all("set-cookie")
    return re.match(r"sid=([0-9a-f]{16})(;.*)\Z", lines[0]) if len(lines) == 1 else None


def sticky():
    named = three()
    gateway = gateway_for(named, down_for="200ms",
                          sticky={"cookie": "sid", "max_age": "90s", "secure": True})
    with wire.Client(gateway.port) as client:
        name, response = ask(client)
        cookie = cookie_of(response)
        tap.ok(cookie and cookie.group(2) ==
               "; Path=/; HttpOnly; SameSite=Lax; Max-Age=90; Secure",
               "a new session gets a cookie", response)
        tap.ok(named[0].address not in str(response) and "127.0.0.1" not in str(response),
               "which does not tell the target's address")
        mine = f"Cookie: theme=dark; sid={cookie.group(1)}\r\n"
        answers = [ask(client, fields=mine) for _ in range(9)]
        tap.same({n for n, _ in answers}, {name}, "with it all requests go to the same target")
        tap.same([r.all("set-cookie") for _, r in answers], [[]] * 9, "and it is not set again")
        for text in "sid=0123456789abcdef", "sid=", "sid=XYZ", "sid=0123456789ABCDEF0":
            _, response = ask(client, fields=f"Cookie: {text}\r\n")
            tap.ok(cookie_of(response), f"one that means nothing is replaced: {text}", response)
        [n for n in named if n.name == name][0].kill()
        answers = [ask(client, fields=mine) for _ in range(4)]
        tap.ok(all(r.status == 200 and n != name and cookie_of(r) and
                   cookie_of(r).group(1) != cookie.group(1) for n, r in answers),
               "when its target is gone the session moves, with a new cookie", answers)
    gateway.end()


tap.start(60)
tap.facts(by_header, by_path_cookie_client, least_requests, sticky)
tap.done()
