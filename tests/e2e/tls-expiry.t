#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What is told of certificates and of connections that speak TLS, and who is warned in time."""

import json
import re
import shutil
import ssl
import tempfile
import time
import urllib.request

from lib import origin, tap
from lib.certs import Authority
from lib.gateway import Gateway, reserve_port
from lib.tls import TlsClient, context, wait_for
from lib.wire import Client, get

DAY = 86400

tap.start(120)
directory = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
authority = Authority(directory)
fresh = authority.make("fresh", "a.example", "b.example", serial=0xab)
rsa = authority.make("rsa", "a.example", kind="rsa", days=20)
soon = authority.make("soon", "soon.example", days=13)
late = authority.make("late", "late.example", days=1)


def ends(pair, seconds):
    """The same, to end that many seconds from now."""
    with open(pair["certificate"], encoding="ascii") as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    at = [i for i in range(len(der)) if der.startswith(b"\x17\x0d", i)][1] + 2
    until = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + seconds)).encode()
    return authority.alter(pair, (der[at:at + 13], until))


ends(late, -DAY)
origins = origin.Origin()
keep_admin, admin_port = reserve_port()
g = Gateway(origins.port, {
    "admin": {"address": f"127.0.0.1:{admin_port}"},
    "listener": {"tls": {"certificates": [{**fresh, "ocsp": authority.ocsp(fresh)}, rsa]},
                 "defer_accept": False}})


def use(*pairs):
    settings = g.conf["listeners"]["http"]["tls"]
    settings["certificates"] = list(pairs)
    return g.reload()


def lines(event):
    return [line for line in g.complaint().splitlines() if event in line]


def certificates():
    return json.loads(g.ctl("-j", "certificate", "show").stdout)["certificates"]


def shown():
    first, second = certificates()
    tap.same((first["listener"], first["names"], first["subject"], first["issuer"],
              first["serial"], first["key"], first["key_bits"]),
             ("http", ["a.example", "b.example"], "CN=fresh", "CN=sluice test CA", "AB",
              "ECDSA", 256), "who it is for, whose it is, who signed it, its key")
    tap.same((first["certificate_file"], first["key_file"]),
             (fresh["certificate"], fresh["key"]), "its files")
    tap.same((first["ocsp"]["file"], first["ocsp"]["state"]),
             (authority.path("response.der"), "told"), "and what is said of it")
    tap.same((second["key"], second["key_bits"], "ocsp" in second), ("RSA", 2048, False),
             "that of another kind")
    with open(rsa["certificate"], encoding="ascii") as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    until = der.split(b"\x17\x0d")[2][:12].decode()
    want = "20{}{}-{}{}-{}{}T{}{}:{}{}:{}{}Z".format(*until)
    tap.same(second["not_after"], want, "until when it is good")
    tap.ok(19 * DAY < second["left_s"] <= 20 * DAY, "and for how long")
    text = g.ctl("certificate", "show").stdout
    tap.ok("a.example b.example at http" in text and "RSA, 2048 bits" in text and
           re.search("in (19|20) days", text) and "told" in text, "as text, too", text)
    tap.ok(re.search(r"certificates +2; a.example ends in (19|20) days", g.ctl("status").stdout),
           "status tells which ends first", g.ctl("status").stdout)


def metrics():
    url = f"http://127.0.0.1:{admin_port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as f:
        text = f.read().decode()
    series = {}
    for line in text.splitlines():
        if line.startswith("sluice_tls_certificate_not_after_seconds{"):
            name, value = line.rsplit(" ", 1)
            series[name.partition("{")[2]] = int(value) - time.time()
    want = {f'listener="http",name="a.example",index="{i}"}}' for i in (0, 1)}
    tap.ok(set(series) == want and
           19 * DAY < series['listener="http",name="a.example",index="1"}'] <= 20 * DAY,
           "/metrics has a gauge for each", series)


def warned():
    tap.same(lines("tls.certificate_"), [], "nobody is warned of three weeks")
    use(fresh, soon, late)
    tap.ok(wait_for(lambda: len(lines("tls.certificate_")) == 2), "but of two of these",
           g.complaint())
    tap.ok(any('name="soon.example"' in x and re.search("days=1[23]", x) and
               soon["certificate"] in x for x in lines("tls.certificate_expires")),
           "one that ends within 14 days", g.complaint())
    tap.ok(any('name="late.example"' in x for x in lines("tls.certificate_expired")),
           "and one that has ended")
    tap.ok("late.example has expired" in g.ctl("status").stdout, "as status says")
    g.reload()
    time.sleep(1.5)
    tap.same(len(lines("tls.certificate_")), 2, "a reload warns of nothing again")
    old = authority.ocsp(fresh, lasts=-30, name="old.der")
    bad = authority.ocsp(soon, soon, name="bad.der")
    use({**fresh, "ocsp": old}, {**soon, "ocsp": bad})
    tap.ok(wait_for(lambda: len(lines("tls.ocsp_not_told")) == 2),
           "of responses that are not told, too", g.complaint())
    tap.same([c["ocsp"]["state"] for c in certificates()], ["not in its time", "not good"],
             "and which they are is shown")


def passing():
    short = ends(authority.make("short", "short.example", days=1), 8)
    before = len(lines("tls.certificate_expired"))
    use(short)
    tap.ok(wait_for(lambda: len(lines("tls.certificate_expired")) > before, 30),
           "when one ends that is in use, it is said then", g.complaint())


def connections():
    use(fresh)
    with TlsClient(g.port, context(authority.file, alpn=["http/1.1"]), name="b.example") as c, \
            Client(g.port) as silent:
        c.ask(get("/"))
        found = json.loads(g.ctl("-j", "connection", "show").stdout)["connections"]
        one = [x for x in found if x["port"] == c.sock.getsockname()[1]]
        other = [x for x in found if x["port"] == silent.sock.getsockname()[1]]
        told = one[0].get("tls") if one else {}
        tap.same({k: told.get(k) for k in ("version", "cipher", "name", "alpn")},
                 {"version": "TLSv1.3", "cipher": c.sock.cipher()[0], "name": "b.example",
                  "alpn": "http/1.1"}, "of a connection what was agreed on")
        tap.ok(other and "tls" not in other[0], "of one before its handshake nothing", found)
        text = g.ctl("connection", "show").stdout
        tap.ok("TLSv1.3" in text and "b.example" in text, "in the table, too", text)


tap.facts(shown, metrics, warned, passing, connections)
g.end()
origins.close()
tap.done()
