#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What is counted: out of the file, whatever became of the daemon, and over the admin listener, which
# nobody can hold up.

import http.client
import json
import os
import re
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import tap
from lib.exposition import Families, Wrong
from lib.gateway import Gateway, has_sanitizer, reserve_port
from lib.origin import Origin, answer

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"


def routes(*names):
    return [{"name": n, "match": {"path": f"/{n}/*"}, "upstream": "origin"} for n in names]


def serve(conn):
    while True:
        request = conn.request()
        if request is None:
            return
        if b"/slow" in request.line.encode():
            time.sleep(1.2)
        conn.send(answer(b"x" * 100, status="404 Not Found" if "/missing" in request.line
                         else "200 OK"))


origin = Origin(serve)
tap.start(90)
keep, admin_port = reserve_port()
gw = Gateway(origin.port, {"routes": routes("a", "b"), "metrics": {"routes": 3, "targets": 2},
                           "admin": {"address": f"127.0.0.1:{admin_port}"}})


def get(path, port=None, method="GET", fields=()):
    conn = http.client.HTTPConnection("127.0.0.1", port or gw.port, timeout=10)
    conn.request(method, path, headers=dict(fields))
    response = conn.getresponse()
    body = response.read()
    conn.close()
    return response, body.decode()


def admin(path, **more):
    return get(path, port=admin_port, **more)


def scrape(accept=None):
    response, body = admin("/metrics", fields={"Accept": accept} if accept else {})
    is_open = response.getheader("Content-Type") == OPEN
    return Families(body, is_open)


def show(*words):
    done = gw.ctl("-j", "metrics", "show", *words)
    return done.returncode, json.loads(done.stdout)


def value(name, **labels):
    for m in show(name.removesuffix("_total"))[1]["metrics"]:
        if m["name"] == name and m["labels"] == labels:
            return m.get("value", m.get("count"))
    return None


def until(is_so, seconds=10):
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def counts():
    for path in ("/a/1", "/a/2", "/b/missing", "/nowhere"):
        get(path)
    get("/a/slow")
    target = f"127.0.0.1:{origin.port}"
    f = scrape()
    tap.same(f.value("sluice_http_requests_total", route="a", code="2xx"), 3.0,
             "requests are counted by route and class of status")
    tap.same(f.value("sluice_http_requests_total", route="b", code="4xx"), 1.0,
             "also those that failed")
    tap.same(f.value("sluice_http_requests_total", route="none", code="4xx"), 1.0,
             "those that no route takes too")
    tap.same(f.value("sluice_http_request_duration_seconds_count", route="a"), 3.0,
             "their durations are a histogram by route")
    slow = {le: f.value("sluice_http_request_duration_seconds_bucket", route="a", le=le)
            for le in ("1.07374182", "+Inf")}
    tap.same(slow, {"1.07374182": 2.0, "+Inf": 3.0}, "with the slow one beyond a second")
    tap.ok(1.2 <= f.value("sluice_http_request_duration_seconds_sum", route="a") < 8,
           "and a sum in seconds")
    tap.same(f.value("sluice_upstream_requests_total", upstream="origin", target=target), 4.0,
             "requests are counted by target")
    tap.same(f.value("sluice_http_upstream_duration_seconds_count", upstream="origin",
                     target=target), 4.0, "and what they took")
    tap.same(f.value("sluice_upstream_target_up", upstream="origin", target=target), 1.0,
             "which is in service")
    tap.ok(f.value("sluice_http_response_bytes_total") >= 400, "bytes are counted")
    tap.ok(until(lambda: value("sluice_connections_closed_total", reason="client") == 5),
           "connections are counted by what ended them", show("sluice_conn"))
    gw.ctl("upstream", "disable", target)
    tap.same(scrape().value("sluice_upstream_target_up", upstream="origin", target=target), 0.0,
             "a target that is taken out is not in service")
    gw.ctl("upstream", "enable", target)


def forms():
    wanted = {None: TEXT, "*/*": TEXT, "application/openmetrics-text": OPEN,
              "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4": OPEN,
              "text/plain;q=0.9,application/openmetrics-text;q=0.1": TEXT, "image/png": TEXT}
    for accept, content_type in wanted.items():
        response, body = admin("/metrics", fields={"Accept": accept} if accept else {})
        tap.same(response.getheader("Content-Type"), content_type, f"Accept: {accept}")
        try:
            families = Families(body, content_type == OPEN)
            tap.ok(len(families.families) > 25, "gets a text of that form", families.names())
        except Wrong as e:
            tap.ok(False, "gets a text of that form", e)


def other_answers():
    for path, text in (("/healthz", "alive\n"), ("/readyz", "ready\n"), ("/readyz?x=1", "ready\n")):
        response, body = admin(path)
        tap.same((response.status, body), (200, text), f"{path} says {text.strip()}")
    response, body = admin("/metrics", method="HEAD")
    tap.ok(response.status == 200 and not body and int(response.getheader("Content-Length")) > 999,
           "HEAD gets the head")
    for path, method, status in (("/", "GET", 404), ("/metrics/", "GET", 404),
                                 ("/metrics", "POST", 405), ("/readyz", "DELETE", 405)):
        response, body = admin(path, method=method)
        tap.ok(response.status == status == json.loads(body)["status"] and
               response.getheader("Content-Type") == "application/problem+json" and
               (status != 405 or response.getheader("Allow") == "GET, HEAD"),
               f"{method} {path} gets {status} as a problem", (response.status, body))
    for request, status in ((b"GET /metrics HTTP/1.1\r\n\r\n", b"400"), (b"x\r\n\r\n", b"400"),
                            (b"GET /" + b"x" * 9000, b"4")):
        with socket.create_connection(("127.0.0.1", admin_port), timeout=10) as s:
            s.sendall(request)
            tap.ok(s.recv(4096).startswith(b"HTTP/1.1 " + status), f"{request[:30]} is refused")


def nobody_holds_it_up():
    slow = [socket.create_connection(("127.0.0.1", admin_port)) for _ in range(40)]
    for s in slow:
        s.sendall(b"GET /metrics HT")
    start = time.monotonic()
    tap.same(admin("/healthz")[0].status, 200, "with 40 who do not finish asking, one who does is answered")
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    stuck.connect(("127.0.0.1", admin_port))
    stuck.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    tap.same(admin("/metrics")[0].status, 200, "and with one who does not take the answer")
    tap.same(get("/a/1")[0].status, 200, "requests are served meanwhile")
    tap.ok(time.monotonic() - start < 8, "at once")
    for s in slow + [stuck]:
        s.close()


def reload_keeps():
    before = value("sluice_http_requests_total", route="a", code="2xx")
    gw.reload(routes=routes("c", "a", "d", "other"))
    get("/a/1")
    get("/d/1")
    get("/other/1")
    tap.same(value("sluice_http_requests_total", route="a", code="2xx"), before + 1,
             "a route keeps its count when a reload moves it")
    tap.same(value("sluice_http_requests_total", route="other", code="2xx"), 2,
             "names beyond metrics.routes are counted together")
    scrape("application/openmetrics-text")
    tap.same(value("sluice_config_revision"), 2, "the configuration is told by its number")
    gw.reload(routes=[])
    tap.same([value("sluice_config_last_reload_successful"),
              value("sluice_config_reloads_total", result="failure")], [0, 1],
             "a file that was refused is told")
    gw.reload(routes=routes("a"))
    tap.same(value("sluice_config_last_reload_successful"), 1, "until one is taken")


def moves():
    global admin_port
    keep2, port = reserve_port()
    gw.reload(admin={"address": f"127.0.0.1:{port}"})
    tap.same(get("/healthz", port=port)[0].status, 200, "a reload moves the listener")
    try:
        admin("/healthz")
        tap.ok(False, "it is not at the old address any more")
    except OSError:
        tap.ok(True, "it is not at the old address any more")
    blocked = socket.create_server(("127.0.0.1", 0))
    done = gw.reload(admin={"address": f"127.0.0.1:{blocked.getsockname()[1]}"})
    tap.ok(not done["reloaded"] and get("/healthz", port=port)[0].status == 200,
           "where somebody else listens it does not go", done)
    done = gw.reload(admin={"address": f"0.0.0.0:{port}"})
    tap.ok(not done["reloaded"] and "'public'" in json.dumps(done),
           "to the world neither, unless 'public' says so", done)
    done = gw.reload(admin={"address": f"127.0.0.1:{gw.port}"})
    tap.ok(not done["reloaded"] and "listener 'http'" in json.dumps(done),
           "nor to the address of a listener", done)
    admin_port = port
    gw.reload(admin={"address": f"127.0.0.1:{port}"})
    gw.keep2 = keep2


def dashboard():
    names = scrape().names() | {"sluice_xdp_packets_total", "sluice_xdp_bytes_total"}
    with open(os.path.join(TOP, "tools/packaging/grafana/sluice.json"), encoding="utf-8") as f:
        board = json.load(f)
    exprs = [t["expr"] for p in board["panels"] for t in p.get("targets", [])]
    used = {n for e in exprs for n in re.findall(r"\b(?:sluice|process)_\w+", e)}
    tap.ok(len(used) > 15, "the dashboard asks for metrics", used)
    tap.same(used - names, set(), "each of them is exported")


def watching():
    done = gw.ctl("metrics", "show", "sluice_nothing")
    tap.ok(done.returncode == 64 and "sluice_nothing" in done.stderr, "an unknown beginning is told")
    for wrong in ("0", "x", "nan", "1e9"):
        tap.same(gw.ctl("metrics", "watch", wrong).returncode, 64, f"an interval of {wrong} is none")


def stopped_and_dead():
    hold = threading.Thread(target=lambda: get("/a/slow"))
    hold.start()
    tap.ok(until(lambda: value("sluice_http_requests_active") == 1), "a request is under way")
    pid = gw.process.pid
    os.kill(pid, signal.SIGSTOP)
    code, told = show("sluice_http_requests_active")
    tap.ok(code == 0 and told["is_live"] and told["metrics"][0]["value"] == 1,
           "a daemon that is stopped can be looked at", told)
    os.kill(pid, signal.SIGCONT)
    hold.join()
    os.kill(pid, signal.SIGKILL)
    gw.process.wait()
    code, told = show("sluice_http_requests")
    tap.ok(code == 0 and not told["is_live"] and told["pid"] == pid, "and one that was killed", told)
    done = gw.ctl("metrics", "show", "sluice_http")
    tap.ok(done.returncode == 0 and "has ended" in done.stderr and 'route="a"' in done.stdout,
           "as text, which says so", done.stderr)
    tap.same(gw.ctl("metrics", "watch").returncode, 69, "nothing is left to be watched")
    gw._start()
    tap.same(value("sluice_http_requests_total", route="a", code="2xx"), 0,
             "the next one counts from the beginning")


def unready():
    hold = threading.Thread(target=lambda: get("/a/slow"))
    hold.start()
    until(lambda: value("sluice_http_requests_active") == 1)
    tap.same(admin("/readyz")[0].status, 200, "a daemon that serves is ready")
    gw.process.terminate()
    tap.ok(until(lambda: admin("/readyz")[0].status == 503), "one that is ending is not")
    tap.same(admin("/healthz")[0].status, 200, "but alive")
    hold.join()
    tap.same(gw.process.wait(20), 0, "and ends")


tap.facts(counts, forms, other_answers, nobody_holds_it_up, reload_keeps, moves, dashboard, watching,
          stopped_and_dead, unready)
tap.done()
