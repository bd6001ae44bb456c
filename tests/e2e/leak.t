#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""After 200,000 requests, good, bad and abandoned, memory and descriptors are what they were."""

import json
import os
import random
import socket
import subprocess
import tempfile
import threading
import time

from lib import gateway, tap, wire

REQUESTS = 200000
KEPT_PIPES = 2 * 16  # descriptors, of one worker: SL_PIPES_KEPT
ROUNDS = 5  # the first is the warm-up that the others are measured against
SECONDS = 25  # for all rounds: a slow machine ends with fewer requests
MARGIN_KB = 4096

# One request after the other: small, large, with a body, with a chunked one, one's own answer.
MIXED = r"""
local chunked = "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n"
local requests, at = {}, 0
init = function()
	local h = { ["Host"] = "test.example" }
	requests = {
		wrk.format("GET", "/s", h), wrk.format("GET", "/1k", h), wrk.format("GET", "/own", h),
		wrk.format("GET", "/s", h), wrk.format("PUT", "/s", h), wrk.format("GET", "/own?x=%41", h),
		wrk.format("POST", "/s", h, string.rep("x", 3000)), wrk.format("GET", "/own", h),
		"POST /s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" .. chunked,
	}
	for i = 1, 40 do
		requests[#requests + 1] = requests[i % 3 + 1]
	end
end
request = function()
	at = at % #requests + 1
	return requests[at]
end
"""

BAD = (b"GET / HTTP/1.1\r\n\r\n", b"GET /a HTTP/1.1\nHost: a\r\n\r\n", b"\0\1\2\3\r\n\r\n",
       b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
       b"POST /s HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
       b"POST /s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70000 + b"\r\n\r\n")
ABANDONED = (b"", b"GE", wire.get("/s"), wire.get("/1m"), wire.get("/s") * 20,
             wire.get("/s", method="POST", fields="Content-Length: 100000\r\n") + b"z" * 5000,
             wire.get("/s", method="POST", fields="Transfer-Encoding: chunked\r\n") + b"5\r\nhe")


def start_origin(port):
    process = subprocess.Popen([os.path.join(gateway.BUILD, "bench", "origin"), "-p", str(port)],
                               stdin=subprocess.DEVNULL, preexec_fn=gateway._die_with_parent)
    tap.at_end(lambda: (process.kill(), process.wait()))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            wire.Client(port).close()
            return
        except OSError:
            time.sleep(0.01)
    raise gateway.Failed("the origin did not start")


def free_port():
    """One that is free just now, and that the kernel does not give away by itself."""
    while True:
        port = random.randrange(12000, 32000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            pass


def rss_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def kinds(pid):
    """What each open descriptor is; one that is closed meanwhile is left out."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            yield os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            pass


def descriptors(pid):
    """All but pipes, of which empty ones are kept for the next splice."""
    return sum(not kind.startswith("pipe:") for kind in kinds(pid))


def pipes(pid):
    return sum(kind.startswith("pipe:") for kind in kinds(pid))


def counters(gw):
    out = subprocess.run([os.path.join(gateway.BUILD, "sluicectl"), "-j", "-r", gw.directory,
                          "status"], check=True, stdout=subprocess.PIPE, timeout=20).stdout
    return json.loads(out)["counters"]


def bad_and_abandoned(gw, is_over):
    """Bad requests, and clients that leave at every stage, half of them by a reset."""
    turn = 0
    while not is_over.is_set():
        turn += 1
        try:
            with wire.Client(gw.port) as client:
                client.send(BAD[turn % len(BAD)])
                client.sock.recv(100)
            client = wire.Client(gw.port)
            client.send(ABANDONED[turn % len(ABANDONED)])
            client.reset() if turn % 2 else client.close()
        except OSError:
            pass
        time.sleep(0.002)


def wrk(gw, script, connections, seconds, *more):
    return subprocess.Popen(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *more, "-s", script,
         f"http://127.0.0.1:{gw.port}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=gateway._die_with_parent)


def one_round(gw, script, goal, deadline):
    """New connections, kept ones and troublemakers side by side, until so many were answered."""
    is_over = threading.Event()
    trouble = threading.Thread(target=bad_and_abandoned, args=(gw, is_over), daemon=True)
    trouble.start()
    closing = wrk(gw, os.devnull, 4, 1, "-H", "Connection: close", "-H", "Host: a")
    while counters(gw)["requests"] < goal and time.monotonic() < deadline:
        wrk(gw, script, 24, 1).wait(30)
    closing.wait(30)
    is_over.set()
    trouble.join(30)


def settle(gw, want=None):
    """Descriptors when all connections are closed, those kept to the origin as well."""
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        before = descriptors(gw.process.pid)
        time.sleep(1.2)  # longer than the origin's idle connections are kept
        now = descriptors(gw.process.pid)
        if counters(gw)["connections_open"] == 0 and now == (want or before):
            break
    return now


def flat():
    port = free_port()
    start_origin(port)
    gw = gateway.Gateway(port, {
        "gateway": {"workers": 2},
        "routes": [{"match": {"path": "/own"}, "respond": {"body": "own"}},
                   {"match": {"path": "/*"}, "upstream": "origin"}],
        "logs": {"access": False},
    }, {"timeouts": {"idle": "500ms"}})
    pid, deadline = gw.process.pid, time.monotonic() + SECONDS
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(MIXED)
        script.flush()
        one_round(gw, script.name, REQUESTS // ROUNDS, deadline)
        files, memory = settle(gw), rss_kb(pid)
        for n in range(2, ROUNDS + 1):
            one_round(gw, script.name, n * REQUESTS // ROUNDS, deadline)
    judge(gw, files, memory)


def judge(gw, files, memory):
    pid = gw.process.pid
    tap.same(settle(gw, files), files, "as many descriptors are open as after the first fifth")
    tap.ok(pipes(pid) <= KEPT_PIPES + 3, "and no more pipes than are kept", pipes(pid))
    grown = rss_kb(pid) - memory
    counts = counters(gw)
    tap.diag(f"{counts['requests']} requests on {counts['connections_accepted']} connections, "
             f"{counts['requests_bad']} bad, {counts['requests_aborted']} abandoned; "
             f"{memory} kB after the first fifth, then {grown:+d} kB")
    if gateway.has_sanitizer():
        tap.skip("memory is flat", "a sanitizer keeps what was freed; it finds leaks by itself")
    else:
        tap.ok(grown <= MARGIN_KB, f"memory has not grown by more than {MARGIN_KB} kB",
               f"{grown} kB")
    for name in "connections_open", "requests_active":
        tap.same(counts[name], 0, f"{name} is back at 0")
    for name in "requests_bad", "requests_aborted", "responses_2xx", "responses_4xx":
        tap.ok(counts[name] > 0, f"{name} were among them")
    gw.end()


tap.start(90)
tap.facts(flat)
tap.done()
