#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The name servers of the system: those of /etc/resolv.conf, and others when it says others.  In
namespaces of its own, with a file of its own in that place and port 53 to itself."""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from lib import dns, origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

HOST = "pool.example"
INSIDE = "SLUICE_TEST_INSIDE"
UNSHARE = ["unshare", "--map-root-user", "--mount", "--net"]
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PATIENCE_SECONDS = 20


def go_inside():
    """This program anew, in its own namespaces; or the reason why not."""
    try:
        trial = subprocess.run([*UNSHARE, "sh", "-c", "mount --bind /dev/null /etc/resolv.conf"],
                               capture_output=True, text=True, timeout=20, check=False)
    except OSError as e:
        return str(e)
    if trial.returncode != 0:
        return trial.stderr.strip() or f"unshare ends with {trial.returncode}"
    os.environ[INSIDE] = "1"
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, "-B", *sys.argv])


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def serve(conn):
    while conn.request() is not None:
        conn.send(origin.answer(conn.sock.getsockname()[0].encode()))


def say(server):
    """In place, as a file that is mounted cannot be replaced."""
    with open("/etc/resolv.conf", "w", encoding="ascii") as f:
        f.write(f"nameserver {server.host}\n")


def is_served_by(address, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with Client(gateway.port) as client:
            response = client.ask(get("/"))
        if response.status != 200:
            return False
        if response.body.decode() == address:
            return True
        time.sleep(0.05)
    return False


def rereads():
    tap.ok(is_served_by("127.0.0.1"), "the name server of /etc/resolv.conf is asked",
           gateway.complaint())
    tap.ok(old.questions > 0 and new.questions == 0, "and no other")
    old.is_silent = True
    say(new)
    tap.ok(is_served_by("127.0.0.2"), "another one in it is asked, without a reload, and none fails",
           gateway.complaint())
    tap.ok(" names.servers " in gateway.complaint(), "the log says so", gateway.complaint())
    answer = gateway.reload(upstreams={"origin": {"targets": [f"{HOST}:{up.port}",
                                                              f"other.example:{up.port}"]}})
    tap.ok(answer.get("reloaded"), "new names are asked for there too", answer)


def vanishes():
    """What was known of a file that is gone, or says nothing good, goes on."""
    questions = new.questions
    subprocess.run(["umount", "/etc/resolv.conf"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/etc"], check=True)
    tap.ok(not os.path.exists("/etc/resolv.conf"), "the file is gone")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while new.questions < questions + 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    tap.ok(new.questions >= questions + 4, "then the name server of before is asked on")
    tap.ok(is_served_by("127.0.0.2"), "and the name is served", gateway.complaint())


if INSIDE not in os.environ:
    why = go_inside()
    tap.skip("name servers of the system", f"no namespaces here: {why}")
    tap.done()

tap.start(90)
raise_loopback()
scratch = tempfile.mkdtemp(prefix="sluice-resolv-")
tap.at_end(lambda: shutil.rmtree(scratch, ignore_errors=True))
own = os.path.join(scratch, "resolv.conf")
with open(own, "w", encoding="ascii"):
    pass
subprocess.run(["mount", "--bind", own, "/etc/resolv.conf"], check=True)
old, new = (dns.Server(address=(host, 53)) for host in ("127.0.0.1", "127.0.0.2"))
up = origin.Origin(serve)
second = origin.Origin(serve, "127.0.0.2", up.port)
old.names[HOST] = ["127.0.0.1"]
new.names[HOST] = ["127.0.0.2"]
new.names["other.example"] = ["127.0.0.2"]
say(old)
gateway = Gateway(up.port, conf={
    "dns": {"timeout": "1s", "min_ttl": "1s"},
    "upstreams": {"origin": {"targets": [f"{HOST}:{up.port}"]}}})
tap.facts(rereads, vanishes)
gateway.end()
tap.done()
