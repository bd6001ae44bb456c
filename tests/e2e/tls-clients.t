#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Clients that show certificates: who is let in, what is told of them, and who no more."""

import hashlib
import json
import os
import shutil
import ssl
import tempfile

from lib import origin, tap
from lib.certs import Authority
from lib.gateway import Gateway
from lib.tls import TlsClient, context, wait_for
from lib.wire import get

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

tap.start(120)
root = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(root, ignore_errors=True))
for name in ("ours", "theirs"):
    os.mkdir(os.path.join(root, name))
ours, theirs = (Authority(os.path.join(root, name)) for name in ("ours", "theirs"))
server = ours.make("server", "a.example")
good, bad = ours.make("good", "client.example"), ours.make("bad", "client.example")
stranger = theirs.make("stranger", "client.example")
origins = origin.Origin()
g = Gateway(origins.port, {"listener": {"tls": {
    "certificates": [server], "client_ca": ours.file}}})


def tls(**change):
    settings = g.conf["listeners"]["http"]["tls"]
    settings.update(change)
    return g.reload()


def made(pair=None, version=TLS13):
    c = context(ours.file, version=version)
    if pair:
        c.load_cert_chain(pair["certificate"], pair["key"])
    return c


def status(c, session=None, path="/"):
    """Of an answer, and the session behind it; with TLS 1.3 the client is refused after its own
    handshake is done."""
    try:
        with TlsClient(g.port, c, session=session) as client:
            r = client.ask(get(path))
            return (r.status if r else "closed"), client.sock.session, client.sock.session_reused
    except (ssl.SSLError, ConnectionError) as e:
        return str(e), None, None


def each_version(what, is_served, pair=None):
    for version in (TLS12, TLS13):
        got = status(made(pair, version))[0]
        tap.ok((got == 200) == is_served, f"{version.name}: {what}", got)


def required():
    each_version("who shows a certificate of ours is served", True, good)
    each_version("who shows none is not", False)
    each_version("nor who shows another's", False, stranger)
    refused = json.loads(g.ctl("-j", "status").stdout)["counters"]["tls_refused"]
    tap.same(refused, 4, "that is counted")


def optional():
    tls(client_certificate="optional")
    each_version("optional: with one", True, good)
    each_version("optional: without", True)
    each_version("optional: but not with another's", False, stranger)


def logged():
    status(made(good), path="/logged")
    status(made(), path="/unknown")
    origins.wait(lambda: "/unknown" in g.access_log(), 5)
    lines = {x["path"]: x for x in map(json.loads, g.access_log().splitlines())}
    with open(good["certificate"], encoding="ascii") as f:
        print_ = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()
    tap.same((lines["/logged"].get("tls_client"), lines["/logged"].get("tls_client_sha256")),
             ("CN=good", print_), "the access log tells who it was")
    tap.ok("tls_client" not in lines["/unknown"], "and nothing of who did not say")


def sessions():
    for version in (TLS12, TLS13):
        tls(client_certificate="optional")
        c, known = made(version=version), made(good, version)
        session, of_good = status(c)[1], status(known)[1]
        tap.same(status(c, session)[2], True, f"{version.name}: a session goes on")
        tap.same(status(known, of_good, "/resumed")[2], True,
                 f"{version.name}: so does one with a certificate")
        tls(client_certificate="required")
        tap.ok(status(c, session)[0] != 200, f"{version.name}: not when more is asked for")
    origins.wait(lambda: g.access_log().count("/resumed") >= 2, 5)
    lines = [json.loads(x) for x in g.access_log().splitlines() if "/resumed" in x]
    tap.same([x.get("tls_client") for x in lines], ["CN=good"] * 2,
             "who resumed is known by the certificate of before")


def revoked():
    known = made(bad)
    session = status(known)[1]
    tap.same(status(known, session)[0], 200, "a certificate is good")
    tls(client_crl=ours.revoke(bad))
    each_version("until it is revoked", False, bad)
    tap.ok(status(known, session)[0] != 200, "its sessions are over, too")
    each_version("the others stay good", True, good)
    ours.revoke()
    tap.ok(wait_for(lambda: status(made(bad))[0] == 200), "a list that changes is read by itself")


def faults():
    for key, value, why in (("client_ca", "/nowhere", "No such file"),
                            ("client_ca", server["key"], "no certificate"),
                            ("client_crl", ours.file, "no revocation list")):
        answer = json.dumps(tls(**{key: value}))
        tap.ok(f"/listeners/http/tls/{key}: " in answer and why in answer,
               f"{key}: {why} is a fault", answer)
        tls(client_ca=ours.file, client_crl=ours.path("crl.pem"))
    tap.same(status(made(good))[0], 200, "and changes nothing")


tap.facts(required, optional, logged, sessions, revoked, faults)
g.end()
origins.close()
tap.done()
