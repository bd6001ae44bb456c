#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The daemon is killed, or hangs, under a flood over veth: what is denied stays denied, counters go
on and can be read; and a list that outgrows its room grows meanwhile."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from lib import tap
from lib.gateway import BUILD, Gateway
from lib.origin import Origin

ID = os.getpid() % 10000
NS, HOST_IF, PEER_IF = f"slk{ID}", f"slkh{ID}", f"slkc{ID}"
NET = f"10.{140 + ID // 250}.{ID % 250}"
PINS = f"/sys/fs/bpf/sluice-test-{os.getpid()}"


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def make_network():
    for words in (("ip", "netns", "add", NS),
                  ("ip", "link", "add", HOST_IF, "type", "veth", "peer", PEER_IF, "netns", NS),
                  ("ip", "addr", "add", f"{NET}.1/24", "dev", HOST_IF),
                  ("ip", "link", "set", HOST_IF, "up"),
                  ("ip", "-n", NS, "addr", "add", f"{NET}.3/24", "dev", PEER_IF),
                  ("ip", "-n", NS, "addr", "add", f"{NET}.4/24", "dev", PEER_IF),
                  ("ip", "-n", NS, "link", "set", PEER_IF, "up")):
        done = run(*words)
        if done.returncode != 0:
            skip_all(f"{' '.join(words)}: {done.stderr.strip()}")


def remove_all():
    flood.stop()
    run("ip", "link", "del", HOST_IF)
    run("ip", "netns", "del", NS)
    shutil.rmtree(PINS, ignore_errors=True)


FLOOD = """
import socket, sys
to = (sys.argv[1], int(sys.argv[2]))
sockets = []
for source in sys.argv[3:]:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, 0))
    sockets.append(s)
while True:
    for s in sockets:
        try:
            s.sendto(b"x", to)
        except OSError:
            pass
"""


class Flood:
    """Datagrams of two sources; what of them comes through is counted by source."""

    def __init__(self):
        self.seen, self.process = {}, None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def start(self):
        self.socket.bind((f"{NET}.1", 0))
        threading.Thread(target=self._receive, daemon=True).start()
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{NS}", sys.executable, "-c", FLOOD, f"{NET}.1",
             str(self.socket.getsockname()[1]), f"{NET}.3", f"{NET}.4"])

    def _receive(self):
        while True:
            source = self.socket.recvfrom(10)[1][0]
            self.seen[source] = self.seen.get(source, 0) + 1

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def wait_for(is_so, seconds=15):
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)
    return is_so()


def pinned(*words):
    return run(os.path.join(BUILD, "sluicectl"), "-P", PINS, "-r", gateway.directory, "-j", *words)


def denied_hits():
    """Packets of the one who is denied, by the entry's own counter."""
    entries = json.loads(pinned("deny", "show", f"{NET}.4").stdout)["entries"]
    return sum(entry["hits"] for entry in entries if entry["prefix"] == f"{NET}.4")


def goes_on(during):
    """Packets are denied and others pass, now and not a while ago."""
    hits, passed = denied_hits(), flood.seen.get(f"{NET}.3", 0)
    tap.ok(wait_for(lambda: denied_hits() > hits), f"{during}, packets are denied and counted")
    tap.ok(wait_for(lambda: flood.seen.get(f"{NET}.3", 0) > passed), f"{during}, others' pass")
    tap.same(flood.seen.get(f"{NET}.4", 0), 0, f"{during}, no packet of who is denied passes")


def stopped():
    flood.start()
    goes_on("while the daemon runs")
    os.kill(gateway.process.pid, signal.SIGSTOP)
    try:
        goes_on("while it is stopped")
        top = pinned("top", "1", "--once")
        tap.ok(top.returncode == 0 and json.loads(top.stdout), "top answers", top.stderr)
        shown = pinned("metrics", "show")
        tap.ok(shown.returncode == 0 and json.loads(shown.stdout)["is_live"], "metrics show, too",
               shown.stderr)
        tap.same(pinned("deny", "add", "198.51.100.7").returncode, 0, "lists can be changed")
    finally:
        os.kill(gateway.process.pid, signal.SIGCONT)


def grown():
    """More than the pinned lists have room for comes with the configuration."""
    many = [f"100.{64 + i // 65536}.{i // 256 % 256}.{i % 256}" for i in range(0, 200000, 2)]
    shown = json.loads(pinned("deny", "show").stdout)
    told = gateway.reload(kernel=dict(KERNEL, deny=[f"{NET}.4", *many]))
    tap.ok(told.get("reloaded"), "a reload brings 100,000 entries", str(told)[:300])
    tap.same(json.loads(gateway.ctl("-j", "status").stdout)["kernel"]["lost"], "", "nothing is lost")
    looked = run(os.path.join(BUILD, "sluicectl"), "-P", PINS, "-j", "deny", "lookup", many[-1])
    tap.ok(looked.returncode == 0 and "drop" in looked.stdout, "the kernel has the last of them",
           looked.stdout + looked.stderr)
    tap.ok(len(shown["entries"]) < 10, "where there were few before")
    goes_on("after that")


def killed():
    gateway.process.kill()
    gateway.process.wait()
    goes_on("when it was killed")
    shown = pinned("metrics", "show")
    tap.ok(shown.returncode == 0 and not json.loads(shown.stdout)["is_live"],
           "metrics show has the last counters", shown.stderr)
    tap.ok(json.loads(shown.stdout)["metrics"], "all of them")
    tap.same(pinned("top", "1", "--once").returncode, 0, "top shows the packets")
    gateway.rewrite(kernel=KERNEL)
    gateway._start()
    goes_on("with another daemon")
    gateway.end()
    goes_on("when that has ended")
    flood.stop()


if os.geteuid() != 0:
    skip_all("only root can load a kernel program")
if not os.path.ismount("/sys/fs/bpf"):
    skip_all("there is no BPF file system at /sys/fs/bpf")
tap.start(120)
flood = Flood()
tap.at_end(remove_all)
make_network()
origin = Origin()
KERNEL = {"interfaces": [HOST_IF], "pins": PINS, "deny": [f"{NET}.4"]}
gateway = Gateway(origin.port, {"kernel": KERNEL}, host="0.0.0.0")
tap.facts(stopped, grown, killed)
tap.done()
