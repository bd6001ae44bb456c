#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The program is started anew on the same sockets, under load: no request is lost."""

import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time

from lib import gateway as lib
from lib import origin, tap
from lib.load import Load
from lib.wire import Client, get

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # so that we can wait for a grandchild

pids = []
go_on = threading.Event()


def end_all():
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def status():
    done = gateway.ctl("-j", "status")
    return json.loads(done.stdout) if done.returncode == 0 else {}


def wait_for(is_so, seconds=10):
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def upgrade(pid):
    """The pid of the one that took over."""
    os.kill(pid, signal.SIGUSR2)
    wait_for(lambda: status().get("pid", pid) != pid)
    heir = status().get("pid")
    if heir and heir != pid:
        pids.append(heir)
    return heir


def under_load():
    loads = [Load(gateway.port, True, may_close=True), Load(gateway.port, False)]
    time.sleep(0.3)
    first = gateway.process.pid
    second = upgrade(first)
    tap.ok(second and second != first, "another process answers", second)
    tap.same(gateway.process.wait(20), 0, "the old one ends in good order")
    third = upgrade(second)
    tap.ok(third and third != second, "and again", third)
    tap.same(os.waitpid(second, 0)[1], 0, "in good order too")
    for load, name in zip(loads, ("kept", "new")):
        load.stop()
        tap.ok(not load.failed and load.answered > 100,
               f"two upgrades under load: nothing failed on {name} connections",
               f"{load.answered} answered, {load.failed}")


def signals_to_the_old_one():
    """pkill reaches both: what asks workers that have ended for something would wait for ever."""
    old = status()["pid"]
    held = [Client(gateway.port) for _ in range(4)]
    for client in held:
        client.send(get("/held"))
    tap.ok(origins.wait(lambda: sum("/held" in r.line for r in origins.requests()) == 4),
           "requests are under way")
    heir = upgrade(old)
    time.sleep(1.5)  # workers without one of them have ended
    for number in (signal.SIGHUP, signal.SIGUSR2):
        os.kill(old, number)
    go_on.set()
    tap.same([c.response().status for c in held], [200] * 4, "they are answered nonetheless")
    tap.same(os.waitpid(old, 0)[1], 0, "and the old one ends")
    tap.same(status().get("pid"), heir, "there is one daemon")


def one_that_fails():
    pid = status()["pid"]
    good = json.dumps(gateway.conf)
    gateway.write("{")
    os.kill(pid, signal.SIGUSR2)
    tap.ok(wait_for(lambda: "upgrade.failed" in gateway.complaint()), "a successor that fails is told")
    with Client(gateway.port) as client:
        tap.ok(client.ask(get("/a")).status == 200 and status().get("pid") == pid,
               "and the running one goes on")
    fails_late(pid)
    gateway.write(good)
    heir = upgrade(pid)
    tap.ok(heir != pid and os.waitpid(pid, 0)[1] == 0, "until one does not")


def asked_admin():
    """The pid of who answers there, None for nobody."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(os.path.join(gateway.directory, "admin.sock"))
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = s.makefile("rb").read()
        peer = s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return struct.unpack("3i", peer)[0] if answer.startswith(b"HTTP/1.1 200") else None


def fails_late(pid):
    """Its file is good, and its port is somebody else's: it has taken nothing of ours by then."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = {"address": f"127.0.0.1:{other.getsockname()[1]}"}
        listeners = {**gateway.conf["listeners"], "taken": taken}
        gateway.write(json.dumps({**gateway.conf, "listeners": listeners}))
        os.kill(pid, signal.SIGUSR2)
        tap.ok(wait_for(lambda: gateway.complaint().count("upgrade.failed") == 2),
               "one that cannot listen fails", gateway.complaint())
    tap.same(asked_admin(), pid, "its path of the admin listener, too")
    shown = json.loads(gateway.ctl("-j", "metrics", "show").stdout)
    tap.same((shown["pid"], shown["is_live"]), (pid, True), "the counters are still the running one's")
    tap.ok(not [name for name in os.listdir(gateway.directory) if name.startswith(".metrics")],
           "and the other one's are gone", os.listdir(gateway.directory))


def out_of_service():
    """Who has drained a server does not want an upgrade to send requests there."""
    pid = status()["pid"]
    target = f"127.0.0.1:{origins.port}"

    def state():
        shown = json.loads(gateway.ctl("-j", "upstream", "show").stdout)
        return [t["state"] for u in shown["upstreams"] for t in u["targets"]]
    for verb, word in (("disable", "disabled"), ("drain", "drain"), ("enable", "ready")):
        gateway.ctl("upstream", verb, target)
        heir = upgrade(pid)
        tap.same(os.waitpid(pid, 0)[1], 0, f"{verb}, then an upgrade")
        tap.same(state(), [word], "and it is still so")
        pid = heir


def unix_socket_and_end():
    pid = status()["pid"]
    path = os.path.join(gateway.directory, "unix.sock")
    tap.ok(os.path.exists(path), "the file of a unix socket is still there")
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(get("/unix"))
        tap.ok(s.recv(100).startswith(b"HTTP/1.1 200"), "and leads to the new process")
    tap.same(asked_admin(), pid, "so does that of the admin listener")
    admin = os.path.join(gateway.directory, "admin.sock")
    control = os.path.join(gateway.directory, "control.sock")
    os.kill(pid, signal.SIGTERM)
    tap.same(os.waitpid(pid, 0)[1], 0, "the last one ends in good order")
    tap.ok(not any(map(os.path.exists, (path, admin, control))), "and leaves no socket behind")


def fewer_workers():
    """The kernel has dealt connections out to sockets that the new process has no worker for."""
    gw = lib.Gateway(origins.port, conf={"gateway": {"workers": 4}})
    loads = [Load(gw.port, False) for _ in range(3)]
    pid = gw.process.pid
    for workers in 2, 1, 3:
        silent = [Client(gw.port) for _ in range(24)]  # with defer_accept nobody has accepted these
        gw.rewrite(gateway={**gw.conf["gateway"], "workers": workers})
        os.kill(pid, signal.SIGUSR2)
        wait_for(lambda: gw_status(gw).get("pid", pid) != pid)
        heir = gw_status(gw)["pid"]
        pids.append(heir)
        time.sleep(0.7)  # the old one has closed its sockets
        for client in silent:
            client.send(get("/late"))
        answers = [client.response() for client in silent]
        tap.same([r.status if r else r for r in answers], [200] * 24,
                 f"to {workers} workers: who had connected before is answered")
        name = f"for{workers}"  # of another configuration, with the same address
        gw.reload(listeners={name: {"address": f"127.0.0.1:{gw.port}"}})
        shown = json.loads(gw.ctl("-j", "connection", "show").stdout)["connections"]
        tap.same({c["listener"] for c in shown}, {name},
                 "and goes over to the next configuration with all others")
        for client in silent:
            client.close()
        tap.ok(wait_for(lambda: is_over(gw, pid)), "the old process ends")
        pid = heir
        held = [Client(gw.port) for _ in range(60)]
        for client in held:
            client.ask(get("/own"))
        shown = json.loads(gw.ctl("-j", "connection", "show").stdout)["connections"]
        tap.same({c["worker"] for c in shown}, set(range(workers)), "each worker gets connections")
        for client in held:
            client.close()
        time.sleep(2.5)  # and what it had too many has been closed
    for load in loads:
        load.stop()
    failed = [reason for load in loads for reason in load.failed]
    tap.ok(not failed, "under load: nothing failed on new connections",
           f"{sum(load.answered for load in loads)} answered, {failed}")
    os.kill(pid, signal.SIGTERM)
    tap.same(os.waitpid(pid, 0)[1], 0, "the last one ends in good order")
    gw.process.returncode = 0
    gw.stop()


def gw_status(gw):
    done = gw.ctl("-j", "status")
    return json.loads(done.stdout) if done.returncode == 0 else {}


def is_over(gw, pid):
    if pid == gw.process.pid:
        return gw.process.poll() == 0
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def heir_of(pid):
    """The process that it has started and that has not told to be ready; None before."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
        children = f.read().split()
    return int(children[0]) if children else None


def stopped_amid_an_upgrade():
    """Who is told to end while its heir starts takes it along: none is left, nor what is theirs."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # a name server that does not answer
    silent.bind(("127.0.0.1", 0))
    slow = {"dns": {"servers": [f"127.0.0.1:{silent.getsockname()[1]}"], "timeout": "20s"}}
    for number, kind, seconds in ((signal.SIGTERM, "slow", 10), (signal.SIGQUIT, "slow", 3),
                                  (signal.SIGQUIT, "frozen", 6), (signal.SIGTERM, 0.0, 10),
                                  (signal.SIGTERM, 0.004, 10), (signal.SIGQUIT, 0.002, 6)):
        gw = lib.Gateway(origins.port)
        path = os.path.join(gw.directory, "unix.sock")
        gw.reload(listeners={**gw.conf["listeners"], "file": {"address": f"unix:{path}"}})
        if not isinstance(kind, float):
            upstreams = {"origin": {"targets": ["never.example:1"]}}
            gw.rewrite(upstreams=upstreams, **slow)
        pid = gw.process.pid
        os.kill(pid, signal.SIGUSR2)
        deadline = time.monotonic() + 5
        while not (heir := heir_of(pid)) and time.monotonic() < deadline:
            pass  # it is ready in a few milliseconds
        pids.append(heir)
        if kind == "frozen":
            os.kill(heir, signal.SIGSTOP)
        if isinstance(kind, float):
            time.sleep(kind)
        os.kill(pid, number)
        try:
            code = gw.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = "none"
        was_ready = "upgraded" in gw.complaint()
        tap.same(code, 0, f"{number.name} amid an upgrade ({kind}): it ends")
        if was_ready:  # then it was for the old one only
            os.kill(heir, signal.SIGKILL)
        else:
            tap.ok(not os.path.exists(f"/proc/{heir}"), "its heir has ended before", gw.complaint())
            tap.ok(not os.path.exists(path), "there is no socket file left")
        gw.process.returncode = 0
        gw.stop()
    silent.close()


def that_hangs():
    """A successor has its time; then it is as if it had failed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        gw = lib.Gateway(origins.port, conf={"gateway": {"upgrade_timeout": "1s"}})
        good = json.dumps(gw.conf)
        gw.rewrite(upstreams={"origin": {"targets": ["never.example:1"]}},
                   dns={"servers": [f"127.0.0.1:{silent.getsockname()[1]}"], "timeout": "20s"})
        pid = gw.process.pid
        os.kill(pid, signal.SIGUSR2)
        tap.ok(wait_for(lambda: "upgrade.failed" in gw.complaint()) and
               "upgrade.timeout" in gw.complaint(), "a successor that hangs is ended",
               gw.complaint())
    with Client(gw.port) as client:
        tap.ok(client.ask(get("/a")).status == 200 and gw_status(gw).get("pid") == pid,
               "the running one goes on")
    gw.write(good)
    os.kill(pid, signal.SIGUSR2)
    tap.ok(wait_for(lambda: gw_status(gw).get("pid", pid) != pid), "and the next one takes over")
    heir = gw_status(gw)["pid"]
    pids.append(heir)
    tap.same(gw.process.wait(20), 0, "the old one ends")
    os.kill(heir, signal.SIGTERM)
    tap.same(os.waitpid(heir, 0)[1], 0, "and the new one when it is told to")
    gw.stop()


def serve(conn):
    while (request := conn.request()) is not None:
        if request.line.startswith("GET /held"):
            go_on.wait(20)
        conn.send(origin.answer(b"ok"))


def socket_activation():
    """As a service manager does it: sd_listen_fds(3)."""
    directory = os.path.join(gateway.directory, "activated")
    os.mkdir(directory)
    conf = {"gateway": {"workers": 2, "run_dir": directory}, "listeners": {},
            "routes": [{"name": "own", "respond": {"body": "hello"}}]}
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    conf["listeners"]["http"] = {"address": f"127.0.0.1:{port}"}
    path = os.path.join(directory, "sluice.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(conf, f)
    script = 'exec 3<&"$0" && LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
    process = subprocess.Popen(["bash", "-c", script, str(door.fileno()),
                                os.path.join(lib.BUILD, "sluiced"), "-c", path],
                               pass_fds=[door.fileno()], stderr=subprocess.DEVNULL)
    pids.append(process.pid)
    door.close()
    with Client(port) as client:  # it waits in the backlog until the daemon is there
        tap.same(client.ask(get("/")).body, b"hello", "a socket of the service manager's is used")
    process.terminate()
    tap.same(process.wait(20), 0, "and the daemon ends in good order")


tap.start(120)
tap.at_end(end_all)
origins = origin.Origin(serve)
gateway = lib.Gateway(origins.port, conf={"gateway": {"workers": 2}})
gateway.rewrite(listeners={**gateway.conf["listeners"],
                           "file": {"address": f"unix:{gateway.directory}/unix.sock"}},
                admin={"address": f"unix:{gateway.directory}/admin.sock"})
tap.ok(json.loads(gateway.ctl("-j", "config", "reload").stdout)["reloaded"], "a unix socket is added")
tap.facts(under_load, signals_to_the_old_one, one_that_fails, that_hangs, out_of_service,
          unix_socket_and_end, fewer_workers, stopped_amid_an_upgrade, socket_activation)
gateway.keep.close()
tap.done()
