#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Records that the kernel seals and opens: kernel_tls, from a listener's first byte to its last."""

import hashlib
import json
import os
import random
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

from lib import origin, tap
from lib.certs import Authority
from lib.gateway import BUILD, Gateway, reserve_port
from lib.tls import SlowTls, TlsClient, context, wait_for
from lib.wire import get, post

SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
CIPHERS_1_2 = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
               "ECDHE-ECDSA-CHACHA20-POLY1305")
SMALL, LARGE = 200, 1_000_003
HUGE = 5_000_003 if os.environ.get("SLUICE_SLOW") else 100_000_003
DATA = random.Random(7).randbytes(HUGE)


def serve(conn):
    """/N is a body of N bytes; what is posted is answered by its hash."""
    while True:
        request = conn.request()
        if not request:
            return
        if request.body:
            conn.send(origin.answer(hashlib.sha256(request.body).hexdigest().encode()))
            continue
        size = int(request.target[1:] or 0)
        conn.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
        conn.send(memoryview(DATA)[:size])


def digest(size):
    return hashlib.sha256(memoryview(DATA)[:size]).hexdigest()


def kernel_state():
    probe = json.loads(subprocess.run([os.path.join(BUILD, "sluicectl"), "-j", "feature", "probe"],
                                      capture_output=True, text=True, timeout=30,
                                      check=False).stdout)
    return [f for f in probe["features"] if f["name"] == "kTLS"][0]


directory = tempfile.mkdtemp(prefix="sluice-ktls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
tap.start(240)
authority = Authority(directory)
pair = authority.make("a", "a.example")
origins = origin.Origin(serve)
state = kernel_state()
can = state["state"] == "ok"
modes = ("auto", "off", "require") if can else ("auto", "off")
kept = {mode: reserve_port() for mode in modes}
g = Gateway(origins.port, {"listeners": {
    mode: {"address": f"127.0.0.1:{kept[mode][1]}",
           "tls": {"certificates": [pair], "kernel_tls": mode}} for mode in modes}})


def stat(name):
    """Of the kernel: how many sockets it was handed so far."""
    with open("/proc/net/tls_stat", encoding="ascii") as f:
        return dict(line.split() for line in f)[name]


def sockets():
    return {way: int(stat(f"Tls{way}Sw")) for way in ("Tx", "Rx")}


def grown(before):
    return {way: n - before[way] for way, n in sockets().items()}


def client(mode, **how):
    return TlsClient(kept[mode][1], context(authority.file, **how))


def curl(mode, size, suite=None):
    """The status and the hash of what it got."""
    command = ["curl", "-sS", "-m", "90", "--cacert", authority.file, "--resolve",
               f"a.example:{kept[mode][1]}:127.0.0.1"]
    if suite:
        command += ["--tls13-ciphers", suite]
    out = subprocess.run([*command, f"https://a.example:{kept[mode][1]}/{size}"],
                         capture_output=True, timeout=100, check=False)
    if out.returncode:
        tap.diag(out.stderr.decode(errors="replace"))
    return out.returncode, hashlib.sha256(out.stdout).hexdigest()


def large_bodies():
    for suite in SUITES:
        before = sockets()
        tap.same(curl("auto", LARGE, suite), (0, digest(LARGE)), f"auto, {suite}: a large body")
        tap.same(grown(before), {"Tx": 1, "Rx": 0}, f"auto, {suite}: the kernel seals it")
    before = sockets()
    tap.same(curl("auto", SMALL), (0, digest(SMALL)), "auto: a small body")
    tap.same(grown(before), {"Tx": 0, "Rx": 0}, "auto: it is not worth the kernel's while")
    tap.same(curl("off", LARGE), (0, digest(LARGE)), "off: a large body")
    tap.same(grown(before), {"Tx": 0, "Rx": 0}, "off: the kernel has no part in it")


def both_ways():
    for suite in SUITES:
        before = sockets()
        for size in (SMALL, LARGE):
            tap.same(curl("require", size, suite), (0, digest(size)),
                     f"require, {suite}: {size} bytes")
        tap.same(grown(before), {"Tx": 2, "Rx": 2}, f"require, {suite}: by the kernel both ways")
    tap.same(curl("require", HUGE), (0, digest(HUGE)), f"require: {HUGE} bytes")
    tap.same(curl("auto", HUGE), (0, digest(HUGE)), f"auto: {HUGE} bytes")


def kept_connections():
    """The switch is between requests, and in the middle of many."""
    for mode in modes:
        with client(mode) as c:
            sizes = (SMALL, 0, LARGE, SMALL, 300_000, LARGE, SMALL)
            got = [hashlib.sha256(c.ask(get(f"/{n}")).body).hexdigest() for n in sizes]
            tap.same(got, [digest(n) for n in sizes], f"{mode}: answers large and small")
            r = c.ask(post("/up", DATA[:LARGE]))
            tap.same(r.body.decode(), digest(LARGE), f"{mode}: a large body up")
            sizes = (SMALL, LARGE, SMALL, SMALL, 70_000)
            c.send(b"".join(get(f"/{n}") for n in sizes))
            got = [hashlib.sha256(c.response().body).hexdigest() for n in sizes]
            tap.same(got, [digest(n) for n in sizes], f"{mode}: pipelined")
            for byte in get(f"/{SMALL}"):
                c.sock.send(bytes([byte]))
            tap.same(len(c.response().body), SMALL, f"{mode}: a request, a byte a record")


def resumed():
    for mode in modes:
        with client(mode) as c:
            c.ask(get("/1"))
            session = c.sock.session
        made = context(authority.file)
        with client(mode) as c:
            c.ask(get("/1"))
            made, session = c.sock.context, c.sock.session
        with TlsClient(kept[mode][1], made, session=session) as c:
            got = c.ask(get(f"/{LARGE}"))
            tap.same((c.sock.session_reused, hashlib.sha256(got.body).hexdigest()),
                     (True, digest(LARGE)), f"{mode}: a session that is gone on with")


def with_finished(mode, data, cut=0, pause=0.3):
    """A client whose first request comes in one packet with the end of its handshake; of what it
    sends the last bytes come later."""
    raw = socket.create_connection(("127.0.0.1", kept[mode][1]), 20)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    slow = SlowTls(raw, context(authority.file))
    while True:
        try:
            slow.ssl.do_handshake()
            break
        except ssl.SSLWantReadError:
            slow.flush(1 << 20)
            slow.incoming.write(raw.recv(1 << 16))
    for i in range(0, len(data), 16000):
        slow.ssl.write(data[i:i + 16000])
    flight = slow.outgoing.read()
    raw.sendall(flight[:len(flight) - cut])
    if cut:
        time.sleep(pause)
        raw.sendall(flight[len(flight) - cut:])
    return slow


def read_answer(slow):
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += slow.run(slow.ssl.read, 1 << 16)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += slow.run(slow.ssl.read, 1 << 16)
    return body


def early_requests():
    for mode in ("auto", "require"):
        for what, cut in (("whole", 0), ("without its last byte", 1), ("cut in half", 60),
                          ("with two bytes of its header", len(get(f"/{SMALL}")) + 17 + 3)):
            slow = with_finished(mode, get(f"/{SMALL}"), cut)
            first = len(read_answer(slow))
            slow.run(slow.ssl.write, get(f"/{LARGE}"))
            tap.same((first, hashlib.sha256(read_answer(slow)).hexdigest()),
                     (SMALL, digest(LARGE)), f"{mode}: a request with Finished, {what}")
            slow.raw.close()
        for size in (3000, 12_000, 40_000):
            slow = with_finished(mode, post("/up", DATA[:size]), 7)
            tap.same(read_answer(slow).decode(), digest(size),
                     f"{mode}: a body of {size} bytes with Finished")
            slow.raw.close()


def ends():
    for mode in ("auto", "require"):
        for size in (SMALL, LARGE):
            with client(mode) as c:
                r = c.ask(get(f"/{size}", fields="Connection: close\r\n"))
                tap.same((len(r.body), c.fill(), c.was_reset), (size, False, False),
                         f"{mode}: {size} bytes end with close_notify")
            with client(mode) as c:
                c.ask(get(f"/{size}"))
                c.sock.unwrap()
                tap.ok(True, f"{mode}: {size} bytes, and the client's close_notify is answered")
        broken = counter("connections_closed_error")
        with client(mode) as c:
            c.ask(get(f"/{LARGE}"))
        wait_for(lambda: counter("connections_closed_error") > broken, 5)
        tap.same(counter("connections_closed_error"), broken + 1,
                 f"{mode}: a FIN without it is an error")
        raw = with_finished(mode, get(f"/{LARGE}"))
        read_answer(raw)
        raw.raw.sendall(b"\x17\x03\x03\x00\x30" + bytes(48))
        try:
            raw.run(raw.ssl.read, 100)
            tap.ok(False, f"{mode}: a forged record ends it")
        except (ssl.SSLError, ConnectionError) as e:
            tap.ok("BAD_RECORD_MAC" in str(e), f"{mode}: a forged record ends it, by an alert", e)
        raw.raw.close()


def counter(name):
    return json.loads(g.ctl("-j", "status").stdout)["counters"][name]


class Talk:
    """openssl s_client, which makes new keys when told to: K asks us for new ones, too."""

    def __init__(self, mode, *words):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{kept[mode][1]}", "-servername",
             "a.example", "-CAfile", authority.file, "-msg", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        tap.at_end(self.process.kill)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.out = b""

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def sees(self, what, seconds=15):
        def look():
            self.out += self.process.stdout.read() or b""
            return what in self.out

        return wait_for(look, seconds)

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.out += self.process.stdout.read() or b""
        self.process.stdout.close()
        return self.out


NOTIFY = b"<<< TLS 1.3, Alert [length 0002], warning close_notify"


def new_keys():
    for mode, word, before, goes_on in (
            ("auto", b"k", SMALL, True), ("auto", b"K", SMALL, True), ("auto", b"k", LARGE, True),
            ("auto", b"K", LARGE, False), ("require", b"k", SMALL, False),
            ("require", b"K", SMALL, False)):
        what = f"{mode}, {word.decode()} after {before} bytes"
        c = Talk(mode)
        c.send(get(f"/{before}"))
        c.sees(b"HTTP/1.1 200 OK")
        c.sees(DATA[before - 20:before])
        c.out = b""
        c.send(word + b"\n")
        c.sees(b"KEYUPDATE")
        if goes_on:
            time.sleep(0.5)
            c.send(get(f"/{LARGE}"))
            tap.ok(c.sees(DATA[LARGE - 20:LARGE]), f"{what}: it goes on")
        else:
            tap.ok(c.sees(NOTIFY), f"{what}: it ends with close_notify")
        out = c.end()
        tap.ok(b"bad record mac" not in out and b"fatal" not in out, f"{what}: nothing breaks",
               b"\n".join(x for x in out.splitlines() if b"Alert" in x or b"error" in x))


def new_keys_meanwhile():
    """What is begun is finished."""
    for mode in ("auto", "require"):
        c = Talk(mode)
        c.send(get(f"/{3 * LARGE}"))
        c.sees(b"HTTP/1.1 200 OK")
        c.send(b"K\n")
        tap.ok(c.sees(DATA[3 * LARGE - 20:3 * LARGE]) and c.sees(NOTIFY),
               f"{mode}: new keys during an answer end the connection behind it", c.out[-300:])
        c.end()


def older_version():
    for cipher in CIPHERS_1_2:
        for mode, want in (("auto", {"Tx": 1, "Rx": 0}), ("require", {"Tx": 1, "Rx": 1})):
            before = sockets()
            with client(mode, version=ssl.TLSVersion.TLSv1_2, ciphers=cipher) as c:
                got = [hashlib.sha256(c.ask(get(f"/{n}")).body).hexdigest()
                       for n in (SMALL, SMALL, LARGE, SMALL, LARGE)]
                up = c.ask(post("/up", DATA[:LARGE])).body.decode()
                r = c.ask(get("/1", fields="Connection: close\r\n"))
                tap.same((got, up), ([digest(n) for n in (SMALL, SMALL, LARGE, SMALL, LARGE)],
                                     digest(LARGE)), f"{mode}, {cipher}: bodies")
                tap.same((len(r.body), c.fill(), c.was_reset), (1, False, False),
                         f"{mode}, {cipher}: it ends with close_notify")
            tap.same(grown(before), want, f"{mode}, {cipher}: by the kernel")
    for mode in ("auto", "require"):
        c = Talk(mode, "-tls1_2", "-legacy_renegotiation")
        c.send(get(f"/{LARGE}"))
        c.sees(DATA[LARGE - 20:LARGE])
        c.send(b"R\n")
        tap.ok(c.sees(b"warning no_renegotiation"), f"{mode}: a renegotiation is refused")
        c.end()


def cpu_seconds():
    with open(f"/proc/{g.process.pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def half_a_record():
    """Nobody works while the rest of a record does not come."""
    for mode in ("auto", "require"):
        slow = with_finished(mode, get(f"/{LARGE}"))
        read_answer(slow)
        slow.ssl.write(get(f"/{SMALL}"))
        record = slow.outgoing.read()
        slow.raw.sendall(record[:30])
        time.sleep(0.2)
        before = cpu_seconds()
        time.sleep(2)
        spent = cpu_seconds() - before
        tap.ok(spent < 0.8, f"{mode}: half a record costs nothing", f"{spent} s of 2")
        slow.raw.sendall(record[30:])
        tap.same(len(read_answer(slow)), SMALL, f"{mode}: and the rest is waited for")
        slow.raw.close()


def shown(c):
    port = c.sock.getsockname()[1]
    found = json.loads(g.ctl("-j", "connection", "show").stdout)["connections"]
    return [x["tls"] for x in found if x["port"] == port][0]


def told():
    """Who seals and opens is said of each connection, and counted."""
    counts = {name: counter(f"tls_kernel_{name}") for name in ("sent", "both", "none")}
    with client("auto") as c:
        c.ask(get("/1"))
        tap.same(shown(c), {"version": "TLSv1.3", "records": "userspace",
                            "reason": "no large body was sent yet"}, "auto: not yet")
        c.ask(get(f"/{LARGE}"))
        tap.same((shown(c)["records"], shown(c)["reason"]), ("kernel-sent", None),
                 "auto: those that are sent")
        table = g.ctl("connection", "show").stdout
        tap.ok("RECORDS" in table and " kernel-sent " in table, "in the table too", table)
    with client("require") as c:
        c.ask(get("/1"))
        tap.same((shown(c)["records"], shown(c)["reason"]), ("kernel", None), "require: all")
    with client("off") as c:
        c.ask(get(f"/{LARGE}"))
        tap.same(shown(c)["reason"], "kernel_tls is off", "off: none, and why")
    tap.same({name: counter(f"tls_kernel_{name}") - n for name, n in counts.items()},
             {"sent": 1, "both": 1, "none": 0}, "each is counted")
    tap.ok(all(name in state["text"] for name in ("AES-128-GCM", "CHACHA20-POLY1305")),
           "feature probe names the ciphers", state)
    tap.same([x["tls"]["lost"] for x in json.loads(g.ctl("-j", "status").stdout)["listeners"]],
             [None] * 3, "status: nothing is lost")


def lost():
    """What a kernel without it means: told, and refused where it is required."""
    tap.ok("tls.kernel_lost" in g.complaint() and state["text"] in g.complaint(),
           "auto: the log says what is lost", g.complaint())
    listeners = json.loads(g.ctl("-j", "status").stdout)["listeners"]
    tap.same({x["name"]: x["tls"]["lost"] for x in listeners},
             {"auto": state["text"], "off": None}, "and so does status")
    tap.ok(state["text"] in g.ctl("status").stdout, "in the text too")
    tap.same(curl("auto", LARGE), (0, digest(LARGE)), "auto: a large body all the same")
    with client("auto") as c:
        c.ask(get(f"/{LARGE}"))
        tap.same((shown(c)["records"], shown(c)["reason"]), ("userspace", "the kernel has no kTLS"),
                 "connection show tells why")
    tap.same([counter(f"tls_kernel_{name}") for name in ("sent", "both", "none")], [0, 0, 0],
             "nothing was tried")
    g.conf["listeners"]["off"]["tls"]["kernel_tls"] = "require"
    path = os.path.join(directory, "require.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(g.conf, f)
    out = subprocess.run([os.path.join(BUILD, "sluiced"), "-t", "-c", path], capture_output=True,
                         text=True, timeout=30, check=False)
    tap.ok(out.returncode == 2 and "/listeners/off/tls/kernel_tls: cannot be \"require\": " +
           state["text"] in out.stderr, "require is refused, and says why", out.stderr)


if not can:
    tap.skip("the kernel seals and opens records", state["text"])
    tap.facts(lost)
else:
    tap.facts(large_bodies, both_ways, kept_connections, resumed, early_requests, ends, new_keys,
              new_keys_meanwhile,
              older_version, half_a_record, told)
g.end()
origins.close()
tap.done()
