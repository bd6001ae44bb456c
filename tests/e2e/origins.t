#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Origins die, come back, refuse, hang up, do not answer: what may be asked again is, nothing else."""

import collections
import json
import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
import threading
import time

from lib import origin, tap, wire
from lib.gateway import Gateway

CLIENTS = 8


def log_lines(path):
    """What an origin wrote down, whole lines only: it may have been killed at the next one."""
    with open(path, encoding="latin-1") as f:
        return [line.strip() for line in f if line.endswith("\n")]


def mortal_main(listener, path, name, delay):
    """Writes each request down before it answers it: what it was sent outlives it."""
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def serve(conn):
        while True:
            request = conn.request()
            if request is None:
                return
            os.write(out, f"{request.method} {request.target}\n".encode())
            time.sleep(delay)
            conn.send(origin.answer(name.encode()))

    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve_one, args=(serve, sock), daemon=True).start()


class Nowhere:
    """Stands for the origin that a connection belongs to, where nobody keeps record."""

    changed = threading.Condition()


def serve_one(serve, sock):
    try:
        serve(origin.Connection(sock, 0, Nowhere))
    except (wire.Cut, OSError):
        pass
    sock.close()


class Mortal:
    """An origin in a process of its own, to be killed and started again at the same port."""

    def __init__(self, directory, name, delay=0.005):
        self.path = os.path.join(directory, name + ".requests")
        self.name, self.delay = name, delay
        self.process = None
        self.port = 0
        tap.at_end(self.kill)
        self.start()

    def start(self):
        listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.port = listener.getsockname()[1]
        self.process = multiprocessing.get_context("fork").Process(
            target=mortal_main, args=(listener, self.path, self.name, self.delay), daemon=True)
        self.process.start()
        listener.close()

    def kill(self):
        if self.process:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.join()
        self.process = None

    def requests(self):
        return log_lines(self.path) if os.path.exists(self.path) else []


class Load:
    """GETs and POSTs in turn from several clients; answers by "METHOD /path"."""

    def __init__(self, port):
        self.port = port
        self.answers = {}
        self.is_over = False
        self.threads = [threading.Thread(target=self._run, args=(n,), daemon=True)
                        for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        client, turn = wire.Client(self.port), 0
        while not self.is_over:
            turn += 1
            path = f"/{number}/{turn}"
            is_get = (turn + number) % 2 == 0
            data = wire.get(path) if is_get else wire.post(path, b"pay")
            response = client.ask(data)
            self.answers[f"{'GET' if is_get else 'POST'} {path}"] = response
            if response is None or response.get("Connection") == "close":
                client.close()
                client = wire.Client(self.port)
        client.close()

    def wait_for_more(self, count):
        goal, deadline = len(self.answers) + count, time.monotonic() + 15
        while len(self.answers) < goal and time.monotonic() < deadline:
            time.sleep(0.005)

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(20)


def body_of(response):
    return response.body.decode() if response is not None and response.status == 200 else ""


def judge_loss(load, first, *others):
    """An origin was killed: what clients and both origins saw must fit together."""
    failed = {k: r for k, r in load.answers.items() if not body_of(r)}
    gets = [f"{k}: {r}" for k, r in failed.items() if k.startswith("GET")]
    tap.ok(not gets, "every GET was answered", "\n".join(gets[:10]))
    other = [f"{k}: {r}" for k, r in failed.items() if r is None or r.status != 502]
    tap.ok(not other, "whatever failed was answered 502", "\n".join(other[:10]))
    tap.ok(len(failed) <= CLIENTS, "no more failed than were in flight", f"{len(failed)}: {failed}")
    lived = [r for o in others for r in o.requests()]
    sent = collections.Counter(first.requests() + lived)
    twice = [k for k, n in sent.items() if n > 1 and k.startswith("POST")]
    tap.ok(not twice, "no POST was sent twice", twice)
    elsewhere = [k for k in failed if k in lived]
    tap.ok(not elsewhere, "what failed was not with the origin that lived", elsewhere)
    unsent = [k for k, r in load.answers.items() if body_of(r) and not sent[k]]
    tap.ok(not unsent, "whatever was answered had reached an origin", unsent[:10])


def killed_and_back(gateway, first, second):
    load = Load(gateway.port)
    load.wait_for_more(400)
    names = {body_of(r) for r in load.answers.values()}
    tap.same(names, {"first", "second"}, "both origins are used")
    first.kill()
    load.wait_for_more(400)
    load.stop()
    judge_loss(load, first, second)
    failed = [r for r in load.answers.values() if r is not None and r.status == 502]
    tap.ok(all("problem+json" in (r.get("Content-Type") or "") for r in failed),
           "a 502 says what happened as problem+json")
    tap.diag(f"{len(load.answers)} requests, {len(failed)} answered 502")
    first.start()
    deadline = time.monotonic() + 5
    with wire.Client(gateway.port) as client:
        while body_of(client.ask(wire.get("/back"))) != "first" and time.monotonic() < deadline:
            time.sleep(0.02)
    tap.ok(time.monotonic() < deadline, "the origin that came back is used again")


def all_down(gateway, first, second):
    first.kill()
    second.kill()
    with wire.Client(gateway.port) as client:
        for method in "GET", "POST":
            response = client.ask(wire.get("/down") if method == "GET"
                                  else wire.post("/down", b"x"))
            tap.ok(response is not None and response.status == 502,
                   f"{method} with all origins down is answered 502", response)
            problem = json.loads(response.body)
            tap.ok(response.get("Content-Type") == "application/problem+json"
                   and problem.get("status") == 502, "as problem+json", response)
    second.start()
    with wire.Client(gateway.port) as client:
        deadline = time.monotonic() + 5
        while body_of(client.ask(wire.get("/up"))) != "second" and time.monotonic() < deadline:
            time.sleep(0.02)
        tap.ok(time.monotonic() < deadline, "one that comes back is found at once, or soon")


def life_and_death():
    directory = tempfile.mkdtemp(prefix="sluice-origins-")
    tap.at_end(lambda: shutil.rmtree(directory))
    first, second = Mortal(directory, "first"), Mortal(directory, "second")
    gateway = Gateway(0, upstream={"down_for": "300ms", "targets": [
        f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"]})
    killed_and_back(gateway, first, second)
    all_down(gateway, first, second)
    gateway.end()


def one_of_three():
    """Under load, with everything on that finds failures: what was in flight at the one that dies
    is all that a client may ever notice, and no POST is sent twice."""
    directory = tempfile.mkdtemp(prefix="sluice-origins-")
    tap.at_end(lambda: shutil.rmtree(directory))
    three = [Mortal(directory, name) for name in ("first", "second", "third")]
    gateway = Gateway(0, {"gateway": {"workers": 2}}, upstream={
        "targets": [f"127.0.0.1:{o.port}" for o in three], "balance": "least_requests",
        "down_for": "100ms", "health_check": {"interval": "100ms", "unhealthy_after": 2},
        "outlier_detection": {"consecutive_failures": 3, "eject_for": "200ms"},
        "retries": {"attempts": 2, "on": ["connect_failure", "reset"]}})
    load = Load(gateway.port)
    load.wait_for_more(300)
    three[0].kill()
    load.wait_for_more(600)
    three[0].start()
    before = len(three[0].requests())
    load.wait_for_more(600)
    deadline = time.monotonic() + 10
    while len(three[0].requests()) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    load.stop()
    tap.ok(len(three[0].requests()) > before, "the one that came back is used again")
    judge_loss(load, three[0], three[1], three[2])
    gateway.end()


def silent_address():
    """A listening socket with a full backlog: the kernel drops what comes, as a dead host would."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    fillers = []
    for _ in range(8):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        fillers.append(filler)
    return port, [listener, *fillers]


def no_answer_to_connect():
    port, keep = silent_address()
    up = origin.Origin()
    gateway = Gateway(up.port, upstream={
        "timeouts": {"connect": "200ms"},
        "targets": [f"127.0.0.1:{port}", f"127.0.0.1:{up.port}"]})
    with wire.Client(gateway.port) as client:
        answers = [client.ask(wire.post(f"/{n}", b"x")) for n in range(6)]
    tap.same([r.status for r in answers], [200] * 6,
             "a target that does not answer in time is passed by, for a POST too")
    tap.same([r.target for r in up.requests()], [f"/{n}" for n in range(6)],
             "and the next target gets each request once")
    gateway.end()
    only = Gateway(up.port, upstream={"timeouts": {"connect": "200ms"},
                                      "targets": [f"127.0.0.1:{port}"]})
    with wire.Client(only.port) as client:
        response = client.ask(wire.get("/alone"))
    tap.ok(response.status in (502, 504), "where it is the only one, the answer is 502 or 504",
           response)
    only.end()
    for sock in keep:
        sock.close()


def hang_up_when_idle(seconds):
    """An origin that closes a connection which was idle for so long, or after a few requests."""
    def serve(conn):
        for turn in range(20):
            conn.sock.settimeout(seconds if turn else 5)  # not idle yet: the first is on its way
            try:
                request = conn.request()
            except TimeoutError:
                return
            if request is None:
                return
            conn.send(origin.answer(request.method.encode()))
    return serve


def ask_with_pauses(gateway, number, wrong):
    with wire.Client(gateway.port) as client:
        for turn in range(60):
            time.sleep((turn * 7 + number * 3) % 12 / 1000)
            response = client.ask(wire.get(f"/idle/{number}/{turn}"))
            if body_of(response) != "GET":
                wrong.append(f"/idle/{number}/{turn}: {response}")
                return


def keep_alive_race():
    up = origin.Origin(hang_up_when_idle(0.006))
    gateway = Gateway(up.port)
    wrong = []
    threads = [threading.Thread(target=ask_with_pauses, args=(gateway, n, wrong), daemon=True)
               for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    tap.ok(not wrong, "an origin that closes idle connections fails no GET", "\n".join(wrong[:10]))
    tap.diag(f"{len(up.connections)} connections for {CLIENTS * 60} requests")
    gateway.end()


tap.start(90)
tap.facts(life_and_death, one_of_three, no_answer_to_connect, keep_alive_race)
tap.done()
