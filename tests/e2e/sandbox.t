#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Workers give up what an attacker who takes one over would want, and the operator is told."""

import json
import os
import socket
import subprocess
import sys
import threading

from lib import tap, wire
from lib.gateway import BUILD, Failed, Gateway
from lib.origin import Origin

LAYERS = ["io_uring", "capabilities", "landlock", "seccomp"]
# Becomes a program for which the system call of this number does not exist.
WITHOUT = """
import ctypes, os, struct, sys
code = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[1])), (0x06, 0, 0, 0x00050000 | 95),
        (0x06, 0, 0, 0x7fff0000)]
text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""
NO_LANDLOCK = (sys.executable, "-c", WITHOUT, "444")


def threads(gateway):
    """Of each thread of the daemon, the main one first, what /proc says."""
    found = []
    for task in sorted(os.listdir(f"/proc/{gateway.process.pid}/task"), key=int):
        with open(f"/proc/{gateway.process.pid}/task/{task}/status", encoding="utf-8") as f:
            found.append(dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line))
    return found


def sandbox(gateway):
    return json.loads(gateway.ctl("-j", "status").stdout)["sandbox"]


def serves(gateway, name):
    with wire.Client(gateway.port) as client:
        response = client.ask(wire.get("/x"))
        tap.ok(response and response.status == 200, name, response)


def has_all():
    """Whether this kernel has every layer."""
    gateway = Gateway(origin.port)
    lost = sandbox(gateway)["lost"]
    gateway.stop()
    return not lost


def as_a_rule():
    """Nothing configured."""
    gateway = Gateway(origin.port, conf={"gateway": {"workers": 2}})
    serves(gateway, "requests are served")
    main, *workers = threads(gateway)
    most = 2 if os.geteuid() == 0 else 0  # CAP_DAC_OVERRIDE, for unix sockets of others
    tap.same(len(workers), 2, "there are two workers")
    tap.same([(w["Seccomp"], w["NoNewPrivs"]) for w in workers], [("2", "1")] * 2,
             "they make the calls of a filter, and gain nothing by starting a program")
    tap.same([int(w[c], 16) & ~most for w in workers for c in ("CapEff", "CapPrm", "CapInh", "CapAmb")],
             [0] * 8, "they have no capability")
    tap.same((main["Seccomp"], main["NoNewPrivs"]), ("0", "1"),
             "the main thread, which reads the configuration, gains nothing either")
    tap.same(sandbox(gateway), {"mode": "auto", "in_force": LAYERS, "lost": [], "refused": 0},
             "status tells all layers, and that nothing was refused")
    tap.ok("sandbox      auto: io_uring, capabilities, landlock, seccomp\n"
           in gateway.ctl("status").stdout, "people are told too")
    text = gateway.ctl("metrics", "show").stdout
    tap.ok("sluice_sandbox_refusals" in text, "there is a counter for it", text[:500])
    reload(gateway)
    gateway.end()


def reload(gateway):
    """The threads that run stay as they are."""
    answer = gateway.reload(gateway={**gateway.conf["gateway"], "sandbox": "off"})
    tap.same(answer.get("needs_restart"), ["/gateway/sandbox"], "another mode needs a restart")
    tap.same(threads(gateway)[1]["Seccomp"], "2", "until then it is as it was")
    serves(gateway, "and requests are served")


def switched_off():
    gateway = Gateway(origin.port, conf={"gateway": {"sandbox": "off"}})
    serves(gateway, "off: requests are served")
    tap.same(threads(gateway)[1]["Seccomp"], "0", "off: a worker may do what the process may")
    tap.same(sandbox(gateway), {"mode": "off", "in_force": [], "lost": [], "refused": 0},
             "off: status says so")
    gateway.end()


def required():
    gateway = Gateway(origin.port, conf={"gateway": {"sandbox": "require"}})
    serves(gateway, "require: requests are served where the kernel has it all")
    tap.same(sandbox(gateway)["in_force"], LAYERS, "require: all layers hold")
    gateway.end()


def without_landlock():
    """A kernel whose landlock_create_ruleset(2) says EOPNOTSUPP: it is not switched on."""
    gateway = Gateway(origin.port, by=NO_LANDLOCK)
    serves(gateway, "without Landlock requests are served")
    told = [line for line in gateway.complaint().splitlines() if "sandbox.lost" in line]
    tap.same(len(told), 1, "what is lost is told once")
    tap.ok("warn" in told[0] and "layer=landlock" in told[0] and "effect=" in told[0],
           "by its name, and with what that means", told[0])
    tap.same(sandbox(gateway)["in_force"], [x for x in LAYERS if x != "landlock"],
             "the other layers hold")
    tap.same([x["layer"] for x in sandbox(gateway)["lost"]], ["landlock"], "status tells it too")
    gateway.end()
    try:
        Gateway(origin.port, conf={"gateway": {"sandbox": "require"}}, by=NO_LANDLOCK).stop()
        tap.ok(False, "require: it does not start without one")
    except Failed as e:
        tap.ok("error sandbox.lost layer=landlock" in str(e) and "key=/gateway/sandbox" in str(e),
               "require: it does not start without one, and says which", str(e))


def answer_all(listener):
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def unix_targets():
    """Connecting by path is not forbidden, whatever Landlock this is."""
    gateway = Gateway(origin.port)
    path = os.path.join(gateway.directory, "origin.sock")
    target = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    target.bind(path)
    target.listen(8)
    threading.Thread(target=answer_all, args=(target,), daemon=True).start()
    gateway.reload(upstreams={"origin": {"targets": [f"unix:{path}"]}})
    serves(gateway, "a target at a unix socket is reached by its path")
    target.close()
    gateway.end()


def probed():
    run = subprocess.run([os.path.join(BUILD, "sluicectl"), "-j", "feature", "probe"],
                         capture_output=True, text=True, timeout=20, check=False)
    states = {f["name"]: f["state"] for f in json.loads(run.stdout)["features"]}
    tap.same((states.get("seccomp"), states.get("Landlock")), ("ok", "ok"),
             "feature probe knows that the kernel has both")


tap.start(60)
origin = Origin()
if has_all():
    tap.facts(as_a_rule, switched_off, required, without_landlock, unix_targets, probed)
else:
    tap.skip("what workers give up", "this kernel lacks a layer of the sandbox")
tap.done()
