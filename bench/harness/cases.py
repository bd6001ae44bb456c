# SPDX-License-Identifier: Apache-2.0
"""The cases: each takes one sample of one gateway and answers with its figures."""

import json
import os
import socket
import statistics
import subprocess
import time

from . import proc
from .gateway import (HERE, KEYS, SIZES, TOKENS, BenchError, Gateway, SecureOrigin, find, get,
                      tokens)

IDLE_WANTED = 10000
IDLE_REQUEST = b"GET /static HTTP/1.1\r\nHost: bench\r\n\r\n"
WRK_ERRORS = ("connect", "read", "write", "timeout", "status")


class Bench:
    """What all samples share: where things are, which cores there are, who runs."""

    def __init__(self, options, build, root, origin):
        cores = sorted(os.sched_getaffinity(0))
        self.options, self.build, self.root, self.origin = options, build, root, origin
        self.gateway_cores, self.load_cores, self.all_cores = {cores[0]}, {cores[-1]}, set(cores)
        self.gateways = {}
        self.secure = None
        self.small_rates = {}
        self.open_rate = None

    def start(self, name):
        self.gateways[name] = Gateway(name, self.build, self.root, self.gateway_cores)

    def need_secure(self):
        """The origin that speaks TLS, which only some cases ask for."""
        if not self.secure:
            self.secure = SecureOrigin(self.root, self.load_cores)
            time.sleep(0.5)

    def stop(self):
        if self.secure:
            self.secure.stop()
        for gateway in self.gateways.values():
            gateway.stop()

    def fresh(self, name, cores, workers=1, routes=0):
        return Gateway(name, self.build, self.root, cores, workers, fresh=True, routes=routes)


def pinned(cores, argv):
    return [find("taskset"), "-c", ",".join(str(c) for c in sorted(cores))] + argv


def run_load(argv, marker, seconds):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60,
                              check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise BenchError(f"{argv[3]}: {e}") from e
    for line in done.stdout.splitlines():
        if line.startswith(marker):
            return json.loads(line[len(marker):])
    raise BenchError(f"{' '.join(argv)}: {(done.stdout + done.stderr).strip()[-500:]}")


def measured(gateway, load):
    """Runs the load and adds what it cost the gateway."""
    cpu = proc.cpu_seconds(gateway.pid)
    figures = load()
    cpu = proc.cpu_seconds(gateway.pid) - cpu
    if proc.is_port_shared(gateway.pid, gateway.port):
        raise BenchError(f"another program listens on {gateway.name}'s port too: no figure")
    figures["cpu_us"] = cpu * 1e6 / figures["requests"] if figures["requests"] else None
    figures["pss"] = proc.pss_bytes(gateway.pid)
    figures["log_bytes"] = gateway.empty_log()
    if not figures["requests"]:
        raise BenchError(f"{gateway.name} answered no request")
    if not figures["log_bytes"]:
        figures["errors"]["its access log is empty: the comparison is unfair"] = 1
    return figures


def wrk(bench, gateway, path, connections, close=False, cores=None, seconds=None,
        script="report.lua", words=(), tls=False, bearer=None):
    seconds = seconds or bench.options.seconds
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
            "-s", os.path.join(HERE, "wrk", script)]
    if close:
        argv += ["-H", "Connection: close"]
    argv.append(f"https://127.0.0.1:{gateway.tls_port}{path}" if tls
                else f"http://127.0.0.1:{gateway.port}{path}")
    if words:
        argv += ["--", *words]

    def load():
        result = run_load(pinned(cores or bench.load_cores, argv), "RESULT ", seconds)
        return {"requests": result["requests"],
                "rps": result["requests"] * 1e6 / result["duration_us"],
                "p50_us": result["p50_us"], "p99_us": result["p99_us"],
                "errors": {k: result[k] for k in WRK_ERRORS if result[k]}}

    answer = get(gateway.port, path, bearer)
    if answer != (200, SIZES.get(path, SIZES["/s"])):
        raise BenchError(f"{gateway.name} {path}: status and length are {answer}")
    return measured(gateway, load)


def small(bench, name):
    figures = wrk(bench, bench.gateways[name], "/s", 64)
    bench.small_rates.setdefault(name, []).append(figures["rps"])
    return figures


def newconn(bench, name):
    """The gateway closes, so TIME_WAIT is on its side and costs the client no port."""
    return wrk(bench, bench.gateways[name], "/s", 16, close=True)


def tls_upstream(bench, name):
    bench.need_secure()
    return wrk(bench, bench.gateways[name], "/secure", 64)


def keyed(tls):
    """Requests with one of so many keys; the script goes through them in turn."""
    def case(bench, name):
        return wrk(bench, bench.gateways[name], "/keyed", 64, script="keys.lua", words=[str(KEYS)],
                   tls=tls)
    return case


def signed(alg, live):
    """Requests with one of so many tokens; Debian's nginx has nothing that reads them."""
    def case(bench, name):
        if name == "nginx":
            return None
        file = os.path.join(tokens(bench.root, bench.build), alg + ".tokens")
        with open(file, encoding="ascii") as f:
            first = f.readline().strip()
        path = "/" + alg.lower()
        return wrk(bench, bench.gateways[name], path, 64, script="tokens.lua",
                   words=[path, file, str(live)], bearer=first)
    return case


def two_workers(bench, name):
    os.sched_setaffinity(bench.origin.pid, bench.all_cores)
    gateway = bench.fresh(name, bench.all_cores, workers=2)
    try:
        wrk(bench, gateway, "/s", 64, cores=bench.all_cores, seconds=1)
        return wrk(bench, gateway, "/s", 64, cores=bench.all_cores)
    finally:
        gateway.stop()
        os.sched_setaffinity(bench.origin.pid, bench.load_cores)


def routes(number):
    """Requests for one of so many routes; the script goes through them in turn."""
    def case(bench, name):
        gateway = bench.fresh(name, bench.gateway_cores, routes=number)
        try:
            wrk(bench, gateway, f"/r/{number - 1}/x", 64, seconds=1)
            return wrk(bench, gateway, f"/r/{number - 1}/x", 64, script="routes.lua",
                       words=[str(number)])
        finally:
            gateway.stop()
    return case


def choose_open_rate(bench):
    """Half of what the slowest peer can do, so that nobody is near saturation."""
    peers = [n for n in bench.gateways if n != "sluice"] or list(bench.gateways)
    for name in peers:
        if name not in bench.small_rates:
            small(bench, name)
    return int(min(statistics.median(bench.small_rates[n]) for n in peers) / 2)


def latency(bench, name):
    bench.open_rate = bench.open_rate or choose_open_rate(bench)
    gateway, seconds = bench.gateways[name], bench.options.seconds
    argv = [os.path.join(bench.build, "bench", "openloop"), "-p", str(gateway.port),
            "-r", str(bench.open_rate), "-t", str(seconds), "-c", "64", "/s"]

    def load():
        result = run_load(pinned(bench.load_cores, argv), "RESULT ", seconds)
        result["rps"] = result["requests"] / seconds
        result["errors"] = {"failed": result["failed"]} if result.pop("failed") else {}
        return result

    return measured(gateway, load)


def idle_count(nofile):
    """A gateway keeps a descriptor for the upstream side of each connection that it takes."""
    return min(IDLE_WANTED, nofile // 2 - 500)


def open_idle(port, count):
    """Connections that have had one answer each and now stay open."""
    held = []
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", port), timeout=5)
        held.append(sock)
        sock.sendall(IDLE_REQUEST)
        if b" 200 " not in sock.recv(4096)[:16]:
            raise BenchError(f"port {port}: connection {len(held)} was refused an answer")
    return held


def is_open(sock):
    sock.setblocking(False)
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def idle(bench, name):
    gateway, held = bench.fresh(name, bench.gateway_cores), []
    try:
        warm = open_idle(gateway.port, 16)
        for sock in warm:
            sock.close()
        before = proc.pss_bytes(gateway.pid)
        held = open_idle(gateway.port, idle_count(bench.options.nofile))
        after = proc.pss_bytes(gateway.pid)
        if proc.is_port_shared(gateway.pid, gateway.port):
            raise BenchError(f"another program listens on {name}'s port too: no figure")
        alive = sum(is_open(sock) for sock in held)
        errors = {"closed by the gateway": len(held) - alive} if alive < len(held) else {}
        return {"connections": alive, "pss": after, "errors": errors,
                "bytes_per_connection": (after - before) / max(alive, 1)}
    finally:
        for sock in held:
            sock.close()
        gateway.stop()


CASES = {
    "small": small,
    "newconn": newconn,
    "100k": lambda bench, name: wrk(bench, bench.gateways[name], "/100k", 16),
    "1m": lambda bench, name: wrk(bench, bench.gateways[name], "/1m", 16),
    "static": lambda bench, name: wrk(bench, bench.gateways[name], "/static", 64),
    "tls-small": lambda bench, name: wrk(bench, bench.gateways[name], "/s", 64, tls=True),
    "tls-newconn": lambda bench, name: wrk(bench, bench.gateways[name], "/s", 16, tls=True,
                                           close=True),
    "tls-100k": lambda bench, name: wrk(bench, bench.gateways[name], "/100k", 16, tls=True),
    "tls-upstream": tls_upstream,
    "keyed": keyed(tls=False),
    "tls-keyed": keyed(tls=True),
    "rs256": signed("RS256", 2000),
    "es256": signed("ES256", 2000),
    "rs256-new": signed("RS256", TOKENS),
    "es256-new": signed("ES256", TOKENS),
    "latency": latency,
    "routes-10": routes(10),
    "routes-10000": routes(10000),
    "two-workers": two_workers,
    "idle": idle,
}
