#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Another configuration under load: no request fails, no connection is cut, nothing is left over."""

import copy
import json
import os
import signal
import socket
import time

from lib import origin, tap
from lib.gateway import Gateway, has_sanitizer, reserve_port
from lib.load import Load
from lib.wire import Client, get

RELOADS = 20
MANY_RELOADS = 1000
MARGIN_KB = 1024
DRIP_SECONDS = 1.2


def serve(conn):
    """Says which connection of which origin it is; /slow takes its time over the body."""
    while (request := conn.request()) is not None:
        body = f"{conn.origin.port}/{conn.number}".encode()
        if not request.line.startswith("GET /slow"):
            conn.send(origin.answer(body))
            continue
        conn.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) + 5}\r\n\r\nslow ".encode())
        time.sleep(DRIP_SECONDS)
        conn.send(body)


def upstream_to(port, **keys):
    return {"origin": {"targets": [f"127.0.0.1:{port}"], **keys}}


def own(body):
    return [{"name": "own", "match": {"path": "/own"}, "respond": {"body": body}},
            {"name": "all", "match": {"path": "/*"}, "upstream": "origin"}]


def text(client, path):
    response = client.ask(get(path))
    return response.body.decode() if response and response.status == 200 else response


def status(key):
    return json.loads(gateway.ctl("-j", "status").stdout)[key]


def kept_connections():
    with Client(gateway.port) as client:
        before = text(client, "/own")
        answer = gateway.reload(routes=own("two"))
        tap.same((before, text(client, "/own")), ("one", "two"),
                 "one connection sees the old answer, then the new one")
        tap.ok(answer.get("reloaded") and answer.get("generation") == 2, "and says so", answer)
        connection = text(client, "/a")
        gateway.reload(upstreams=upstream_to(first.port, idle_connections=7))
        tap.same(text(client, "/a"), connection, "a target that stays keeps its connections")
        gateway.reload(upstreams=upstream_to(first.port, idle_connections=0))
        tap.ok(first.wait(lambda: all(c.is_over for c in first.connections)),
               "but no more idle ones than may be kept from now on")
        gateway.reload(upstreams=upstream_to(second.port))
        tap.same(text(client, "/a").split("/")[0], str(second.port),
                 "another target gets the next request")
        tap.ok(first.wait(lambda: all(c.is_over for c in first.connections)),
               "and connections to the old one are closed")
        gateway.reload(upstreams=upstream_to(first.port))


def requests_under_way():
    clients = [Client(gateway.port) for _ in range(5)]
    for client in clients:
        client.send(get("/slow"))
        client.until(b"slow ")
    gateway.reload(upstreams=upstream_to(second.port))
    with Client(gateway.port) as client:
        tap.same(text(client, "/b").split("/")[0], str(second.port), "new requests go elsewhere")
    rests = []
    for client in clients:
        client.sock.settimeout(10)
        rest = client.exactly(len(f"{first.port}/0"))
        rests.append(rest.decode().split("/")[0])
        client.close()
    tap.same(rests, [str(first.port)] * 5, "those under way end where they began")
    gateway.reload(upstreams=upstream_to(first.port))


def refused_files():
    with Client(gateway.port) as client:
        for name, content in (("no JSON", "{"), ("an unknown key", '{ "listenerz": {} }'),
                              ("nothing", "")):
            generation = status("generation")
            gateway.write(content)
            done = gateway.ctl("config", "reload")
            tap.ok(done.returncode == 2 and "sluice.json" in done.stderr,
                   f"a file with {name} is refused, with its place", done)
            os.kill(gateway.process.pid, signal.SIGHUP)
            tap.ok(text(client, "/own") == "two" and status("generation") == generation,
                   "and nothing has changed", status("generation"))
    taken, taken_port = reserve_port()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
    taken.listen(1)
    listeners = copy.deepcopy(gateway.conf["listeners"])
    answer = gateway.reload(listeners={**listeners,
                                       "other": {"address": f"127.0.0.1:{taken_port}"}})
    taken.close()
    tap.same((answer.get("reloaded"), answer.get("faults")),
             (False, [f"/listeners/other/address: 127.0.0.1:{taken_port}: Address already in use"]),
             "an address that is taken is refused, with its key")
    logs = gateway.conf["logs"]
    answer = gateway.reload(listeners=listeners, logs={"access": {"path": "/nowhere/log"}})
    tap.same((answer.get("reloaded"), answer.get("faults")),
             (False, ["/logs/access/path: /nowhere/log: No such file or directory"]),
             "a log that cannot be opened likewise")
    gateway.rewrite(logs=logs)
    answer = gateway.reload(listeners=listeners, gateway={**gateway.conf["gateway"], "workers": 3})
    tap.same(answer.get("needs_restart"), ["/gateway/workers"],
             "what only a restart brings about is named")


def until_a_restart():
    """Said by each reload, and by who asks, as long as the file differs from what runs."""
    def told(before):
        said = gateway.complaint().count("needs a restart")
        diff = json.loads(gateway.ctl("-j", "config", "diff").stdout)
        return said - before, diff["changes"], diff["needs_restart"], status("needs_restart")

    as_it_was = {**gateway.conf["gateway"], "workers": 1}
    keys = ["/gateway/workers", "/gateway/run_dir"]
    other = {**as_it_was, "workers": 3, "run_dir": gateway.directory + "/elsewhere"}
    gateway.rewrite(gateway=other)
    tap.same(gateway.ctl("config", "diff").returncode, 2, "a changed run_dir is a difference")
    for turn in "first", "second", "third":
        before = gateway.complaint().count("needs a restart")
        tap.same(gateway.reload().get("needs_restart"), keys, f"the {turn} reload tells both keys")
        tap.same(told(before), (2, [], keys, keys), "so do the log, diff and status")
    done = gateway.ctl("config", "diff")
    tap.ok(done.returncode == 2 and "run_dir" in done.stdout, "to people too", done)
    tap.ok("/gateway/run_dir" in gateway.ctl("status").stdout, "and in their status")
    tap.same(gateway.reload(gateway=as_it_was).get("needs_restart"), [],
             "back as it was, there is nothing to tell")
    tap.same((gateway.ctl("config", "diff").returncode, status("needs_restart")), (0, []),
             "by nobody")


def can_connect(port):
    try:
        Client(port).close()
        return True
    except OSError:
        return False


def listeners_come_and_go():
    keep, port = reserve_port()
    path = os.path.join(gateway.directory, "unix.sock")
    listeners = copy.deepcopy(gateway.conf["listeners"])
    gateway.reload(listeners={**listeners, "second": {"address": f"127.0.0.1:{port}"},
                              "file": {"address": f"unix:{path}"}})
    client = Client(port)
    tap.same(text(client, "/own"), "two", "a new listener answers")
    tap.ok(os.path.exists(path), "a unix socket too")
    gateway.reload(listeners=listeners)
    gone = not can_connect(port)
    tap.ok(gone and not os.path.exists(path), "a removed one is closed")
    tap.same(text(client, "/own"), "two", "but who is connected through it stays")
    client.close()
    gateway.reload(listeners={**listeners, "again": {"address": f"127.0.0.1:{port}"}})
    tap.ok(can_connect(port), "and it can come back")
    renamed = {"renamed": listeners["http"]}
    with Client(gateway.port) as client:
        text(client, "/own")
        answer = gateway.reload(listeners=renamed)
        tap.ok(answer.get("reloaded") and text(client, "/own") == "two",
               "one that is only renamed keeps its socket", answer)
    gateway.reload(listeners=listeners)
    keep.close()


def access_log_moves():
    other = os.path.join(gateway.directory, "other.log")
    gateway.reload(logs={"access": {"path": other}})
    with Client(gateway.port) as client:
        text(client, "/moved")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not (os.path.exists(other) and
                                               "/moved" in open(other, encoding="utf-8").read()):
        time.sleep(0.05)
    tap.ok("/moved" in open(other, encoding="utf-8").read(), "the access log goes to another file")
    gateway.reload(logs={"access": False})
    with Client(gateway.port) as client:
        text(client, "/unseen")
    gateway.reload(logs={"access": {"path": other}})
    with Client(gateway.port) as client:
        text(client, "/seen")
    while time.monotonic() < deadline + 5 and "/seen" not in open(other, encoding="utf-8").read():
        time.sleep(0.05)
    log = open(other, encoding="utf-8").read()
    tap.ok("/seen" in log and "/unseen" not in log, "it can be switched off and on again", log)


def under_load():
    loads = [Load(gateway.port, True), Load(gateway.port, False)]
    for i in range(RELOADS):
        gateway.rewrite(routes=own(f"round {i}"))
        os.kill(gateway.process.pid, signal.SIGHUP)
        time.sleep(0.1)
    for load, name in zip(loads, ("kept", "new")):
        load.stop()
        tap.ok(not load.failed and load.answered > RELOADS,
               f"{RELOADS} reloads under load: nothing failed on {name} connections",
               f"{load.answered} answered, {load.failed}")
    with Client(gateway.port) as client:
        tap.same(text(client, "/own"), f"round {RELOADS - 1}", "the last file is in force")


def footprint():
    pid = gateway.process.pid
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    return rss, len(os.listdir(f"/proc/{pid}/fd"))


def socket_modes():
    """Who may connect to a unix socket changes with the file, and no connection notices."""
    plain = gateway.conf["listeners"]
    paths = [os.path.join(gateway.directory, name) for name in ("door", "admin")]

    def modes(mode):
        door, admin = ({"address": f"unix:{path}", **mode} for path in paths)
        answer = gateway.reload(listeners={**plain, "door": door}, admin=admin)
        return answer["reloaded"], [oct(os.stat(path).st_mode & 0o777) for path in paths]
    tap.same(modes({"mode": "0600"}), (True, ["0o600"] * 2), "sockets for the owner alone")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(paths[0])
        tap.same(modes({"mode": "0666"}), (True, ["0o666"] * 2), "are made those of everybody")
        client.sendall(get("/", fields="Connection: close\r\n"))
        tap.ok(client.makefile("rb").read().startswith(b"HTTP/1.1 200"), "who had connected is served")
    tap.same(modes({}), (True, ["0o666"] * 2), "without a word of it they stay so")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(os.path.join(gateway.directory, "other"))
        answer = gateway.reload(listeners={**plain, "door": {"address": f"unix:{other.getsockname()}"}})
        tap.ok(not answer["reloaded"] and "in use" in answer["faults"][0],
               "a socket of another kind is nobody's to remove", answer)
    del gateway.conf["admin"]
    gateway.reload(listeners=plain)


def many():
    def reload_some(count):
        for _ in range(count):
            done = gateway.ctl("config", "reload")
            if done.returncode != 0:
                return done
        return None
    wrong = reload_some(50)
    before = footprint()
    wrong = wrong or reload_some(MANY_RELOADS)
    after = footprint()
    tap.ok(not wrong and after[1] == before[1],
           f"{MANY_RELOADS} reloads leave descriptors as they were", f"{before} {after} {wrong}")
    if has_sanitizer():
        tap.skip("memory is flat", "a sanitizer keeps what was freed; it finds leaks by itself")
    else:
        tap.ok(after[0] - before[0] < MARGIN_KB, "and memory too", f"{before} {after}")


tap.start(120)
first, second = origin.Origin(serve), origin.Origin(serve)
gateway = Gateway(first.port, conf={"routes": own("one")})
tap.facts(kept_connections, requests_under_way, refused_files, until_a_restart,
          listeners_come_and_go, access_log_moves, socket_modes,
          under_load, many)
gateway.end()
tap.done()
