#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The daemon is asked to stop, busy or idle, once or twice: whoever was let in is answered."""

import json
import os
import signal
import tempfile
import threading
import time

from lib import origin, tap, wire
from lib.gateway import Gateway

CLIENTS = 12
ANSWERS_BEFORE = 300  # of all clients together, before the signal


class Count:
    """What the clients of a run saw."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answered = 0
        self.refused = 0
        self.closed_between = 0
        self.wrong = []

    def add(self, what, why=None):
        with self.lock:
            setattr(self, what, getattr(self, what) + 1) if not why else self.wrong.append(why)


def exit_status(gateway, seconds):
    """Of a daemon that was told to end; None when it has not after so long."""
    try:
        return gateway.process.wait(seconds)
    except Exception:
        return None


def one_request(client, count, path, is_first):
    """False when the connection is over.  Before a first byte of an answer to a request on a kept
    connection the gateway may close it (RFC 9112 9.6); a first request was let in: it is answered."""
    sent = client.send(wire.get(path))
    try:
        response = client.response()
    except wire.Malformed as e:
        count.add("", f"{path}: {e}")
        return False
    if response is None:
        if is_first:
            count.add("", f"{path}: sent={sent}, "
                          f"{'reset' if client.was_reset else 'closed'} without an answer")
        else:
            count.add("closed_between")
        return False
    if response.status != 200 or not response.is_complete:
        count.add("", f"{path}: {response}")
        return False
    count.add("answered")
    return response.get("Connection") != "close"


def keep_asking(gateway, count, number, per_connection):
    """Connection after connection until one is refused, which is what the end looks like."""
    turn = 0
    while True:
        try:
            client = wire.Client(gateway.port)
        except (ConnectionRefusedError, ConnectionResetError):
            count.add("refused")
            return
        with client:
            for i in range(per_connection):
                turn += 1
                if not one_request(client, count, f"/load/{number}/{turn}", i == 0):
                    break


def under_load():
    up = origin.Origin()
    gateway = Gateway(up.port, {"gateway": {"workers": 2}})
    count = Count()
    clients = [threading.Thread(target=keep_asking, daemon=True,
                                args=(gateway, count, n, 1 if n % 2 else 1000))
               for n in range(CLIENTS)]
    for client in clients:
        client.start()
    while count.answered < ANSWERS_BEFORE and not count.wrong:
        time.sleep(0.005)
    gateway.process.terminate()
    tap.same(exit_status(gateway, 15), 0, "SIGTERM under load ends it with 0")
    for client in clients:
        client.join(10)
    tap.ok(not count.wrong, "every first request of an accepted connection was answered",
           "\n".join(count.wrong[:10]))
    tap.same(count.refused, CLIENTS, "then each client was refused")
    tap.same(count.closed_between, 0, "no kept connection was closed on a request")
    tap.diag(f"{count.answered} answered")
    paths = [r.target for r in up.requests()]
    tap.same(len(paths), len(set(paths)), "none was sent to the origin twice")
    tap.ok(not up.faults(), "the origin saw nothing torn", up.faults())
    gateway.stop()


def while_idle():
    """Half of the clients never send a byte: with defer_accept those are still the kernel's, which
    tells them when they do; without, they are ours to close."""
    up = origin.Origin()
    for deferred, ours in (True, 10), (False, 20):
        gateway = Gateway(up.port, {"listener": {"defer_accept": deferred}})
        clients = [wire.Client(gateway.port) for _ in range(20)]
        for client in clients[:10]:
            client.ask(wire.get("/once"))
        begin = time.monotonic()
        gateway.process.terminate()
        tap.same(exit_status(gateway, 8), 0, "SIGTERM with idle connections ends it with 0")
        tap.diag(f"after {time.monotonic() - begin:.1f} s")
        tap.ok(all(c.is_closed(1) for c in clients[:ours]),
               f"idle connections were closed, not answered (defer_accept {deferred})")
        gateway.stop()


def while_held_up():
    """Requests that came while it had no time to look are no idle connections."""
    up = origin.Origin()
    gateway = Gateway(up.port)
    clients = [wire.Client(gateway.port) for _ in range(20)]
    for client in clients:
        client.ask(wire.get("/once"))
    gateway.process.terminate()
    time.sleep(0.5)
    gateway.process.send_signal(signal.SIGSTOP)
    sent = [client.send(wire.get("/twice")) for client in clients]
    time.sleep(1)
    gateway.process.send_signal(signal.SIGCONT)
    answers = [client.response() for client in clients]
    tap.ok(all(sent) and all(a is not None and a.status == 200 for a in answers),
           "requests that wait when idle connections are closed are answered", str(answers))
    tap.same(exit_status(gateway, 8), 0, "then it ends with 0")
    gateway.stop()


def slow_origin(may_answer):
    def serve(conn):
        while conn.request():
            may_answer.wait(20)
            conn.send(origin.answer(b"late"))
    return serve


def with_a_slow_request():
    may_answer = threading.Event()
    up = origin.Origin(slow_origin(may_answer))
    gateway = Gateway(up.port)
    client, uploading = wire.Client(gateway.port), wire.Client(gateway.port)
    client.send(wire.get("/slow"))
    uploading.send(wire.get("/upload", method="POST", fields="Content-Length: 10\r\n") + b"01234")
    up.wait(lambda: len(up.connections) == 2 and len(up.requests()) == 1)
    gateway.process.send_signal(signal.SIGTERM)
    tap.same(exit_status(gateway, 2.5), None, "it waits for a request that is being answered")
    tap.ok(not gateway_accepts(gateway.port), "meanwhile nobody else is let in")
    uploading.send(b"56789")
    may_answer.set()
    for name, one in ("answer", client), ("upload", uploading):
        response = one.response()
        tap.ok(response is not None and response.body == b"late", f"the {name} comes to its end",
               response)
        tap.ok(response is not None and response.get("Connection") == "close",
               f"the {name} says that the connection ends", response)
        tap.ok(one.is_closed(), "and so it does")
    tap.same(exit_status(gateway, 5), 0, "then it ends with 0")
    gateway.stop()


def gateway_accepts(port):
    try:
        wire.Client(port, timeout=2).close()
    except OSError:
        return False
    return True


def a_second_signal():
    never = threading.Event()
    up = origin.Origin(slow_origin(never))
    for first, second in (signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM):
        gateway = Gateway(up.port)
        with wire.Client(gateway.port) as client:
            up.forget()
            client.send(wire.get("/never"))
            up.wait(lambda: len(up.requests()) == 1)
            gateway.process.send_signal(first)
            up.wait(lambda: b"stopping" in gateway.complaint().encode(), 0.5)
            gateway.process.send_signal(first)  # timeout(1) sends it twice: that is one wish
            time.sleep(1.2)
            tap.ok(gateway.is_alive(), f"{first.name} twice in a row is one")
            gateway.process.send_signal(second)
            status = exit_status(gateway, 3)
            tap.same(status, 1, f"{second.name} after {first.name} ends it at once, with 1")
            tap.ok("second signal" in gateway.complaint(), "and it says why", gateway.complaint())
        end_quietly(gateway)
    never.set()


def at_once():
    """SIGQUIT does not wait for requests, whether or not the daemon was already told to end."""
    never = threading.Event()
    up = origin.Origin(slow_origin(never))
    for first in None, signal.SIGTERM:
        gateway = Gateway(up.port)
        with wire.Client(gateway.port) as client:
            up.forget()
            client.send(wire.get("/never"))
            up.wait(lambda: len(up.requests()) == 1)
            if first:
                gateway.process.send_signal(first)
                up.wait(lambda: "stopping" in gateway.complaint(), 0.5)
            gateway.process.send_signal(signal.SIGQUIT)
            after = f" after {first.name}" if first else ""
            tap.same(exit_status(gateway, 3), 0, f"SIGQUIT{after} ends it at once, with 0")
            tap.ok("SIGQUIT" in gateway.complaint(), "and it says why", gateway.complaint())
            tap.ok(client.is_closed(), "the request's connection is cut")
            tap.ok(not os.path.exists(os.path.join(gateway.directory, "control.sock")),
                   "its control socket is gone")
        gateway.stop()
    never.set()


def last_lines():
    """What was answered is in the log, though the daemon ends before it would have been written."""
    never = threading.Event()
    up = origin.Origin(lambda conn: serve_but_held(conn, never))
    for first in None, signal.SIGTERM:
        gateway = Gateway(up.port, {"gateway": {"workers": 2}})
        with wire.Client(gateway.port) as held:
            up.forget()
            held.send(wire.get("/held"))
            up.wait(lambda: len(up.requests()) == 1)
            for n in range(20):
                with wire.Client(gateway.port) as client:
                    client.ask(wire.get(f"/{n}"))
            if first:
                gateway.process.send_signal(first)
            gateway.process.send_signal(signal.SIGQUIT)
            tap.same(exit_status(gateway, 3), 0, "SIGQUIT right after the answers ends it")
        paths = sorted(json.loads(line)["path"] for line in gateway.access_log().splitlines())
        tap.same(paths, sorted(f"/{n}" for n in range(20)),
                 f"each of them has its line{f' ({first.name} came first)' if first else ''}")
        gateway.stop()
    never.set()


def serve_but_held(conn, never):
    while request := conn.request():
        if request.target == "/held":
            never.wait(20)
        conn.send(origin.answer(b"ok"))


def full_pipe(directory):
    """Its path, and what keeps it full."""
    path = os.path.join(directory, "pipe")
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        while os.write(end, 4096 * b"x"):
            pass
    except BlockingIOError:
        return path, end


def logs_that_take_nothing():
    """A disk that is full, a reader that does not read: neither holds the end up."""
    up = origin.Origin()
    with tempfile.TemporaryDirectory() as directory:
        pipe, end = full_pipe(directory)
        for path, pause in ("/dev/full", 0), (pipe, 0), (pipe, 1.5):
            gateway = Gateway(up.port, {"logs": {"access": {"path": path}}})
            with wire.Client(gateway.port) as client:
                client.ask(wire.get("/"))
                time.sleep(pause)  # then the write is under way
                gateway.process.send_signal(signal.SIGQUIT)
                tap.same(exit_status(gateway, 4), 0, f"SIGQUIT ends it, with a log in {path}")
            gateway.stop()
        os.close(end)


def end_quietly(gateway):
    """Gateway.stop() complains of an exit status that was wanted here."""
    if gateway.process.poll() is None:
        gateway.process.kill()
    gateway.process.wait()
    gateway.process.returncode = 0
    gateway.stop()


def quietly_with_other_signals():
    up = origin.Origin()
    gateway = Gateway(up.port)
    for number in (signal.SIGUSR1, signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH):
        os.kill(gateway.process.pid, number)
    with wire.Client(gateway.port) as client:
        response = client.ask(wire.get("/after"))
    tap.ok(response is not None and response.status == 200, "other signals leave it at work")
    gateway.end()


tap.start(60)
tap.facts(under_load, while_idle, while_held_up, with_a_slow_request, a_second_signal, at_once,
          last_lines, logs_that_take_nothing, quietly_with_other_signals)
tap.done()
