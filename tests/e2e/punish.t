#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What userspace learns of a client, the kernel enforces: over veth, in a network namespace."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from lib import tap, wire
from lib.gateway import BUILD, Gateway
from lib.origin import Origin

BAD = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
ID = os.getpid() % 10000
NS, HOST_IF, PEER_IF = f"slp{ID}", f"slph{ID}", f"slpc{ID}"
NET = f"10.{100 + ID // 250}.{ID % 250}"
PINS = f"/sys/fs/bpf/sluice-test-{os.getpid()}"


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False)


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def make_network():
    for words in (("ip", "netns", "add", NS),
                  ("ip", "link", "add", HOST_IF, "type", "veth", "peer", PEER_IF, "netns", NS),
                  ("ip", "addr", "add", f"{NET}.1/24", "dev", HOST_IF),
                  ("ip", "link", "set", HOST_IF, "up"),
                  ("ip", "-n", NS, "addr", "add", f"{NET}.2/24", "dev", PEER_IF),
                  ("ip", "-n", NS, "addr", "add", f"{NET}.3/24", "dev", PEER_IF),
                  ("ip", "-n", NS, "addr", "add", f"{NET}.4/24", "dev", PEER_IF),
                  ("ip", "-n", NS, "addr", "add", f"{NET}.5/24", "dev", PEER_IF),
                  ("ip", "-n", NS, "addr", "add", f"{NET}.6/24", "dev", PEER_IF),
                  ("ip", "-n", NS, "addr", "add", f"{NET}.7/24", "dev", PEER_IF),
                  ("ip", "-n", NS, "link", "set", PEER_IF, "up")):
        done = run(*words)
        if done.returncode != 0:
            skip_all(f"{' '.join(words)}: {done.stderr.strip()}")


def remove_all():
    run("ip", "link", "del", HOST_IF)
    run("ip", "netns", "del", NS)
    shutil.rmtree(PINS, ignore_errors=True)


CLIENT = """
import socket, sys
port, host, source, data = int(sys.argv[1]), sys.argv[2], sys.argv[3], bytes.fromhex(sys.argv[4])
try:
    with socket.create_connection((host, port), 2, (source, 0)) as s:
        s.sendall(data)
        print(s.makefile("rb").read().decode())
except TimeoutError:
    print("no answer")
except OSError as e:
    print(e)
"""


def ask(last, data=wire.get(fields="Connection: close\r\n")):
    return run("nsenter", f"--net=/run/netns/{NS}", sys.executable, "-c", CLIENT,
               str(gateway.port), f"{NET}.1", f"{NET}.{last}", data.hex()).stdout


def is_served(last):
    return ask(last).startswith("HTTP/1.1 200")


def ctl(*words):
    return run(os.path.join(BUILD, "sluicectl"), "-P", PINS, "-j", *words)


def punished():
    return {p["client"]: p for p in json.loads(ctl("punish", "show").stdout)["punished"]}


def wait_for(is_so, seconds=15):
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.1)
    return is_so()


def kernel_status():
    return json.loads(gateway.ctl("-j", "status").stdout)["kernel"]


def loop():
    status = kernel_status()
    tap.same((status["enforced_by"], status["lost"]), ("kernel", ""), "the kernel enforces")
    tap.same((is_served(2), is_served(3)), (True, True), "two clients are served")
    ids = []
    for _ in range(10):
        answer = ask(2, BAD)
        tap.ok(answer.startswith("HTTP/1.1 400"), "a malformed request is refused", answer)
        ids += [line.split()[1] for line in answer.splitlines() if line.startswith("X-Request-Id")]
    tap.same(ask(2).strip(), "no answer", "after ten of them its SYN gets no answer")
    mine = punished().get(f"{NET}.2", {})
    tap.same((mine.get("reason"), mine.get("request_id")), ("malformed", ids[-1]),
             "the map has the reason, and the id of the last one")
    tap.ok(mine.get("hits", 0) > 0, "and has counted what it was denied", str(mine))
    tap.ok(is_served(3), "another client sees no change")

    def marked():
        log = [json.loads(line) for line in gateway.access_log().splitlines()]
        return [entry["request_id"] for entry in log if entry.get("punished")]
    tap.ok(wait_for(lambda: marked() == [ids[-1]]), "the access log marks that request", str(marked()))
    tap.ok(wait_for(lambda: is_served(2)), "after its time it is served again")
    tap.same(punished(), {}, "and nobody is being punished")


KEYED = [{"name": "keyed", "match": {"path": "/keyed"}, "policies": [{"key_auth": {}}],
          "upstream": "origin"},
         {"name": "few", "match": {"path": "/few"}, "upstream": "origin",
          "policies": [{"rate_limit": {"rate": "1/h"}}]},
         {"name": "elsewhere", "match": {"path": "/elsewhere"}, "upstream": "origin",
          "policies": [{"ip_access": {"allow": ["192.0.2.0/24"]}}]}]


def request(path, fields=""):
    return wire.get(path, fields=fields + "Connection: close\r\n")


def repeats(last, path, fields, status, reason):
    """Ten refusals of a policy, and the client is dropped for that reason."""
    ids = []
    for _ in range(10):
        answer = ask(last, request(path, fields))
        ids += [line.split()[1] for line in answer.splitlines()
                if answer.startswith(f"HTTP/1.1 {status}") and line.startswith("X-Request-Id")]
    tap.same(len(ids), 10, f"ten requests are refused: {reason}")
    tap.same(ask(last).strip(), "no answer", "the next SYN gets no answer")
    mine = punished().get(f"{NET}.{last}", {})
    tap.same((mine.get("reason"), mine.get("request_id")), (reason, ids[-1]),
             "the map has the reason, and the id of the last one")
    tap.ok(ids[-1] in ctl("explain", f"{NET}.{last}").stdout, "explain names it")
    tap.ok(is_served(3), "another client sees no change")
    tap.ok(wait_for(lambda: is_served(last)), "after its time it is served again")


def policies():
    gateway.reload(routes=KEYED + RESPOND)
    repeats(5, "/keyed", "X-Api-Key: guess\r\n", 401, "credentials")
    tap.ok(ask(6, request("/few")).startswith("HTTP/1.1 200"), "one request is free")
    repeats(6, "/few", "", 429, "limited")
    repeats(7, "/elsewhere", "", 403, "forbidden")
    gateway.reload(routes=RESPOND)


def by_hand():
    tap.same(ctl("punish", "add", f"{NET}.3", "timeout", "1h", "reason", "test").returncode, 0,
             "an operator punishes a client")
    tap.same(ask(3).strip(), "no answer", "which gets no answer")
    tap.same(punished()[f"{NET}.3"]["reason"], "test", "for his reason")
    tap.same(ctl("punish", "del", f"{NET}.3").returncode, 0, "he lets it in again")
    tap.ok(is_served(3), "and it is served")
    tap.same(ctl("punish", "del", f"{NET}.3").returncode, 1, "who is not punished cannot be let off")
    tap.same(ctl("punish", "add", f"{NET}.3", "timeout", "x").returncode, 64, "a time has to be one")
    tap.same(ctl("punish", "add", f"{NET}.3", "reason").returncode, 64, "a keyword has a value")


def lists():
    tap.same(ask(4).strip(), "no answer", "the list of the configuration holds in the kernel")
    tap.same(ctl("deny", "add", f"{NET}.3").returncode, 0, "an operator denies another one")
    tap.ok(gateway.reload(kernel=dict(KERNEL, deny=[]))["reloaded"], "a reload takes the first away")
    tap.ok(is_served(4), "which is served")
    tap.same(ask(3).strip(), "no answer", "and leaves the operator's list alone")
    ctl("deny", "del", f"{NET}.3")
    del gateway.conf["kernel"]
    gateway.reload()
    tap.ok(not os.path.exists(f"{PINS}/link_{HOST_IF}"), "without the section the program is off")
    gateway.reload(kernel=KERNEL)
    tap.same(ask(4).strip(), "no answer", "and with it on again, with its list")
    gateway.end()
    tap.ok(os.path.exists(f"{PINS}/link_{HOST_IF}"), "when the daemon has ended, the program stays")
    listed = json.loads(ctl("deny", "show").stdout)["entries"]
    tap.same([entry["prefix"] for entry in listed], [f"{NET}.4"], "and so does the list")


def beside_a_proxy():
    """Where many addresses are one client, one of them may be a proxy's."""
    ctl("limit", "client", "v4", "24")
    gateway.reload(forwarded={"trusted_proxies": [f"{NET}.3"]})
    for _ in range(12):
        ask(2, BAD)
    tap.same((punished(), is_served(3)), ({}, True), "who shares a prefix with a proxy is not punished")
    gateway.reload(forwarded={"trusted_proxies": ["192.0.2.0/24"]})
    for _ in range(10):
        ask(2, BAD)
    tap.same(list(punished()), [f"{NET}.0/24"], "without a proxy there, all of it is")
    ctl("punish", "del", f"{NET}.2")
    ctl("limit", "client", "v4", "32")
    del gateway.conf["forwarded"]
    gateway.reload()


def proxies():
    """Whose packets are those of many clients has none of the limits of one."""
    gateway.reload(kernel=dict(KERNEL, client_limits={"connections": "1/h"}))
    tap.same([is_served(2) for _ in range(3)], [True, False, False], "a client has one connection")
    gateway.reload(forwarded={"trusted_proxies": [f"{NET}.2"]})
    tap.same([is_served(2) for _ in range(3)], [True] * 3, "a trusted proxy has all it wants")
    tap.ok("trusted_proxy" in ctl("explain", f"{NET}.2").stdout, "explain says what it is")
    tap.same([is_served(3) for _ in range(2)], [True, False], "others do not")
    del gateway.conf["forwarded"]
    gateway.reload(kernel=KERNEL)
    tap.ok("trusted_proxy" not in ctl("explain", f"{NET}.2").stdout, "and it is one no more")


def oneself():
    """Nobody cuts off his own connection without meaning to."""
    os.environ["SSH_CONNECTION"] = f"{NET}.3 50000 {NET}.1 22"
    done = ctl("punish", "add", f"{NET}.3", "timeout", "1h")
    tap.ok(done.returncode == 1 and "your own SSH connection" in done.stdout and
           punished() == {}, "the other end of one's own SSH connection is not punished", str(done))
    tap.same(ctl("punish", "add", f"{NET}.2").returncode, 0, "another client is")
    ctl("punish", "del", f"{NET}.2")
    tap.same(ctl("punish", "add", f"{NET}.3", "force", "timeout", "1h").returncode, 0,
             "with force it is done")
    ctl("punish", "del", f"{NET}.3")
    ctl("allow", "add", f"{NET}.3")
    tap.same(ctl("punish", "add", f"{NET}.3").returncode, 0, "who is allowed is not cut off by it")
    ctl("allow", "del", f"{NET}.3")
    ctl("punish", "del", f"{NET}.3")
    del os.environ["SSH_CONNECTION"]


def refused():
    """What requires the kernel and does not get it changes nothing there."""
    before = ctl("limit", "show").stdout
    answer = gateway.reload(kernel=dict(KERNEL, mode="require", interfaces=["sl-nowhere"], deny=[],
                                        client_limits={"packets": "5/s"}))
    tap.same(answer.get("faults"), ["/kernel/mode: sl-nowhere: there is no such interface"],
             "a reload that requires another interface is refused, and says why")
    tap.ok(os.path.exists(f"{PINS}/link_{HOST_IF}"), "the program stays where it was")
    tap.same(ask(4).strip(), "no answer", "with its list")
    tap.same(ctl("limit", "show").stdout, before, "and its limits")
    answer = gateway.reload(kernel=dict(KERNEL, mode="require", interfaces=["lo", "sl-nowhere"]))
    tap.same((answer["reloaded"], os.path.exists(f"{PINS}/link_lo")), (False, False),
             "what it has attached is taken off again")
    tap.ok(gateway.reload(kernel=KERNEL)["reloaded"], "the file of before is fine")


def an_heir_that_fails():
    """It went over to its own file in the kernel before it found its port taken: it never ran."""
    before = ctl("limit", "show").stdout
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = {"address": f"127.0.0.1:{other.getsockname()[1]}"}
        kernel = dict(KERNEL, deny=[f"{NET}.3"], interfaces=[HOST_IF, "lo"], shadow=True,
                      client_limits={"packets": "5/s"})
        gateway.write(json.dumps({**gateway.conf, "kernel": kernel,
                                  "listeners": {**gateway.conf["listeners"], "taken": taken}}))
        os.kill(gateway.process.pid, signal.SIGUSR2)
        tap.ok(wait_for(lambda: "upgrade.failed" in gateway.complaint()), "a successor fails",
               gateway.complaint())
    tap.ok(wait_for(lambda: is_served(3)), "who is on its list is served")
    tap.same(ask(4).strip(), "no answer", "who is on that of the running one is not")
    tap.same(ctl("limit", "show").stdout, before, "its limits are gone")
    tap.ok(not os.path.exists(f"{PINS}/link_lo"), "and its interface is free")
    tap.same(json.loads(ctl("switch", "show").stdout)["shadow"], False, "and it is no trial run")
    tap.ok(gateway.reload()["reloaded"], "the old file is fine")


def on_trial():
    """A reload does not wait for an operator's trial; its list comes when that is over."""
    ctl("deny", "add", "192.0.2.9", "confirm-within", "60s")
    tap.ok(gateway.reload(kernel=dict(KERNEL, deny=[f"{NET}.3"]))["reloaded"], "a reload meanwhile")
    tap.ok("on trial" in kernel_status()["lost"], "status says what its list waits for")
    tap.ok(not is_served(3), "userspace has it already")
    ctl("deny", "confirm")
    tap.ok(wait_for(lambda: not kernel_status()["lost"]), "confirmed, nothing is lost")
    tap.same(ask(3).strip(), "no answer", "the kernel has the list")
    ctl("deny", "del", "192.0.2.9")
    tap.ok(gateway.reload(kernel=KERNEL)["reloaded"], "the list of before")


def taken_off():
    """An operator's detach holds until he reloads."""
    tap.same(ctl("detach", "dev", HOST_IF).returncode, 0, "an operator detaches the interface")
    tap.ok(wait_for(lambda: kernel_status()["enforced_by"] == "userspace"), "userspace enforces")
    tap.ok(gateway.reload(kernel=KERNEL)["reloaded"], "a reload")
    tap.same(kernel_status()["enforced_by"], "kernel", "attaches it again")
    tap.ok(gateway.reload(kernel=dict(KERNEL, mode="native"))["reloaded"] and
           "it stays in mode generic" in gateway.complaint(), "in another mode it says what stays")
    tap.same(ctl("detach", "all").returncode, 0, "he takes off all that there is")
    tap.ok(wait_for(lambda: "all was detached" in kernel_status()["lost"]), "status says so")
    tap.ok("a reload attaches again" in gateway.complaint(), "and the log says the way back")
    for _ in range(10):
        ask(2, BAD)
    tap.ok(not is_served(2) and is_served(3), "userspace punishes meanwhile")
    tap.ok(wait_for(lambda: is_served(2)), "for as long")
    tap.ok(gateway.reload(kernel=KERNEL)["reloaded"], "a reload")
    tap.same((kernel_status()["enforced_by"], kernel_status()["lost"]), ("kernel", ""), "is that way")
    tap.same(ask(4).strip(), "no answer", "the list is in the new maps")
    for _ in range(10):
        ask(2, BAD)
    tap.ok(f"{NET}.2" in punished(), "and so is who is punished")
    ctl("punish", "del", f"{NET}.2")


def from_here(source):
    """Past the interface that the kernel judges."""
    with socket.create_connection(("127.0.0.1", gateway.port), 5, (source, 0)) as client:
        client.sendall(wire.get(fields="Connection: close\r\n"))
        try:
            return client.recv(4)
        except ConnectionResetError:
            return b""


def after_root():
    """Maps that are open need no privilege to be written to; lists change by a process that keeps it."""
    global gateway
    where = f"/tmp/sluice-punish-{os.getpid()}"
    tap.at_end(lambda: shutil.rmtree(where, ignore_errors=True))
    gateway = Gateway(origin.port, {"kernel": KERNEL, "routes": RESPOND, "logs": {"access": False},
                                    "gateway": {"user": "nobody", "run_dir": where}}, host="0.0.0.0")
    with open(f"/proc/{gateway.process.pid}/status", encoding="ascii") as f:
        tap.ok("Uid:\t65534\t65534" in f.read(), "the daemon is nobody")
    for _ in range(10):
        ask(2, BAD)
    tap.ok(f"{NET}.2" in punished(), "and still writes to the kernel's map")
    tap.same(ask(2).strip(), "no answer", "which holds")
    ctl("punish", "del", f"{NET}.2")
    ctl("deny", "add", "127.0.9.0/24")
    tap.ok(wait_for(lambda: from_here("127.0.9.1") == b""), "it follows a list that is changed by hand")
    ctl("deny", "del", "127.0.9.0/24")
    os.chmod(gateway.directory, 0o755)
    gateway.ctl = lambda *words: run(os.path.join(BUILD, "sluicectl"), "-r", where, *words)
    tap.ok(gateway.reload(kernel=dict(KERNEL, deny=[f"{NET}.3"])).get("reloaded"), "it is reloaded",
           gateway.complaint())
    tap.same(ask(3).strip(), "no answer", "the new list holds in the kernel")
    tap.ok(is_served(4), "the old one does not")
    ctl("detach", "all")
    tap.ok(wait_for(lambda: json.loads(gateway.ctl("-j", "status").stdout)["kernel"]["lost"]),
           "it sees that all was detached")
    tap.ok(gateway.reload().get("reloaded"), "it is reloaded", gateway.complaint())
    tap.ok(os.path.exists(f"{PINS}/link_{HOST_IF}"), "and its interface is attached again")
    tap.same(ask(3).strip(), "no answer", "with its list")
    heir = upgraded()
    tap.same(gateway.process.wait(20), 0, "the old one ends in good order")
    os.kill(heir, signal.SIGTERM)
    tap.ok(wait_for(lambda: not loaders()), "what kept the capabilities ends with the last of them")


def loaders():
    """Processes of our daemons that keep capabilities."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", "rb") as f, open(f"/proc/{pid}/cmdline", "rb") as g:
                if f.read() == b"sluice-loader\n" and gateway.directory.encode() in g.read():
                    found.append(int(pid))
        except OSError:
            continue
    return found


def upgraded():
    """Another process in its place, which never was root, has the same loader."""
    before = gateway.process.pid
    tap.same(len(loaders()), 1, "one process keeps capabilities")
    with open(f"/proc/{loaders()[0]}/status", encoding="ascii") as f:
        has = next(int(line.split()[1], 16) for line in f if line.startswith("CapEff"))
    tap.same(has & ~(1 << 12 | 1 << 38 | 1 << 39), 0, "and none but those it needs")
    os.kill(before, signal.SIGUSR2)

    def pid():
        done = gateway.ctl("-j", "status")
        return json.loads(done.stdout)["pid"] if done.returncode == 0 else before
    tap.ok(wait_for(lambda: pid() != before), "it is upgraded")
    tap.ok(gateway.reload(kernel=dict(KERNEL, deny=[f"{NET}.4"]))["reloaded"], "its heir is reloaded")
    tap.same(ask(4).strip(), "no answer", "the heir's list holds in the kernel")
    tap.ok(is_served(3), "the one before does not")
    return pid()


def without_maps():
    """No such interface: userspace does it, and says so; required, there is no start."""
    global gateway
    conf = dict(KERNEL, interfaces=["sl-nowhere"], deny=["127.0.9.0/24"], pins=PINS + "-b")
    gateway = Gateway(origin.port, {"kernel": conf, "routes": RESPOND})
    tap.ok("sl-nowhere" in kernel_status()["lost"], "status says what is lost, and why")
    tap.ok("enforced by  userspace" in gateway.ctl("status").stdout, "for people, too")
    tap.same(gateway.complaint().count("kernel.lost"), 1, "so does the log, once")
    with socket.create_connection(("127.0.0.1", gateway.port), 5, ("127.0.9.1", 0)) as client:
        client.sendall(b"x")
        try:
            tap.same(client.recv(1), b"", "the list holds all the same")
        except ConnectionResetError:
            tap.ok(True, "the list holds all the same")
    gateway.end()
    with open(os.path.join("/tmp", f"sluice-require-{os.getpid()}.json"), "w",
              encoding="utf-8") as f:
        json.dump(dict(gateway.conf, kernel=dict(conf, mode="require")), f)
    tap.at_end(lambda: os.unlink(f.name))
    tap.same(run(os.path.join(BUILD, "sluiced"), "-c", f.name).returncode, 1,
             "required, it does not start without")
    shutil.rmtree(PINS + "-b", ignore_errors=True)


if os.geteuid() != 0:
    skip_all("only root can load a kernel program")
if not os.path.ismount("/sys/fs/bpf"):
    skip_all("there is no BPF file system at /sys/fs/bpf")
tap.start(120)
tap.at_end(remove_all)
make_network()
origin = Origin()
RESPOND = [{"name": "all", "match": {"path": "/*"}, "respond": {"status": 200}}]
KERNEL = {"interfaces": [HOST_IF], "pins": PINS, "deny": [f"{NET}.4"],
          "punish": {"after": "10 failures in 1m", "for": "3s"}}
gateway = Gateway(origin.port, {"kernel": KERNEL, "routes": RESPOND}, host="0.0.0.0")
tap.facts(loop, policies, by_hand, beside_a_proxy, proxies, oneself, refused, an_heir_that_fails,
          on_trial, taken_off, lists, after_root, without_maps)
tap.done()
