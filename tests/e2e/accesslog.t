#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The formats of the access log: what programs that read nginx's logs expect, and no secrets."""

import json
import os
import re
import socket
import time

from lib import gateway, origin, tap, wire

COMBINED = re.compile(
    r'^127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
    r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"$')


def lines_of(gw, count):
    """So many lines, once they are written: that takes about a second."""
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline and gw.access_log().count("\n") < count:
        time.sleep(0.02)
    return gw.access_log().splitlines()


def with_format(up, access):
    gw = gateway.Gateway(up.port, {"logs": {"access": {"path": "-", **access}}})
    gw.access_log = lambda: gw._read("stdout").decode(errors="replace")
    return gw


def fields(referer="http://r.example/?token=geheim", agent="curl/8"):
    return f"Referer: {referer}\r\nUser-Agent: {agent}\r\n"


def combined():
    up = origin.Origin()
    gw = with_format(up, {"format": "combined"})
    with wire.Client(gw.port) as client:
        client.ask(wire.get("/path?query=1&api_key=geheim", fields=fields()))
        client.ask(wire.get("/", fields=fields("-", 'a"b\\c')))
    with wire.Client(gw.port) as client:
        client.send(b"\x16\x03\x01\r\n\r\n")
        client.response()
    lines = lines_of(gw, 3)
    tap.same(len(lines), 3, "combined: a line for each request")
    found = [COMBINED.match(line) for line in lines]
    tap.ok(all(found), "combined: each has the form that everybody reads", "\n".join(lines))
    if all(found) and len(found) == 3:
        tap.same(found[0]["request"], "GET /path?query=1&api_key=REDACTED HTTP/1.1",
                 "combined: the request, without its secret")
        tap.same(found[0]["referer"], "http://r.example/?token=REDACTED", "combined: the referer too")
        tap.same(found[1]["agent"], r"a\x22b\x5Cc", "combined: nginx's escapes")
        tap.same((found[2]["request"], found[2]["status"]), ("-", "400"),
                 "combined: a head that was refused")
    gw.end()


def template():
    up = origin.Origin()
    gw = with_format(up, {"format": "$remote_addr [$route] $status $${body_bytes_sent}B "
                                    "rt=$request_time urt=$upstream_response_time $upstream_addr "
                                    "$request_method $uri $args $$",
                          "redact_query": ["PIN"]})
    with wire.Client(gw.port) as client:
        response = client.ask(wire.get("/a/../b?pin=1234&token=shown"))
    line = "".join(lines_of(gw, 1))
    tap.ok(re.fullmatch(r"127\.0\.0\.1 \[all\] 200 \d+B rt=\d+\.\d{3} urt=\d+\.\d{3} "
                        rf"127\.0\.0\.1:{up.port} GET /b pin=REDACTED&token=shown \$", line),
           "a template: its variables, and the secrets that it was told of", line)
    tap.ok(f" {len(response.body)}B " in line, "a template: the bytes of the body", line)
    gw.end()


def json_by_default():
    up = origin.Origin()
    gw = with_format(up, {})
    with wire.Client(gw.port) as client:
        client.ask(wire.get("/p?x=1&Access_Token=geheim&y=2", fields=fields()))
        client.ask(wire.get("/q?x=1"))
    with wire.Client(gw.port) as client:
        client.ask(wire.get("/%zz?token=geheim"))
    lines = [json.loads(line) for line in lines_of(gw, 3)]
    tap.same(lines[0]["query"], "x=1&Access_Token=REDACTED&y=2", "JSON: no secret in the query")
    tap.same(lines[0]["referer"], "http://r.example/?token=REDACTED", "JSON: nor in the referer")
    tap.same(lines[1]["query"], "x=1", "JSON: a query without one is as it came")
    tap.same((lines[2]["path"], lines[2]["query"], lines[2]["status"]),
             ("/%zz", "token=REDACTED", 400), "JSON: nor in a target that is refused")
    tap.ok("geheim" not in gw.access_log(), "none anywhere", gw.access_log())
    gw.end()


os.environ.pop("TZ", None)
def unix_client():
    """Who comes by a unix socket has no address; the target's own status beside ours."""
    up = origin.Origin(lambda conn: conn.request() and conn.send(origin.answer(status="503 No")))
    gw = with_format(up, {"format": "$remote_addr $status $upstream_status"})
    path = os.path.join(gw.directory, "unix.sock")
    gw.reload(listeners={**gw.conf["listeners"], "file": f"unix:{path}"},
              upstreams={"origin": {**gw.conf["upstreams"]["origin"], "retries": {"attempts": 0}}})
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(wire.get("/"))
        s.recv(100)
    with wire.Client(gw.port) as client:
        client.send(b"nonsense\r\n\r\n")
        client.response()
    tap.same(lines_of(gw, 2), ["unix: 503 503", "127.0.0.1 400 -"],
             "a client of a unix socket, as nginx has it, and what a target answered")
    gw.end()


tap.start(60)
tap.facts(combined, template, json_by_default, unix_client)
tap.done()
