#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""One of three origins fails under load, each way in which origins fail: which requests fail with it,
that none is sent twice which must not be, that it is left alone in time, and taken back."""

import collections
import json
import shutil
import socket
import tempfile
import threading
import time

from lib import dns, tap, wire
from lib.gateway import Gateway, reserve_port
from lib.mortal import Mortal

HOSTS = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
GETS, POSTS = 4, 2  # clients, each with one request in flight
IN_FLIGHT = GETS + POSTS
PAUSE_SECONDS = 0.003
FAILURES = 3  # in a row eject a target
RETRIES = 3  # the default of retries.attempts
EJECT_SECONDS = 1
PATIENCE_SECONDS = 20

UPSTREAM = {
    "timeouts": {"connect": "300ms", "response": "500ms"},
    "down_for": "200ms",
    "outlier_detection": {"consecutive_failures": FAILURES, "eject_for": f"{EJECT_SECONDS}s",
                          "max_eject_for": f"{EJECT_SECONDS}s"},
}

Result = collections.namedtuple("Result", "method target status body began")


def until(is_so, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_so()


class Load:
    """Steady requests on kept connections; each has a target of its own."""

    def __init__(self, gateway, story):
        self.port, self.story, self.is_over = gateway.port, story, False
        self.lock, self.results, self.number = threading.Lock(), [], 0
        self.open = {}  # by thread: when its request began
        self.threads = [threading.Thread(target=self._run, args=(m,), daemon=True)
                        for m in GETS * ["GET"] + POSTS * ["POST"]]
        for thread in self.threads:
            thread.start()

    def _ask(self, client, method):
        """True when the connection may carry another request."""
        with self.lock:
            self.number += 1
            target = f"/{self.story}/{self.number}"
            began = self.open[threading.get_ident()] = time.monotonic()
        data = wire.get(target) if method == "GET" else wire.post(target, b"once")
        status, body, goes_on = "cut", "", False
        try:
            response = client.ask(data, method)
            if response is not None and response.is_complete:
                status, body = response.status, response.body.decode("latin-1")
                goes_on = response.get("Connection") != "close"
        except (OSError, wire.Cut, wire.Malformed) as e:
            body = repr(e)
        with self.lock:
            self.results.append(Result(method, target, status, body, began))
        return goes_on

    def _run(self, method):
        client = None
        while not self.is_over:
            client = client or wire.Client(self.port)
            if not self._ask(client, method):
                client.close()
                client = None
            time.sleep(PAUSE_SECONDS)

    def so_far(self):
        with self.lock:
            return list(self.results)

    def more(self, count):
        """So many answers from now on; False when they do not come."""
        at = len(self.so_far())
        return until(lambda: len(self.so_far()) >= at + count)

    def settle(self, since):
        """Until all that began before `since` has ended."""
        return until(lambda: all(began > since for began in list(self.open.values())))

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(PATIENCE_SECONDS)
        return self.so_far()


def failed(results, method=None):
    return [r for r in results if r.status != 200 and method in (None, r.method)]


def ejections(gateway):
    return gateway.complaint().count(" upstream.ejected ")


class Story:
    """One way of failing, from a healthy start to a healthy end."""

    def __init__(self, name, upstream=None):
        self.name = name
        self.gateway = Gateway(0, {"gateway": {"workers": 2}},
                               {"targets": [o.address for o in origins], **UPSTREAM,
                                **(upstream or {})})
        self.load = Load(self.gateway, name.replace(" ", "-"))
        self.ejected = 0
        self.before = time.monotonic()  # nobody was ejected yet
        tap.ok(self.all_serve(), f"{name}: all three serve at first", self.last())

    def last(self):
        return f"{self.load.so_far()[-20:]}\n{self.gateway.complaint()}"

    def all_serve(self, count=30):
        """Each of the three answers so many more requests."""
        at = len(self.load.so_far())

        def is_so():
            seen = collections.Counter(r.body for r in self.load.so_far()[at:])
            return all(seen[o.name] >= count for o in origins)
        return until(is_so)

    def is_ejected(self):
        """Waits for it; then nobody meets it until it is to be tried again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            now = time.monotonic()
            if ejections(self.gateway):
                break
            self.before = now
            time.sleep(0.01)
        seen = time.monotonic()
        tap.ok(ejections(self.gateway) > 0, f"{self.name}: it is ejected", self.last())
        self.load.settle(seen)
        self.load.more(60)
        # Begun after the ejection was seen, and before the earliest end that it can have had.
        during = [r for r in self.load.so_far()
                  if seen < r.began < self.before + EJECT_SECONDS - 0.05]
        tap.ok(not failed(during), "and while it is, nobody fails", failed(during))

    def comes_back(self):
        self.ejected = ejections(self.gateway)
        tap.ok(self.all_serve(), f"{self.name}: it comes back without a restart", self.last())
        at = len(self.load.so_far())
        self.load.more(60)
        tap.ok(not failed(self.load.so_far()[at:]), "and nothing fails any more",
               failed(self.load.so_far()[at:]))

    def fails(self, get, post):
        """Which statuses may be seen, of GET and of POST."""
        results = self.load.stop()
        # Of each ejection: as many failures as it takes, and what was in flight then.
        most = (self.ejected + 1) * (FAILURES - 1 + IN_FLIGHT)
        parts = []
        for method, statuses in ("GET", get), ("POST", post):
            bad = failed(results, method)
            tap.ok({r.status for r in bad} <= statuses and len(bad) <= most, f"{self.name}: " +
                   (f"few {method}s fail, with one of {sorted(statuses)}" if statuses else
                    f"no {method} fails"), bad)
            tally = collections.Counter(r.status for r in bad)
            parts.append(f"{sum(r.method == method for r in results)} {method}, " + (
                ", ".join(f"{n} x {s}" for s, n in sorted(tally.items(), key=str)) or "0 failed"))
        tap.diag(f"{self.name}: {'; '.join(parts)}; ejected {self.ejected} x")
        self.sent_once(results)
        self.gateway.end()

    def sent_once(self, results):
        prefix = f"/{self.load.story}/"
        seen = collections.Counter(r for o in origins for r in o.saw() if r[1].startswith(prefix))
        most = {"GET": 1 + RETRIES, "POST": 1}
        often = [r for r, n in seen.items() if n > most[r[0]]]
        tap.ok(not often, "no POST reached origins twice, and no GET more than four times", often)
        good = {r for o in origins if o is not bad for r in o.saw()}
        wrong = [r for r in failed(results, "POST") if (r.method, r.target) in good]
        tap.ok(not wrong, "no POST failed but those that it was sent", wrong)
        lost = [r for r in results if r.status == 200 and not seen[(r.method, r.target)]]
        tap.ok(not lost, "and none was answered that reached none", lost)


def killed():
    s = Story("killed")
    bad.die()
    s.is_ejected()
    bad.live()
    s.comes_back()
    s.fails(set(), {502})


def hung():
    s = Story("hung")
    bad.stop()
    s.is_ejected()
    bad.go_on()
    s.comes_back()
    s.fails({504}, {504})


def hung_and_retried():
    s = Story("hung, retries on timeout",
              {"retries": {"on": ["connect_failure", "reset", "timeout"]}})
    bad.stop()
    s.is_ejected()
    bad.go_on()
    s.comes_back()
    s.fails(set(), {504})


def told(name, mode, get, post, is_found=True):
    s = Story(name)
    bad.become(mode)
    if is_found:
        s.is_ejected()
    else:
        s.load.more(200)
    bad.become("ok")
    s.comes_back()
    s.fails(get, post)
    return s


def slow():
    told("slow", "slow", {504}, {504})


def slow_in_time():
    s = told("slow, but in time", "sluggish", set(), set(), is_found=False)
    tap.same(s.ejected, 0, "who answers in time is not ejected")


def half_open():
    told("half-open", "vanish", {504}, {502, 504})


def kept_from_before():
    """Connections that were idle when the host went, and that it knows nothing of when it is back."""
    upstream = {"targets": [o.address for o in origins], **UPSTREAM}
    gateway = Gateway(0, None, upstream)
    bad.become("sluggish")
    clients = [wire.Client(gateway.port) for _ in range(24)]
    for client in clients:
        client.send(wire.get("/kept"))
    names = collections.Counter(c.response().body.decode() for c in clients)
    tap.ok(names["b"] > FAILURES, "kept: it has idle connections, more than it takes to be ejected",
           names)
    bad.become("vanish")
    while not ejections(gateway):
        clients[0].ask(wire.get("/gone"))
    bad.become("anew")
    answers = []

    def is_back():
        answers.append(clients[0].ask(wire.post("/kept", b"once"), "POST"))
        return [a.body for a in answers].count(b"b") > FAILURES
    tap.ok(until(is_back), "it comes back", gateway.complaint())
    tap.same({a.status for a in answers}, {200}, "and no POST goes into a connection of before")
    gateway.end()
    bad.die()  # what it keeps open would be open for ever
    bad.live()


def refusing():
    told("refusing", "refuse", set(), {502})


def resetting():
    told("resetting", "reset", set(), {502})


def garbage():
    told("garbage", "garbage", {502}, {502})


def served_by(load, names):
    """Who answers, when all in flight is over, is one of these and all of these."""
    def is_so():
        at = len(load.so_far())
        load.more(40)
        return {r.body for r in load.so_far()[at:]} == names
    return until(is_so)


def stale_for(gateway):
    """Look-ups of the name that have failed since the last that did not."""
    return json.loads(gateway.ctl("-j", "status").stdout)["names"][0]["failures"]


def gone_from_dns():
    server = dns.Server()
    server.names["pool.example"] = HOSTS
    gateway = Gateway(0, {"gateway": {"workers": 2},
                          "dns": {"servers": [server.address], "timeout": "500ms",
                                  "min_ttl": "1s"}},
                      {**UPSTREAM, "targets": [f"pool.example:{bad.port}"]})
    load = Load(gateway, "dns")
    tap.ok(served_by(load, set("abc")), "DNS: all addresses of a name serve", gateway.complaint())
    server.names["pool.example"] = [HOSTS[0], HOSTS[2]]
    tap.ok(served_by(load, set("ac")), "one that is gone from it is used no more",
           gateway.complaint())
    server.names["pool.example"] = HOSTS
    tap.ok(served_by(load, set("abc")), "and again when it is back", gateway.complaint())
    del server.names["pool.example"]
    tap.ok(until(lambda: "names.failed" in gateway.complaint()), "the name itself is gone")
    tap.ok(served_by(load, set("abc")), "then its last addresses serve on", gateway.complaint())
    before = stale_for(gateway)
    server.hide()
    tap.ok(until(lambda: stale_for(gateway) > before), "no name server can be reached: it is counted",
           gateway.complaint())
    tap.ok(served_by(load, set("abc")), "and they serve on", gateway.complaint())
    tap.same(gateway.complaint().count(" names.failed "), 1, "all this is told once")
    results = load.stop()
    tap.ok(not failed(results), "and nothing fails over all this", failed(results))
    posts = sum(r.method == "POST" for r in results)
    tap.diag(f"gone from DNS: {len(results) - posts} GET, 0 failed; {posts} POST, 0 failed")
    gateway.end()


def make_origins(directory):
    """Three addresses with one port, so that they can be one name too."""
    while True:
        keep, port = reserve_port(HOSTS[0])
        keeps = [keep]
        try:
            for host in HOSTS[1:]:
                other = socket.socket()
                keeps.append(other)
                other.bind((host, port))
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        except OSError:
            for k in keeps:
                k.close()
            continue
        made = []
        for name, host in zip("abc", HOSTS):
            made.append(Mortal(name, host, port, directory))
            tap.at_end(made[-1].die)
        return keeps, made


tap.start(90)
scratch = tempfile.mkdtemp(prefix="sluice-failures-")
tap.at_end(lambda: shutil.rmtree(scratch, ignore_errors=True))
held, origins = make_origins(scratch)
bad = origins[1]
tap.facts(killed, hung, hung_and_retried, slow, slow_in_time, half_open, kept_from_before, refusing,
          resetting, garbage, gone_from_dns)
tap.done()
