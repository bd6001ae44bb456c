#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""sluicectl route: what it says of a request is what the gateway does with it."""

import json
import os
import socket
import subprocess

from lib import origin, tap
from lib.gateway import BUILD, Gateway
from lib.wire import Client, get

ROUTES = [
    {"name": "v2", "match": {"path": "/v/{id}", "headers": {"X-Version": "2"}}, "upstream": "origin"},
    {"name": "hosted", "match": {"hosts": ["a.example", "*.b.example"], "path": "/v/*"},
     "respond": {"status": 201, "body": "hosted"}},
    {"name": "get", "match": {"path": "/v/*", "methods": ["GET"]},
     "redirect": {"location": "/elsewhere"}},
    {"name": "beta", "match": {"path": "/v/*", "query": {"b": {"present": True}}},
     "respond": {"status": 202, "body": "beta"}},
    {"name": "regex", "match": {"path_regex": "/r[0-9]+/(?<rest>.*)",
                                "headers": {"a": {"regex": "x+"}, "b": {"present": False}}},
     "respond": {"status": 203, "body": "regex"}},
]


def ctl(*words):
    done = subprocess.run([os.path.join(BUILD, "sluicectl"), "-r", gateway.directory, *words],
                          capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


def match(*words):
    status, out, _ = ctl("-j", "route", "match", *words)
    return status, json.loads(out)


def verdicts(answer):
    return [(c["name"], c["verdict"]) for c in answer["candidates"]]


def show():
    status, out, _ = ctl("-j", "route", "show")
    routes = json.loads(out)["routes"]
    tap.same((status, [r["name"] for r in routes]), (0, [r["name"] for r in ROUTES]),
             "route show: every route, in the order of the file")
    tap.same(routes[0], {"name": "v2", "index": 0, "hosts": [], "path": "/v/{id}", "methods": [],
                         "headers": {"X-Version": "2"}, "upstream": "origin"}, "an upstream's")
    tap.same((routes[1]["hosts"], routes[1]["respond"]), (["a.example", "*.b.example"], 201),
             "an answer of the gateway's own")
    tap.same((routes[2]["methods"], routes[2]["redirect"]), (["GET"], "/elsewhere"), "a redirect")
    tap.same((routes[4]["path_regex"], routes[4]["headers"]),
             ("/r[0-9]+/(?<rest>.*)", {"a": {"regex": "x+"}, "b": {"present": False}}),
             "an expression, and other conditions as the file has them")
    _, out, _ = ctl("route")
    tap.ok("get                   GET * /v/*  -> redirect /elsewhere" in out and
           " * ~/r[0-9]+/(?<rest>.*) header a~x+ header !b  -> respond 203" in out,
           "as text, show being left out", out)


def taken():
    status, answer = match("GET", "http://x.b.example/v/7", "x-version:2")
    tap.same((status, answer["result"], answer["route"], verdicts(answer)),
             (0, "found", "hosted", [("hosted", "taken"), ("v2", "later"), ("get", "later"),
                                     ("beta", "later")]), "the closer host, and who comes later")
    _, answer = match("GET", "/v/%41?x=1", "X-Version: 2")
    tap.same((answer["route"], answer["params"], answer["path"]), ("v2", {"id": "A"}, "/v/A"),
             "a path alone, normalised, with its parameter")
    _, answer = match("GET", "http://c.example/v/7?b", "Host:a.example")
    tap.same((answer["route"], answer["host"]), ("get", "c.example"),
             "the host of the URL goes before a Host field, as RFC 9112 3.2.2 has it")
    _, answer = match("PUT", "/v/7?b=1", "x-version:1")
    tap.same((answer["route"], verdicts(answer)),
             ("beta", [("v2", "header"), ("get", "method"), ("beta", "taken")]),
             "what fell away before it, and why")
    tap.same(answer["candidates"][0]["failed"], "X-Version", "by which header")
    tap.same((answer["other_hosts"], answer["other_paths"]), (1, 1), "and how many never counted")
    _, answer = match("GET", "/r1/a/b", "a:xx")
    tap.same((answer["route"], answer["params"]), ("regex", {"rest": "a/b"}), "an expression")
    _, out, _ = ctl("route", "match", "PUT", "/v/7?b=1", "x-version:1")
    tap.ok(out.startswith("beta  -> respond 202\n"), "as text", out)
    tap.ok("header fails: X-Version" in out and "does not take the method" in out and
           "1 for other hosts, 1 for other paths" in out, "with reasons", out)


def not_taken():
    status, answer = match("DELETE", "/v/7")
    tap.same((status, answer["status"], answer["allow"]), (2, 405, ["GET", "HEAD"]),
             "405: exit status 2, and what is allowed")
    status, answer = match("GET", "/nothing")
    tap.same((status, answer["status"], answer["candidates"]), (2, 404, []), "404")
    status, answer = match("GET", "/v/%zz")
    tap.same((status, answer["result"], answer["status"]), (2, "refused", 400),
             "what a worker would refuse")
    for words in (("GET", "/a b"), ("G T", "/"), ("GET", "/v/1", "bad name: x")):
        tap.same(match(*words)[1]["result"], "refused", f"{words}")
    for words in (("GET",), ("GET", "/", "no-colon"), ("GET", "/", *[f"a{i}:1" for i in range(29)]),
                  ("GET", "/" + 5000 * "x")):
        tap.same(ctl("route", "match", *words)[0], 64, f"misused: {len(words)} words, "
                 f"{words[-1][:10]}")


def raw(line):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(os.path.join(gateway.directory, "control.sock"))
        s.sendall(line)
        out = b""
        while part := s.recv(65536):
            out += part
    return json.loads(out)


def hostile_lines():
    for line in (b"route match GET /v/1 a:%0d%0aX-Version:%202\n", b"route match GET /%00\n",
                 b"route match GET\n", b"route match\n", b"route match GET / " + b"a:b " * 30 + b"\n"):
        tap.ok("error" in raw(line), f"{line[:40]} is an error")
    for line in (b"route match GET /\xff\xfe h:\xff\n", b"route match GET http://\xff/ \n",
                 b"route match GET ://\n", b"route match GET a://?\n", b"route match %25 %20\n",
                 b"route match * *\n", b"route match OPTIONS *\n",
                 b"route match GET /" + 1900 * b"a/" + b"\n"):
        tap.ok("result" in raw(line) or "error" in raw(line), f"{line[:40]} is answered")


def as_it_is():
    """The same requests by the front door."""
    for path, fields, method in (("/v/7", "X-Version: 2\r\n", "GET"), ("/v/7?b", "", "PUT"),
                                 ("/v/7", "", "PUT"), ("/r2/x", "a: x\r\n", "GET"),
                                 ("/r2/x", "a: x\r\nb: 1\r\n", "GET"), ("/v/%2e%2e/x", "", "GET")):
        with Client(gateway.port) as client:
            response = client.ask(get(path, host="h", fields=fields, method=method))
        words = [f.replace(": ", ":") for f in fields.split("\r\n") if f]
        _, answer = match(method, f"http://h{path}", *words)
        told = {"v2": 200, "get": 302, "beta": 202, "regex": 203}.get(answer.get("route"),
                                                                      answer.get("status"))
        tap.same(response.status, told, f"{method} {path} {words} is what route match says")


def of_a_file():
    """The same, with nobody to ask: the socket that -r says is not there."""
    path = os.path.join(gateway.directory, "sluice.json")
    for words in (("show",), ("match", "GET", "http://x.b.example/v/7", "x-version:2"),
                  ("match", "PUT", "/v/7?b=1", "x-version:1"), ("match", "GET", "/r1/a/b", "a:xx"),
                  ("match", "DELETE", "/v/7"), ("match", "GET", "/v/%zz"), ("match", "GET", "/é")):
        for option in ((), ("-j",)):
            running = ctl(*option, "route", *words)
            tap.same(ctl("-r", "/none", "-c", path, *option, "route", *words), running,
                     f"-c FILE {option} {words}: what the daemon says that runs it")
    wrong = os.path.join(gateway.directory, "wrong.json")
    with open(wrong, "w", encoding="utf-8") as f:
        f.write('{ "routes": [ { "respond": {}, "upstrem": "x" } ] }')
    for name, want, said, words in (
            ("a file with faults", 1, "did you mean 'upstream'?", ("-c", wrong, "route", "show")),
            ("and for a match", 1, "did you mean", ("-c", wrong, "route", "match", "GET", "/")),
            ("a file that is not there", 1, "No such file", ("-c", "/none", "route")),
            ("a control character", 64, "control character",
             ("-c", path, "route", "match", "GET", "/\n")),
            ("a word that is no field", 64, "HEADER:VALUE",
             ("-c", path, "route", "match", "GET", "/", "x")),
            ("more than a line", 64, "too long",
             ("-c", path, "route", "match", "GET", "/" + 10000 * "x")),
            ("a command that knows no file", 64, "is for 'route' only", ("-c", path, "status"))):
        status, out, err = ctl(*words)
        tap.ok(status == want and said in err + out, f"{name}: exit {want}, and why",
               (status, out, err))


tap.start(120)
origins = origin.Origin()
gateway = Gateway(origins.port, {"routes": ROUTES})
tap.facts(show, taken, not_taken, hostile_lines, as_it_is, of_a_file, gateway.end)
tap.done()
