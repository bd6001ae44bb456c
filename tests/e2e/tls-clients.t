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
fancy = ours.alter(
    ours.make("fancy", "c.example", "URI:spiffe://d/a_b_ _", "IP:192.0.2.7", "IP:2001:db8::1",
              "email:me@c.example", serial=0xabcd), (b"a_b_ _", b'a,b" %'))
NAME = b'a\r\nX-Admin: 1, "b"\xc3\xa9'
lines = ours.make("Z" * len(NAME), "URI:x:__X-Admin:1")
lines = ours.alter(lines, (b"Z" * len(NAME), NAME), (b"x:__X", b"x:\r\nX"))
long_ = ours.make("long", *(f"{i}.a-rather-long-name-of-a-host.example" for i in range(60)))
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


def told(client=None, fields="", path="/told", port=None):
    """What the upstream got of the fields that tell of a certificate."""
    with TlsClient(port or g.port, made(client)) as c:
        c.ask(get(path, fields=fields))
    request = origins.requests()[-1]
    return {n.lower(): v for n, v in request.fields if "client" in n.lower()}


SPOOFED = ("X-Client-Cert-Subject: CN=admin\r\nx-client-cert-verified: SUCCESS\r\n"
           "X_Client_Cert_Subject: CN=admin\r\nX-Client_Cert-San: DNS:admin\r\n"
           "X-CLIENT-CERT-ANY: 1\r\nX-Client-Cert-: 2\r\nX-Client-Cert: left alone\r\n")


def headers():
    left = {"x-client-cert": "left alone"}
    tls(client_certificate="optional")
    tap.same(told(fancy, SPOOFED), left, "without client_headers nothing is told, by nobody")
    g.reload(forwarded={"trusted_proxies": ["127.0.0.1"], "x_forwarded": "pass"})
    tap.same(told(fancy, SPOOFED), left, "not even by a trusted proxy")
    g.reload(forwarded={})
    tls(client_headers=True)
    with open(fancy["certificate"], encoding="ascii") as f:
        print_ = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()
    want = {"x-client-cert-verified": "SUCCESS", "x-client-cert-subject": "CN=fancy",
            "x-client-cert-issuer": "CN=sluice test CA", "x-client-cert-serial": "ABCD",
            "x-client-cert-fingerprint": print_,
            "x-client-cert-san": "DNS:c.example, URI:spiffe://d/a%2cb%22%20%25, IP:192.0.2.7, "
                                 "IP:2001:db8::1, email:me@c.example"}
    tap.same(told(fancy), want, "client_headers: the upstream is told of the certificate")
    tap.same(told(fancy, SPOOFED), {**want, **left}, "and what a client says of it is dropped")
    tap.same(told(None, SPOOFED), {"x-client-cert-verified": "NONE", **left},
             "of who showed none that is told, and nothing else")
    chunked = get("/trailer", method="POST", fields="Transfer-Encoding: chunked\r\n") + (
        b"3\r\nabc\r\n0\r\nX-Client-Cert-Subject: CN=admin\r\n\r\n")
    with TlsClient(g.port, made()) as c:
        c.ask(chunked)
    tap.ok("admin" not in repr(vars(origins.requests()[-1])), "nor by a trailer")
    origins.wait(lambda: g.access_log().count("fancy") >= 3, 5)
    line = [json.loads(x) for x in g.access_log().splitlines() if "CN=fancy" in x][-1]
    tap.same([line.get("tls_client_" + k) for k in ("issuer", "serial", "san")],
             [want["x-client-cert-" + k] for k in ("issuer", "serial", "san")],
             "the access log tells the same")


def hostile():
    """Names that would be another line, were they not escaped, and one that is too long."""
    fields = told(lines)
    tap.same(fields.get("x-client-cert-subject"), "CN=a\\0D\\0AX-Admin: 1\\, \\\"b\\\"\\C3\\A9",
             "line ends, commas, quotes and others are escaped")
    tap.same(fields.get("x-client-cert-san"), "URI:x:%0d%0aX-Admin:1",
             "in other names, too")
    origins.wait(lambda: "X-Admin" in g.access_log(), 5)
    tap.ok(all(json.loads(x) for x in g.access_log().splitlines()), "the log stays readable")
    fields = told(long_)
    tap.ok("x-client-cert-san" not in fields and len(fields) == 5,
           "names of more than 2 KiB are left out, rather than cut", fields)


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


tap.facts(required, optional, logged, headers, hostile, sessions, revoked, faults)
g.end()
origins.close()
tap.done()
