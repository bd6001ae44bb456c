#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""New certificates and keys while clients are served, and sessions that outlive a reload."""

import os
import shutil
import ssl
import tempfile
import threading
import time

from lib import origin, tap
from lib.certs import Authority
from lib.gateway import Gateway, reserve_port
from lib.tls import TlsClient, context, wait_for
from lib.wire import Client, get

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
RELOADS = 100

tap.start(240)
directory = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
os.chmod(directory, 0o755)
authority = Authority(directory)
pair = authority.make("a", "a.example", serial=1)
pairs = {n: authority.make(f"spare{n}", "a.example", serial=n) for n in range(2, 6)}
origins = origin.Origin()
keep_other, other_port = reserve_port()
LISTENERS = {"other": {"address": f"127.0.0.1:{other_port}", "tls": {"certificates": [pair]}}}


def make(**tls):
    g = Gateway(origins.port, {"gateway": {"workers": 2},
                               "listener": {"tls": {"certificates": [pair], **tls}}})
    return g


g = make()
g.conf["listeners"].update(LISTENERS)
g.reload()


def use(number):
    """The files of another pair, moved into place one after the other."""
    for kind in ("certificate", "key"):
        shutil.copy(pairs[number][kind], pair[kind] + ".next")
        os.rename(pair[kind] + ".next", pair[kind])


def serial_now(port=None):
    with TlsClient(port or g.port, context(authority.file)) as c:
        return c.serial()


class Load:
    """Kept connections and new ones, until it is told to end; what failed."""

    def __init__(self):
        self.made = context(authority.file)
        self.is_over, self.failed, self.answered = False, [], 0
        self.threads = [threading.Thread(target=self.run, args=(f,), daemon=True)
                        for f in (self.keep, self.keep, self.renew, self.renew)]
        for t in self.threads:
            t.start()

    def run(self, function):
        try:
            function()
        except Exception as e:
            self.failed.append(repr(e))

    def ask(self, c):
        r = c.ask(get("/load"))
        if r is None or r.status != 200 or not r.is_complete:
            self.failed.append(repr(r))
        self.answered += 1

    def keep(self):
        with TlsClient(g.port, self.made) as c:
            while not self.is_over:
                self.ask(c)

    def renew(self):
        while not self.is_over:
            with TlsClient(g.port, self.made) as c:
                self.ask(c)

    def end(self):
        self.is_over = True
        for t in self.threads:
            t.join(20)


def under_load():
    load = Load()
    for i in range(RELOADS):
        use(2 + i % 2)
        answer = g.reload()
        if not answer.get("ok", True):
            load.failed.append(repr(answer))
    wanted = 2 + (RELOADS - 1) % 2
    serial = serial_now()
    load.end()
    tap.same(load.failed, [], f"{RELOADS} reloads with another certificate: nothing fails")
    tap.ok(load.answered > RELOADS, "while there is load", load.answered)
    tap.same(serial, wanted, "the last one is in use")


def by_signal():
    use(4)
    g.process.send_signal(1)
    tap.ok(wait_for(lambda: serial_now() == 4), "HUP does the same")


def by_themselves():
    with TlsClient(g.port, context(authority.file)) as c:
        c.ask(get("/"))
        was = c.serial()  # a worker that was slow to hear of HUP may have taken it in
        use(5)
        tap.ok(wait_for(lambda: serial_now() == 5), "files that change are read by themselves")
        tap.same(serial_now(other_port), 5, "for all listeners that name them")
        tap.same((c.ask(get("/")).status, c.serial()), (200, was), "and no connection ends")


def refused():
    def told():
        return g.complaint().count("reload.refused")

    before = told()
    shutil.copy(pairs[3]["certificate"], pair["certificate"])
    tap.ok(wait_for(lambda: told() > before), "a certificate without its key is told of")
    tap.ok("is not the key of its certificate" in g.complaint(), "by its reason", g.complaint())
    time.sleep(3)
    tap.same((serial_now(), told()), (5, before + 1), "once, and the one before goes on")
    shutil.copy(pairs[3]["key"], pair["key"])
    tap.ok(wait_for(lambda: serial_now() == 3), "with its key it comes into use")
    os.rename(pair["key"], pair["key"] + ".away")
    tap.ok(wait_for(lambda: told() > before + 1), "a file that goes is told of")
    tap.same(serial_now(), 3, "and changes nothing")
    os.rename(pair["key"] + ".away", pair["key"])
    wait_for(lambda: g.complaint().count("refreshed"))


def begin(port, version):
    with TlsClient(port, context(authority.file, version=version)) as c:
        c.ask(get("/"))
        return c.sock.context, c.sock.session


def goes_on(port, made, session):
    with TlsClient(port, made, session=session) as c:
        return c.ask(get("/")).status == 200 and c.sock.session_reused


def sessions():
    for version in (TLS12, TLS13):
        made, session = begin(g.port, version)
        tap.ok(goes_on(g.port, made, session), f"{version.name}: a session goes on")
        g.reload()
        tap.ok(goes_on(g.port, made, session), f"{version.name}: after a reload, too")
        tap.ok(not goes_on(other_port, made, session), f"{version.name}: not at another listener")


def rotate(one, two, keys):
    """The files themselves change, as whoever hands them out to hosts does it."""
    two.conf["listeners"]["http"]["tls"]["ticket_keys"] = [keys[0], keys[1]]
    two.reload()
    made, session = begin(one.port, TLS13)
    next_key = os.urandom(48)
    for path, data in ((keys[1], keys[0]), (keys[0], None)):
        with open(path + ".new", "wb") as f:
            f.write(next_key if data is None else open(data, "rb").read())
        os.rename(path + ".new", path)

    def is_known(port):
        return goes_on(port, *begin(one.port, TLS12))

    tap.ok(wait_for(lambda: not goes_on(one.port, made, session)),
           "a key that changes in its file is another one")
    tap.ok(wait_for(lambda: is_known(two.port)), "for all who have the file, a short one, too")
    tap.ok(goes_on(two.port, made, session), "and the one before still opens where it is kept")
    for path in keys[:2]:
        with open(path, "wb") as f:
            f.write(os.urandom(80))
    two.conf["listeners"]["http"]["tls"]["ticket_keys"] = [keys[1], keys[0]]
    two.reload()
    one.reload()


def shared_keys():
    keys = [os.path.join(directory, f"ticket{i}") for i in range(3)]
    for path in keys:
        with open(path, "wb") as f:
            f.write(os.urandom(80))
    one, two = make(ticket_keys=keys[:1]), make(ticket_keys=[keys[1], keys[0]])
    for version in (TLS12, TLS13):
        made, session = begin(one.port, version)
        tap.ok(goes_on(two.port, made, session),
               f"{version.name}: with the same keys another gateway goes on with it")
        tap.ok(not goes_on(g.port, made, session), f"{version.name}: and with others none does")
    rotate(one, two, keys)
    made, session = begin(two.port, TLS13)
    tap.ok(not goes_on(one.port, made, session), "nor one that has the first key only")
    two.conf["listeners"]["http"]["tls"]["ticket_keys"] = [keys[2]]
    two.reload()
    tap.ok(not goes_on(two.port, made, session), "nor when the key was taken away")
    two.conf["listeners"]["http"]["tls"].update(session_tickets=False)
    del two.conf["listeners"]["http"]["tls"]["ticket_keys"]
    two.reload()
    for version in (TLS12, TLS13):
        made, session = begin(two.port, version)
        tap.ok(not session or not session.has_ticket, f"{version.name}: no tickets when off")
    for gateway in (one, two):
        gateway.end()


def to_plain_and_back():
    tls = g.conf["listeners"]["other"].pop("tls")
    with TlsClient(other_port, context(authority.file)) as sealed, Client(other_port) as late:
        sealed.ask(get("/"))
        g.reload()
        with Client(other_port) as c:
            tap.same(c.ask(get("/")).status, 200, "a listener becomes a plain one")
            tap.same(sealed.ask(get("/")).status, 200, "who speaks TLS goes on with it")
            g.conf["listeners"]["other"]["tls"] = tls
            g.reload()
            tap.same(c.ask(get("/")).status, 200, "and plain, when it speaks TLS again")
            tap.same(serial_now(other_port), 3, "to those who come now")
        late.close()


def modern():
    g.conf["listeners"]["other"]["tls"]["profile"] = "modern"
    g.reload()
    with TlsClient(other_port, context(authority.file, version=TLS13)) as c:
        tap.same(c.ask(get("/")).status, 200, "modern: TLS 1.3")
    try:
        TlsClient(other_port, context(authority.file, version=TLS12))
        tap.ok(False, "modern: not TLS 1.2")
    except (ssl.SSLError, ConnectionError) as e:
        tap.ok("protocol version" in str(e), "modern: not TLS 1.2", e)


tap.facts(under_load, by_signal, by_themselves, refused, sessions, shared_keys, to_plain_and_back,
          modern)
g.end()
origins.close()
tap.done()
