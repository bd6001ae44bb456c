#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Policy mtls: consumers by their certificates; and tokens that are good with one alone."""

import hashlib
import json
import os
import ssl
import tempfile
import time

from lib import jwt, origin, tap
from lib.certs import Authority
from lib.gateway import Gateway, reserve_port
from lib.tls import TlsClient, context
from lib.wire import Client, get

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
CHALLENGE = 'Certificate realm="sluice"'


def digest(pair):
    with open(pair["certificate"], encoding="ascii") as f:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read()))


def bound(pair, **more):
    """A token that is good with that certificate alone."""
    cnf = {"x5t#S256": jwt.b64(digest(pair).digest())}
    return key.token({"sub": "token", "exp": int(time.time()) + 600, "cnf": cnf, **more})


def made(pair=None, version=TLS13):
    its = context(ours.file, version=version)
    if pair:
        its.load_cert_chain(pair["certificate"], pair["key"])
    return its


def ask(pair, path, fields="", version=TLS13):
    with TlsClient(g.port, made(pair, version)) as client:
        return client.ask(get(path, fields=fields))


def told():
    """Of whom the origin was told last."""
    fields = origins.requests()[-1]
    return fields.all("x-consumer-username"), fields.all("x-anonymous-consumer")


def bearer(token):
    return f"Authorization: Bearer {token}\r\n"


def known():
    for version in (TLS12, TLS13):
        for pair, name, how in ((by_print, "print", "its fingerprint"), (by_san, "san", "a name"),
                                (by_uri, "san", "a URI, behind a name of nobody's"),
                                (by_subject, "subject", "its subject"),
                                (by_all, "print", "its fingerprint before its names")):
            tap.same(ask(pair, "/mtls", "X-Consumer-Username: root\r\n", version).status, 200,
                     f"{version.name}: a consumer is known by {how}")
            tap.same(told(), ([name], []), "and the upstream is told who it is")
    same = made(by_san)
    with TlsClient(g.port, same) as client:
        tap.same([client.ask(get("/mtls")).status for _ in range(3)], [200] * 3, "it is kept")
        session = client.sock.session
    with TlsClient(g.port, same, session=session) as client:
        tap.same((client.ask(get("/mtls")).status, client.sock.session_reused, told()[0]),
                 (200, True, ["san"]), "resumed, it is still the same consumer")


def kept_out():
    nr = len(origins.requests())
    cases = (("certificate_missing", None, "/mtls"), ("certificate_unknown", nobodys, "/mtls"),
             ("certificate_disabled", off, "/mtls"), ("certificate_unknown", nobodys, "/perhaps"),
             ("certificate_disabled", off, "/any"))
    bodies = set()
    for why, pair, path in cases:
        answer = ask(pair, path)
        tap.same((answer.status, answer.get("www-authenticate")), (401, CHALLENGE),
                 f"{why}: {path}")
        problem = json.loads(answer.body)
        problem.pop("request_id")
        bodies.add(json.dumps(problem))
    tap.same(len(bodies), 1, "the answer is the same, whatever was wrong")
    tap.same(len(origins.requests()), nr, "the origin saw none of them")
    with Client(plain) as client:
        tap.same(client.ask(get("/mtls")).status, 401, "on a plain listener nobody has shown any")
        spoofed = ("X-Client-Cert-Verified: SUCCESS\r\n"
                   f"X-Client-Cert-Fingerprint: {digest(by_print).hexdigest()}\r\n")
        tap.same(client.ask(get("/mtls", fields=spoofed)).status, 401, "whatever its fields say")

    def words():
        lines = [json.loads(x) for x in g.access_log().splitlines()]
        return [x.get("error") for x in lines if x.get("status") == 401]
    want = [x[0] for x in cases] + ["certificate_missing"] * 2
    tap.ok(origins.wait(lambda: words() == want, 5), "the log says why", words())


def optional():
    tap.same((ask(None, "/perhaps").status, told()), (200, ([], ["true"])), "nobody, where it may")
    tap.same((ask(by_san, "/perhaps").status, told()[0]), (200, ["san"]), "somebody is known")
    tap.same((ask(nobodys, "/any").status, told()[0]), (200, []), "one of nobody's, where it may")
    tap.same(ask(nobodys, "/group").status, 401, "and is in no group")
    tap.same((ask(by_san, "/group").status, ask(by_subject, "/group").status), (200, 403),
             "groups are the consumer's")
    tap.same((ask(by_san, "/either").status, ask(None, "/either", "X-Api-Key: k\r\n").status,
              ask(None, "/either").status), (200, 200, 401), "a certificate or a key")


def tokens():
    """RFC 8705, section 3."""
    token = bound(by_san)
    for turn in ("at first", "again"):
        tap.same([ask(pair, "/token", bearer(token)).status for pair in (by_san, by_print, None)],
                 [200, 401, 401], f"good with its own certificate, no other and not none, {turn}")
    tap.same(told()[0], ["token"], "the consumer is the token's")
    with Client(plain) as client:
        tap.same(client.ask(get("/token", fields=bearer(token))).status, 401, "in the clear")
    free = key.token({"sub": "token", "exp": int(time.time()) + 600})
    tap.same((ask(None, "/token", bearer(free)).status, ask(by_san, "/bound", bearer(free)).status,
              ask(by_san, "/bound", bearer(token)).status), (200, 401, 200),
             "one that is not bound is refused only where it has to be")
    exact = jwt.b64(digest(by_san).digest())
    for cnf in ({"jkt": exact}, {"x5t#S256": exact, "jkt": exact}, {}, {"x5t#S256": exact[:-1]},
                {"x5t#S256": exact + "="}, {"x5t#S256": 1}, {"x5t#S256": ""}, "x5t#S256", None,
                [], {"x5t#s256": exact}, {"x5t": exact},
                {"x5t#S256": digest(by_san).hexdigest()}):
        tap.same(ask(by_san, "/token", bearer(bound(by_san, cnf=cnf))).status, 401, f"cnf {cnf}")


def changed():
    with TlsClient(g.port, made(by_san)) as kept:
        tap.same(kept.ask(get("/mtls")).status, 200, "a consumer is known")
        consumers = {**g.conf["consumers"]}
        del consumers["san"]
        tap.ok(g.reload(consumers=consumers)["reloaded"], "a reload takes it away")
        answer = kept.ask(get("/mtls"))
        tap.ok(answer is None or answer.status == 401, "on its kept connection, too", answer)
    tap.same(ask(by_san, "/mtls").status, 401, "and on a new one")
    tap.same(ask(by_print, "/mtls").status, 200, "others stay")


tap.start(120)
with tempfile.TemporaryDirectory(prefix="sluice-mtls-") as root:
    ours, key = Authority(root), jwt.Key(root, "rsa")
    server = ours.make("server", "a.example")
    by_print, by_san = ours.make("printed", "x.example"), ours.make("named", "billing.example")
    by_uri = ours.make("uri", "other.example", "URI:spiffe://d/billing")
    by_subject, nobodys = ours.make("subject", "y.example"), ours.make("nobody", "z.example")
    for kind, path in by_subject.items():  # the next one has the same name
        by_subject[kind] = path + ".first"
        os.rename(path, by_subject[kind])
    by_all, off = ours.make("subject", "billing.example"), ours.make("off", "off.example")
    keys = os.path.join(root, "keys.json")
    jwt.save(keys, jwt.key_set(key))
    colons = digest(by_print).hexdigest().upper()
    origins = origin.Origin()

    def route(name, *policies):
        return {"name": name, "match": {"path": f"/{name}"}, "policies": list(policies),
                "upstream": "origin"}
    token_of = {"jwks_file": keys, "consumer_claim": "sub"}
    g = Gateway(origins.port, {
        "listener": {"tls": {"certificates": [server], "client_ca": ours.file,
                             "client_certificate": "optional"}},
        "consumers": {
            "print": {"certificates": [
                {"sha256": ":".join(colons[i:i + 2] for i in range(0, 64, 2))},
                {"sha256": digest(by_all).hexdigest()}]},
            "san": {"groups": ["gold"], "certificates": [{"san": "DNS:billing.example"},
                                                         {"san": "URI:spiffe://d/billing"}]},
            "subject": {"certificates": [{"subject": "CN=subject"}]},
            "off": {"enabled": False, "certificates": [{"san": "DNS:off.example"}]},
            "token": {"api_keys": [{"sha256": hashlib.sha256(b"k").hexdigest()}]}},
        "policies": {"shown": [{"mtls": {}}], "keyed": [{"key_auth": {}}]},
        "routes": [route("mtls", {"mtls": {}}), route("perhaps", {"mtls": {"optional": True}}),
                   route("any", {"mtls": {"consumer_optional": True}}),
                   route("group", {"mtls": {"consumer_optional": True}},
                         {"require": {"groups": ["gold"]}}),
                   route("either", {"any_of": ["shown", "keyed"]}),
                   route("token", {"jwt": token_of}),
                   route("bound", {"jwt": {**token_of, "certificate_bound": True}})]})
    keep, plain = reserve_port()
    g.reload(listeners={**g.conf["listeners"], "plain": {"address": f"127.0.0.1:{plain}"}})
    known()
    kept_out()
    optional()
    tokens()
    changed()
    keep.close()
    tap.same(g.stop(), 0, "it ends in good order")
tap.done()
