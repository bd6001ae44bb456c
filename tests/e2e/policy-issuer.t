#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Key sets by URL and by discovery: issuers that come late, change keys, die and lie."""

import json
import os
import subprocess
import tempfile
import threading
import time

from lib import jwt, origin, tap
from lib.certs import Authority
from lib.gateway import BUILD, Gateway, reserve_port
from lib.issuer import Issuer
from lib.wire import Client, get

over = threading.Event()


def ask(path, key, **claims):
    token = key.token({"exp": int(time.time()) + 600, "iss": base, **claims})
    with Client(g.port) as client:
        return client.ask(get(path, fields=f"Authorization: Bearer {token}\r\n"))


def becomes(status, path, key, seconds=30, **claims):
    end = time.monotonic() + seconds
    while ask(path, key, **claims).status != status and time.monotonic() < end:
        time.sleep(0.2)
    return ask(path, key, **claims).status == status


def page(*keys, **fields):
    return 200, jwt.key_set(*keys).encode(), fields


def discovery(issuer, uri):
    return 200, json.dumps({"issuer": issuer, "jwks_uri": uri}).encode(), {}


def hang(_):
    over.wait(60)


def late():
    """The gateway starts before its issuer does."""
    global issuer
    answer = ask("/good", first)
    tap.same([answer.status, answer.get("retry-after")], [503, "5"], "no key has come: 503")
    tap.ok("jwks.failed" in g.complaint() and "no token can be judged" in g.complaint(),
           "the log says why", g.complaint())
    issuer = Issuer(PAGES, port)
    tap.ok(becomes(200, "/good", first), "when the issuer is there, tokens are judged")
    tap.same(ask("/good", stranger).status, 401, "another's is not good")
    tap.same(ask("/found", first).status, 200, "by discovery, too")
    tap.same([ask("/found", first, iss="https://other.example").status,
              ask("/found", first, iss=base + "/").status], [401, 401],
             "'iss' is the issuer, exactly")


def lies():
    reasons = {"/broken": "", "/huge": "longer than 1 MiB", "/moved": "the answer is 302",
               "/gone": "the answer is 404", "/empty": "", "/wrong": "another issuer's",
               "/nowhere": "no good jwks_uri", "/far": "no good jwks_uri"}

    def lines():
        return {x.split("url=")[1].split()[0]: x for x in g.complaint().splitlines()
                if "jwks.failed" in x and "url=" in x}
    for path, why in reasons.items():
        name = base + path
        tap.ok(origins.wait(lambda n=name: n in lines(), 20) and why in lines()[name],
               f"{path}: it is told why", lines().get(name))
        tap.same(ask(path, first).status, 503, "and no token is judged by it")
    tap.same(issuer.times("/elsewhere"), 0, "nobody is led elsewhere")
    tap.same(ask("/good", first).status, 200, "others are not concerned")


def rotated():
    tap.same(ask("/good", second).status, 401, "a key that is not there")
    nr = issuer.times("/good")
    PAGES["/good"] = page(second)
    for _ in range(20):
        ask("/good", second)
    tap.ok(issuer.times("/good") <= nr + 1, "does not make us knock each time",
           issuer.times("/good"))
    tap.ok(becomes(200, "/good", second), "it is looked for, and found")
    tap.same(ask("/good", first).status, 401, "the one before is no good any more")
    nr = issuer.times("/good")
    tap.ok(g.reload()["reloaded"], "a reload")
    tap.same((ask("/good", second).status, issuer.times("/good")), (200, nr), "asks nobody again")
    PAGES["/good"] = (200, b"{", {})
    ask("/good", first)
    end = time.monotonic() + 25
    while issuer.times("/good") == nr and time.monotonic() < end:
        ask("/good", first)
        time.sleep(0.5)
    time.sleep(1)
    tap.same(ask("/good", second).status, 200,
             "what is broken does not take the place of what is good")
    tap.ok("the keys of before are good" in g.complaint(), "and the log says so")
    issuer.stop()
    tap.same(ask("/good", second).status, 200, "nor does an issuer that has died")


def secure():
    global g
    pair = authority.make("issuer", "localhost")
    server = Issuer({"/keys": page(first)}, pair=pair)
    url = f"https://localhost:{server.port}/keys"
    g = Gateway(origins.port, {"routes": [
        route("trusted", {"jwt": {"jwks_url": url, "ca": authority.file}}),
        route("unknown", {"jwt": {"jwks_url": url}})]})
    tap.ok(becomes(200, "/trusted", first), "by HTTPS, from whom an authority of ours has signed")
    tap.ok(origins.wait(lambda: "jwks.failed" in g.complaint(), 10), "else it is not believed")
    tap.same(ask("/unknown", first).status, 503, "and no token is judged")
    path = os.path.join(g.directory, "sluice.json")
    nr = len(server.asked)
    done = subprocess.run([os.path.join(BUILD, "sluiced"), "--check", "-c", path],
                          capture_output=True, timeout=20, check=False)
    tap.same((done.returncode, len(server.asked)), (0, nr), "a check asks nobody")
    tap.same(g.stop(), 0, "it ends in good order")
    server.stop()


def end_while_asking():
    """An issuer that hangs does not hold up the end."""
    global g
    server = Issuer({"/keys": hang})
    g = Gateway(origins.port, {"routes": [
        route("hanging", {"jwt": {"jwks_url": f"http://127.0.0.1:{server.port}/keys"}})]})
    tap.ok(origins.wait(lambda: server.asked, 10), "it is asked")
    begin = time.monotonic()
    tap.same(g.stop(), 0, "the daemon ends in good order")
    tap.ok(time.monotonic() - begin < 8, "and does not wait for it")
    over.set()
    server.stop()


def route(name, *policies):
    return {"name": name, "match": {"path": f"/{name}"}, "policies": list(policies),
            "upstream": "origin"}


tap.start(180)
with tempfile.TemporaryDirectory() as root:
    tap.at_end(over.set)
    authority = Authority(root)
    first, second = jwt.Key(root, "first"), jwt.Key(root, "second", "ES256")
    stranger = jwt.Key(root, "stranger")
    keep, port = reserve_port()
    keep.close()  # the issuer's, later
    base, issuer = f"http://127.0.0.1:{port}", None
    PAGES = {
        "/good": page(first, **{"Cache-Control": "max-age=3600"}),
        "/.well-known/openid-configuration": discovery(base, base + "/good2"),
        "/good2": page(first),
        "/broken": (200, b"{", {}), "/huge": (200, b" " * (2 << 20), {}), "/empty": (200, b"", {}),
        "/moved": (302, b"", {"Location": base + "/elsewhere"}), "/elsewhere": page(first),
        "/wrong/.well-known/openid-configuration": discovery(base, base + "/good2"),
        "/nowhere/.well-known/openid-configuration": discovery(base + "/nowhere", ""),
        "/far/.well-known/openid-configuration": discovery(base + "/far", "http://192.0.2.1/keys"),
    }
    origins = origin.Origin()
    urls = ("good", "broken", "huge", "moved", "gone", "empty")
    g = Gateway(origins.port, {"routes": [
        *(route(name, {"jwt": {"jwks_url": f"{base}/{name}"}}) for name in urls),
        route("found", {"oidc": {"issuer": base}}),
        *(route(name, {"oidc": {"issuer": f"{base}/{name}"}})
          for name in ("wrong", "nowhere", "far"))]})
    late()
    lies()
    rotated()
    refusals = [x for x in g.ctl("metrics").stdout.splitlines()
                if x.startswith("sluice_sandbox_refusals")]
    tap.ok(refusals and all(x.endswith(" 0") for x in refusals), "no system call was refused",
           refusals)
    tap.same(g.stop(), 0, "it ends in good order")
    secure()
    end_while_asking()
tap.done()
