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
SMALL, LARGE = 200, 1_000_003
HUGE = 20_000_003 if os.environ.get("SLUICE_SLOW") else 100_000_003
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


if not can:
    tap.skip("the kernel seals and opens records", state["text"])
else:
    tap.facts(large_bodies)
g.end()
origins.close()
tap.done()
