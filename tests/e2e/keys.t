#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Keys that are given out, rotated and revoked at run time: good at once, for as long as they are,
and whatever happens to the daemon; and who did what stands in the audit."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

CONSUMERS = {
    "acme": {"groups": ["gold"],
             "api_keys": [{"sha256": hashlib.sha256(b"file").hexdigest(), "id": "in-file"}]},
    "mobile": {},
    "off": {"enabled": False},
}
ROUTES = [{"name": "all", "match": {"path": "/*"}, "upstream": "origin",
           "policies": [{"key_auth": {}}]}]


def key(text):
    return f"X-Api-Key: {text}\r\n"


def status(g, text):
    with Client(g.port) as client:
        return client.ask(get("/x", fields=key(text))).status


def create(g, *words):
    return g.ctl("key", "create", *words).stdout.strip()


def refuses(g, words, why, what):
    got = g.ctl(*words)
    tap.ok(got.returncode == 1 and why in got.stderr, what, got.stderr)


def ids(g, *words):
    return [k["id"] for k in json.loads(g.ctl("-j", "key", "show", *words).stdout)["keys"]]



def start(**gateway):
    g = Gateway(origins.port, {"consumers": CONSUMERS, "routes": ROUTES, "gateway": gateway})
    return g


def start_with_state(**gateway):
    directory = tempfile.mkdtemp(prefix="sluice-keys-")
    tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
    return start(state_dir=os.path.join(directory, "state"), **gateway)


def database_of(g):
    return os.path.join(g.conf["gateway"]["state_dir"], "sluice.db")


# ---- what keys do ----

def given_out(g):
    got = g.ctl("key", "create", "acme", "expires", "90d")
    text = got.stdout.strip()
    tap.ok(text.startswith("slk_") and "\n" not in text, "a key and nothing else is printed", text)
    tap.ok("not shown again" in got.stderr, "with a word about it beside", got.stderr)
    tap.same(status(g, text), 200, "it is good at once")
    tap.same(status(g, text[:-1]), 401, "a part of it is not")
    key_id = text.split("_")[1]
    tap.ok(key_id in ids(g), "it is shown")
    tap.ok(text not in g.ctl("key", "show").stdout + g.complaint(), "its secret is not")
    with open(database_of(g), "rb") as f, open(database_of(g) + "-wal", "rb") as wal:
        tap.ok(text.split("_", 2)[2].encode() not in f.read() + wal.read(), "nor kept anywhere")
    tap.same(oct(os.stat(database_of(g)).st_mode & 0o777), "0o600", "what is kept is our own")
    tap.same(ids(g, "mobile"), [], "keys of one consumer only")
    shown = json.loads(g.ctl("-j", "key", "show", "acme").stdout)["keys"]
    tap.same([(k["source"], bool(k["expires"])) for k in shown],
             [("file", False), ("store", True)], "the file's and others are told apart")
    return text


def upstreams_are_told(g, text):
    origins.forget()
    status(g, text)
    fields = {n.lower(): v for n, v in origins.requests()[0].fields}
    tap.same([fields.get("x-consumer-username"), fields.get("x-credential-identifier")],
             ["acme", text.split("_")[1]], "the upstream is told whose it is")


def refusals(g):
    refuses(g, ["key", "create", "nobody"], "no such consumer", "for a stranger there is none")
    for words in (["expires", "soon"], ["expires", "2020-01-01"], ["expires"], ["id", "a b"],
                  ["id", ""], ["colour", "red"]):
        got = g.ctl("key", "create", "acme", *words)
        tap.ok(got.returncode and not got.stdout and got.stderr,
               f"refused: {' '.join(words)}", got.stderr)
    refuses(g, ["key", "create", "acme", "id", "in-file"], "has that id", "an id is one key's")
    refuses(g, ["key", "revoke", "in-file"], "stands in the configuration file",
            "what stands in the file is changed there")
    refuses(g, ["key", "rotate", "in-file"], "stands in the configuration file", "rotated too")
    refuses(g, ["key", "revoke", "none"], "no key has that id", "what is not there is not revoked")
    refuses(g, ["audit", "show", "0"], "1 to 1000", "no lines are no audit")
    tap.same(status(g, create(g, "off")), 401, "a consumer that is off has no good key")


def ends_by_itself(g):
    text = create(g, "acme", "expires", "2s")
    tap.same(status(g, text), 200, "a key for two seconds is good")
    deadline = time.monotonic() + 10
    while status(g, text) == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    tap.same(status(g, text), 401, "and then no more")


def rotated(g):
    old = create(g, "mobile", "id", "phone", "expires", "2999-01-01")
    new = g.ctl("key", "rotate", "phone", "overlap", "2s", "id", "phone-2").stdout.strip()
    tap.same([status(g, old), status(g, new)], [200, 200], "both are good for a while")
    deadline = time.monotonic() + 10
    while status(g, old) == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    tap.same([status(g, old), status(g, new)], [401, 200], "then only the new one")
    shown = {k["id"]: k for k in json.loads(g.ctl("-j", "key", "show", "mobile").stdout)["keys"]}
    tap.same(shown["phone-2"]["expires"], "2999-01-01T00:00:00Z", "it ends when the old one would")


# ---- who is cut off ----

def hold_answer(conn):
    """An answer that begins and does not end; others are answered whole."""
    while request := conn.request():
        if request.target != "/stream":
            conn.send(origin.answer())
            continue
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc")
        conn.wait_end()
        return


def time_to_end(clients):
    """Milliseconds until each has ended; -1: it did not."""
    begun, took = time.monotonic(), []
    for client in clients:
        client.sock.settimeout(5)
        try:
            while client.sock.recv(4096):
                pass
            took.append(int((time.monotonic() - begun) * 1000))
        except ConnectionResetError:
            took.append(int((time.monotonic() - begun) * 1000))
        except TimeoutError:
            took.append(-1)
    return took


def cut_off(g):
    doomed, other = create(g, "acme", "id", "doomed"), create(g, "acme", "id", "other")
    idle, busy, left = [], [], []
    for _ in range(8):  # of both workers
        for clients, text, path in ((idle, doomed, "/x"), (busy, doomed, "/stream"),
                                    (left, other, "/x")):
            client = Client(g.port)
            client.send(get(path, fields=key(text)))
            client.head() if path == "/stream" else client.response()
            clients.append(client)
    g.ctl("key", "revoke", "doomed")
    took = time_to_end(idle + busy)
    tap.ok(-1 not in took, "a revocation closes kept connections and answers under way", str(took))
    tap.diag(f"the last one {max(took)} ms after the command")
    tap.same(status(g, doomed), 401, "the key is refused")
    tap.ok(all(c.ask(get("/x", fields=key(other))).status == 200 for c in left),
           "others are served on")
    for client in idle + busy + left:
        client.close()


# ---- what survives ----

def survives(g, text):
    gone = create(g, "acme", "id", "gone")
    g.ctl("key", "revoke", "gone")
    kept = create(g, "mobile", "id", "kept")
    g.restart(signal.SIGKILL)
    tap.same([status(g, x) for x in (text, kept, gone)], [200, 200, 401],
             "what was told survives kill -9")
    g.restart()
    tap.same([status(g, x) for x in (text, kept, gone)], [200, 200, 401], "and an orderly restart")
    state = g.conf["gateway"]["state_dir"]
    g.reload(consumers={**CONSUMERS, "mobile": {"enabled": False}})
    tap.same([status(g, text), status(g, kept)], [200, 401],
             "a consumer that is switched off takes its keys along")
    g.reload(consumers=CONSUMERS)
    tap.same(status(g, kept), 200, "and brings them back")
    other = {**g.conf["gateway"], "state_dir": "/elsewhere"}
    tap.same(g.reload(gateway=other).get("needs_restart"), ["/gateway/state_dir"],
             "another directory takes a restart")
    g.reload(gateway={**other, "state_dir": state})


def two_daemons(g):
    """Such are a daemon and its successor, for a moment."""
    second = start(state_dir=g.conf["gateway"]["state_dir"])
    text = create(g, "acme", "id", "shared")
    deadline = time.monotonic() + 10
    while status(second, text) != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    tap.same(status(second, text), 200, "a second daemon with the directory hears of a key")
    with Client(second.port) as client:
        client.ask(get("/x", fields=key(text)))
        g.ctl("key", "revoke", "shared")
        tap.ok(client.is_closed(10), "and of its end")
    tap.same(status(second, text), 401, "it is refused there too")
    second.end()


def audit(g):
    lines = json.loads(g.ctl("-j", "audit", "show", "1000").stdout)["audit"]
    tap.same([x["seq"] for x in lines], sorted((x["seq"] for x in lines), reverse=True),
             "the newest first")
    doings = {(x["what"], x["object"]) for x in lines}
    tap.ok({("key create", "phone"), ("key rotate", "phone"), ("key create", "phone-2"),
            ("key revoke", "doomed")} <= doings, "who made, rotated, revoked what", str(doings))
    tap.ok(all(x["who"].startswith(f"uid={os.geteuid()} pid=") for x in lines), "and who it was")
    db = sqlite3.connect(database_of(g))
    for change in ("UPDATE audit SET who = 'nobody'", "DELETE FROM audit"):
        try:
            db.execute(change)
            tap.ok(False, f"refused: {change}")
        except sqlite3.IntegrityError as e:
            tap.ok("only added to" in str(e), f"refused: {change}", str(e))
    db.close()


# ---- when it cannot be kept ----

def nowhere_to_keep(g):
    refuses(g, ["key", "create", "acme"], "gateway.state_dir", "without a place there is no key")
    refuses(g, ["audit"], "gateway.state_dir", "and no audit")
    tap.same(status(g, "file"), 200, "the file's are good")


def is_broken(how, what):
    directory = tempfile.mkdtemp(prefix="sluice-keys-")
    tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
    how(os.path.join(directory, "sluice.db"))
    g = start(state_dir=directory)
    tap.same(status(g, "file"), 200, f"{what}: it serves")
    tap.ok("key=/gateway/state_dir" in g.complaint(), f"{what}: it says so", g.complaint())
    refuses(g, ["key", "create", "acme"], "gateway.state_dir", f"{what}: no key is given out")
    g.end()


def write_garbage(path):
    with open(path, "wb") as f:
        f.write(b"not a database at all " * 1000)


def write_newer(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


def full_disk():
    name = "a full disk is said, and nothing changes"
    if os.geteuid() != 0:
        tap.skip(name, "only root can mount a small disk")
        return
    directory = tempfile.mkdtemp(prefix="sluice-keys-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", directory],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        os.rmdir(directory)
        tap.skip(name, done.stderr.strip())
        return
    tap.at_end(lambda: (subprocess.run(["umount", "-l", directory], check=False),
                        os.rmdir(directory)))
    g = start(state_dir=directory)
    text = create(g, "acme", "id", "first")
    rest = os.open(os.path.join(directory, "rest"), os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(rest, b"x" * 4096):
            pass
    except OSError:
        os.close(rest)
    last = None
    for _ in range(200):
        last = g.ctl("key", "create", "acme")
        if last.returncode:
            break
    tap.ok(last.returncode == 1 and "nothing was changed" in last.stderr, name, last.stderr)
    tap.same(status(g, text), 200, "what there was is good")
    os.unlink(os.path.join(directory, "rest"))
    tap.same(status(g, create(g, "acme")), 200, "with room again, keys are given out again")
    g.end()


tap.start(180)
origins = origin.Origin(hold_answer)
main = start_with_state(workers=2)
first = given_out(main)
upstreams_are_told(main, first)
refusals(main)
ends_by_itself(main)
rotated(main)
cut_off(main)
survives(main, first)
two_daemons(main)
audit(main)
main.end()
if os.geteuid() == 0:
    # Root has a place of its own that tests leave alone.
    user = start(state_dir="/proc/none")
    tap.ok("key=/gateway/state_dir" in user.complaint(), "a place that cannot be is told of")
else:
    user = start()
nowhere_to_keep(user)
user.end()
is_broken(write_garbage, "garbage")
is_broken(write_newer, "a newer version's")
full_disk()
tap.done()
