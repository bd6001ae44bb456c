#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A broken or malicious origin hurts only the request that it answers, and visibly."""

import threading

from lib import origin, tap, wire
from lib.gateway import Gateway, reserve_port
from lib.wire import Client, get, post

HEAD = b"HTTP/1.1 200 OK\r\n"
POISON = origin.answer(b"poison", "X-Poison: 1\r\n")

# Each: what it is, the bytes, how the origin goes on after them ("close", "reset", "stay"), and
# what the client may see: a status, or "cut" for an answer that is visibly incomplete.
BROKEN = [
    ("no HTTP at all", b"hello there\r\n\r\n", "stay", {502}),
    ("a binary answer", b"\0\1\2\3\xff\xfe\r\n\r\n", "stay", {502}),
    ("bare LF throughout", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "close", {502}),
    ("a bare LF in a field", HEAD + b"X-A: a\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("a bare CR in a field", HEAD + b"X-A: a\rX-B: b\r\nContent-Length: 2\r\n\r\nok", "stay",
     {502}),
    ("a NUL in a field", HEAD + b"X-A: a\0b\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("version 2.0", b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("version in lower case", b"http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("another protocol", b"ICY 200 OK\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("white space first", b" HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("an empty line first", b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("a status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("a status of four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("a status of letters", b"HTTP/1.1 2OO OK\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("status 099", b"HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("status 600", b"HTTP/1.1 600 High\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("two spaces before the status", b"HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok", "stay",
     {502}),
    ("no status", b"HTTP/1.1\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("an endless status line", b"HTTP/1.1 200 " + b"a" * 40000, "stay", {502}),
    ("a CR in the reason", b"HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("no colon in a field", HEAD + b"X-A\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("a space before a colon", HEAD + b"Content-Length : 2\r\n\r\nok", "stay", {502}),
    ("an empty field name", HEAD + b": a\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("a folded field", HEAD + b"X-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok", "stay", {502}),
    ("a head too large", HEAD + b"X-A: " + b"a" * 20000 + b"\r\n\r\n", "stay", {502}),
    ("a head that never ends", HEAD + b"X-A: a\r\n" * 9000, "stay", {502}),
    ("too many fields", HEAD + b"X-A: a\r\n" * 200 + b"\r\n", "stay", {502}),
    ("both framings", HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "stay", {502}),
    ("both, the other way round",
     HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", "stay", {502}),
    ("two lengths", HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk", "stay", {502}),
    ("a list of lengths", HEAD + b"Content-Length: 2, 3\r\n\r\nokk", "stay", {502}),
    ("a negative length", HEAD + b"Content-Length: -2\r\n\r\nok", "stay", {502}),
    ("a length with a sign", HEAD + b"Content-Length: +2\r\n\r\nok", "stay", {502}),
    ("a hexadecimal length", HEAD + b"Content-Length: 0x2\r\n\r\nok", "stay", {502}),
    ("an empty length", HEAD + b"Content-Length:\r\n\r\nok", "stay", {502}),
    ("a length of 2^64 + 2", HEAD + b"Content-Length: 18446744073709551618\r\n\r\nok", "stay",
     {502}),
    ("coding gzip", HEAD + b"Transfer-Encoding: gzip\r\n\r\nok", "close", {502}),
    ("coding gzip, chunked", HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "stay",
     {502}),
    ("coding chunked twice",
     HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "stay",
     {502}),
    ("coding xchunked", HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "stay", {502}),
    ("coding with a vertical tab", HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
     "stay", {502}),
    ("chunked in HTTP/1.0",
     b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "stay", {502}),
    ("101 that nobody asked for",
     b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
     "stay", {502}),
    ("interim answers without end", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500, "stay", {502}),
    ("an interim answer only", b"HTTP/1.1 103 Early Hints\r\n\r\n", "close", {502}),
    ("no answer", b"", "close", {502}),
    ("a reset", b"", "reset", {502}),
    ("half a head", HEAD + b"Content-Le", "close", {502}),
    ("half a head and a reset", HEAD + b"Content-Le", "reset", {502}),
    ("silence", b"", "stay", {504}),
    ("half a head and silence", HEAD + b"Content-Le", "stay", {504}),
    ("an interim answer and silence", b"HTTP/1.1 100 Continue\r\n\r\n", "stay", {504}),
    ("a body cut off", HEAD + b"Content-Length: 10\r\n\r\nhello", "close", {"cut", 502}),
    ("a body that never came", HEAD + b"Content-Length: 10\r\n\r\n", "close", {"cut", 502}),
    ("a body cut off by a reset", HEAD + b"Content-Length: 10\r\n\r\nhello", "reset", {"cut", 502}),
    ("a large body cut off", HEAD + b"Content-Length: 900000\r\n\r\n" + b"a" * 899999, "close",
     {"cut"}),
    ("a body and silence", HEAD + b"Content-Length: 10\r\n\r\nhello", "stay", {"cut"}),
]

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BROKEN_CHUNKS = [
    ("a size of no digits", b"\r\nhello\r\n0\r\n\r\n", "stay"),
    ("a size of 0x5", b"0x5\r\nhello\r\n0\r\n\r\n", "stay"),
    ("a size of -5", b"-5\r\nhello\r\n0\r\n\r\n", "stay"),
    ("a size of +5", b"+5\r\nhello\r\n0\r\n\r\n", "stay"),
    ("a size of 2^64 + 5", b"10000000000000005\r\nhello\r\n0\r\n\r\n", "stay"),
    ("a size of 2^64 - 1", b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "stay"),
    ("a size line that ends in LF", b"5\nhello\r\n0\r\n\r\n", "stay"),
    ("a size line that never ends", b"5;" + b"a" * 30000, "stay"),
    ("data longer than said", b"5\r\nhellooo\r\n0\r\n\r\n", "stay"),
    ("data that ends in LF", b"5\r\nhello\n0\r\n\r\n", "stay"),
    ("a bad second chunk", b"5\r\nhello\r\nx\r\nhello\r\n0\r\n\r\n", "stay"),
    ("an end after a whole chunk", b"5\r\nhello\r\n", "close"),
    ("an end within a chunk", b"5\r\nhel", "close"),
    ("an end within the size", b"5\r\nhello\r\n1", "close"),
    ("an end before the last line", b"5\r\nhello\r\n0\r\n", "close"),
    ("an end within the trailers", b"5\r\nhello\r\n0\r\nX-A: 1\r\n", "close"),
    ("a reset after a whole chunk", b"5\r\nhello\r\n", "reset"),
    ("silence after a whole chunk", b"5\r\nhello\r\n", "stay"),
    ("a folded trailer", b"5\r\nhello\r\n0\r\nX-A: 1\r\n 2\r\n\r\n", "stay"),
    ("a trailer without a colon", b"5\r\nhello\r\n0\r\nX-A\r\n\r\n", "stay"),
    ("too large trailers", b"5\r\nhello\r\n0\r\n" + b"X-A: 1\r\n" * 9000 + b"\r\n", "stay"),
]

scripts = {}


def serve(conn):
    """What stands in scripts for the path, else the request line as the answer."""
    while True:
        request = conn.head()
        if request is None:
            return
        script = scripts.get(request.target)
        if script:
            if not script(conn, request):
                return
            continue
        conn.body(request)
        body = b"" if request.method == "HEAD" else request.line.encode()
        conn.send(origin.answer(body))


def broken(data, end, told):
    def script(conn, _request):
        try:
            conn.send(data)
        except OSError:
            pass # the gateway need not read all of it
        if end == "stay":
            told["ended"] = conn.wait_end()
            told["more"] = bytes(conn.buffer)
        elif end == "reset":
            conn.reset()
        return False
    return script


def path_of(name):
    return "/" + name.replace(" ", "-").replace(",", "").replace("^", "").replace("+", "plus")


def seen(response):
    """What a client makes of it."""
    if response is None:
        return "nothing"
    return response.status if response.is_complete else "cut"


def still_serves(path):
    with Client(gateway.port) as client:
        response = client.ask(get(path))
    return response and response.status == 200 and response.body == f"GET {path} HTTP/1.1".encode()


def play(name, data, end, expect, version="1.1"):
    told = {}
    path = f"{path_of(name)}/{version}"
    scripts[path] = broken(data, end, told)
    wrong = []
    with Client(gateway.port) as client:
        response = client.ask(get(path, version=version))
        if seen(response) not in expect:
            wrong.append(f"the client saw {seen(response)}, not {expect}: {response}")
        if response and response.status == 200 and not client.is_closed():
            wrong.append("its connection stayed open after half an answer")
    if end == "stay" and not told.get("ended"):
        origins.wait(lambda: "ended" in told)
        if not told.get("ended"):
            wrong.append("the connection to the origin stayed open")
    if not still_serves(path + "/next"):
        wrong.append("the next request failed")
    tap.ok(not wrong, f"HTTP/{version}: {name}", "\n".join(wrong))


def side_by_side(jobs, width=12):
    """jobs are argument lists of play()."""
    jobs = list(jobs)
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not jobs:
                    return
                job = jobs.pop(0)
            tap.facts(lambda: play(*job))
    tap.together(*[work] * width)


def broken_answers():
    side_by_side(BROKEN)


def broken_chunks():
    """The head may be on its way when the fault comes: then the answer must not look complete.  A
    HTTP/1.0 client knows the end by the close alone, so for that client it must be a reset."""
    for version in ("1.1", "1.0"):
        side_by_side((name, CHUNKED + data, end, {"cut", 502}, version)
                     for name, data, end in BROKEN_CHUNKS)



# ---- answers that are odd, but right ----

def ask_for(path, script, request=None, method="GET", version="1.1"):
    """One request to a scripted path on its own connection: response, and whether that was kept."""
    scripts[path] = script
    with Client(gateway.port) as client:
        response = client.ask(request or get(path, method=method, version=version), method)
        after = client.ask(get("/after" + path))
        return response, bool(after and after.body == f"GET /after{path} HTTP/1.1".encode())


def says(data, goes_on=True):
    def script(conn, request):
        conn.body(request)
        conn.send(data)
        return goes_on
    return script


def connection_with(path):
    """The origin's connection that carried this path."""
    for conn in origins.connections:
        if any(r.target == path for r in conn.requests):
            return conn
    return None


def is_left_alone(path):
    """That connection is ended by the gateway, and nothing else was asked on it afterwards."""
    conn = connection_with(path)
    return origins.wait(lambda: conn.is_over) and conn.requests[-1].target == path


def answers_without_a_body():
    for method, data, length in (
            ("HEAD", origin.answer(b"")[:-2] + b"\r\n", "0"),
            ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "1000000"),
            ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
            ("HEAD", b"HTTP/1.1 200 OK\r\n\r\n", None),
            ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", None),
            ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", None),
            ("GET", b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", None),
            ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", "77"),
            ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "0")):
        path = f"/bare/{len(scripts)}"
        response, kept = ask_for(path, says(data), method=method)
        tap.ok(response.get("content-length") == length and kept and not response.body,
               f"{method} answered {data!r}: its length is {length}, and the next answer is clean",
               f"{response}, next answer clean: {kept}")


def poison_behind_an_answer():
    for name, method, data, status in (
            ("a complete answer", "GET", origin.answer(b"ok"), 200),
            ("an empty answer", "GET", origin.answer(b""), 200),
            ("a chunked answer", "GET", CHUNKED + b"2\r\nok\r\n0\r\n\r\n", 200),
            ("HEAD", "HEAD", HEAD + b"Content-Length: 100\r\n\r\n", 200),
            ("204", "GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
            ("204 with a length", "GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
             204),
            ("304", "GET", b"HTTP/1.1 304 Not Modified\r\n\r\n", 304)):
        path = f"/poison/{len(scripts)}"
        response, kept = ask_for(path, says(data + POISON), method=method)
        tap.ok(response.status == status and kept and is_left_alone(path),
               f"bytes behind {name} reach nobody", f"{response}, next answer clean: {kept}")


def poison_while_idle():
    """The answer to a request that nobody sent yet."""
    event = threading.Event()

    def script(conn, request):
        conn.body(request)
        conn.send(origin.answer(b"mine"))
        event.wait(10)
        conn.send(POISON)
        return True
    path = "/unasked"
    scripts[path] = script
    with Client(gateway.port) as client:
        response = client.ask(get(path))
        tap.same(response.body, b"mine", "the answer comes before the unasked one")
        event.set()
        tap.ok(is_left_alone(path), "an unasked answer ends an idle connection")
        response = client.ask(get("/after-unasked"))
        tap.same(response.body, b"GET /after-unasked HTTP/1.1", "the next request gets its own")


def close_delimited():
    body = b"until the end " * 9000
    response, kept = ask_for("/until-close", says(HEAD + b"\r\n" + body, False))
    tap.ok(response.framing == "chunked" and response.body == body and kept,
           "without a length: chunked for a HTTP/1.1 client, whose connection stays", response)
    response, _ = ask_for("/until-close-10", says(HEAD + b"\r\n" + body, False), version="1.0")
    tap.ok(response.framing == "close" and response.body == body and response.is_complete,
           "and until the close for a HTTP/1.0 client", response)
    response, _ = ask_for("/chunked-10", says(CHUNKED + wire.chunked(body, 1000)), version="1.0")
    tap.ok(response.framing == "close" and response.body == body and response.is_complete,
           "chunks are taken apart for a HTTP/1.0 client", response)
    response, kept = ask_for("/origin-10",
                             says(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False))
    tap.ok(response.body == b"ok" and kept, "a HTTP/1.0 origin is understood", response)


def reset_without_length():
    """Its length is known only by the end, and the end was none."""
    def script(conn, request):
        conn.body(request)
        conn.send(HEAD + b"\r\nsome of it")
        origins.wait(lambda: "go" in told)
        conn.reset()
        return False
    for version in ("1.1", "1.0"):
        told = {}
        path = f"/reset-until-close/{version}"
        scripts[path] = script
        with Client(gateway.port) as client:
            client.send(get(path, version=version))
            while b"some of it" not in client.buffer and client.fill():
                pass
            with origins.changed:
                told["go"] = True
                origins.changed.notify_all()
            response = client.response()
        tap.ok(seen(response) == "cut",
               f"an answer without a length that ends in a reset is cut for HTTP/{version} too",
               response)


def interim_answers():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    response, kept = ask_for("/hints", says(hints + hints + origin.answer(b"ok")))
    tap.ok([i.status for i in response.interim] == [103, 103] and kept and
           response.interim[0].get("link") == "</a.css>; rel=preload" and response.body == b"ok",
           "103 is passed on, twice", response.interim)
    response, _ = ask_for("/hints-10", says(hints + origin.answer(b"ok")), version="1.0")
    tap.ok(response.interim == [] and response.body == b"ok", "but not to a HTTP/1.0 client",
           response)
    response, _ = ask_for("/process",
                          says(b"HTTP/1.1 102 Processing\r\n\r\n" + origin.answer(b"ok")))
    tap.ok(response.status == 200, "102 does no harm", response)
    response, _ = ask_for("/ten-hints", says(hints * 10 + origin.answer(b"ok")))
    tap.same(len(response.interim), 10, "ten of them are no flood")


def fields_of_answers():
    data = (b"HTTP/1.1 200 Very Well\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\n"
            b"Keep-Alive: timeout=9\r\nX-A: 1\r\nx-a: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
            b"X-E: \xe9\r\nContent-Length: 2\r\n\r\nok")
    response, _ = ask_for("/fields", says(data))
    names = [n.lower() for n, _ in response.fields]
    tap.ok("x-hop" not in names and "keep-alive" not in names, "fields of one hop end here", names)
    tap.same(response.all("set-cookie"), ["a", "b"], "fields of one name stay apart and in order")
    tap.same(response.all("x-a"), ["1", "2"], "whatever their case")
    tap.same(response.get("x-e"), "\xe9", "bytes above ASCII pass")
    tap.same(response.reason, "Very Well", "the reason passes")
    tap.ok(response.get("date"), "Date is added", names)
    response, kept = ask_for("/closes",
                             says(HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok"))
    tap.ok(kept and response.get("connection") is None and is_left_alone("/closes"),
           "Connection: close of the origin is between the gateway and the origin", response)


# ---- while the request is under way ----

def early_answers():
    big = b"x" * 8_000_000

    def refuses(conn, _request):
        conn.send(origin.answer(b"too much", "", "413 Content Too Large"))
        return False

    def refuses_and_reads(conn, request):
        conn.send(origin.answer(b"too much", "", "413 Content Too Large"))
        conn.body(request)
        return True
    for name, script in (("then closes", refuses), ("then reads on", refuses_and_reads)):
        for framing in ("length", "chunks"):
            path = f"/early/{len(scripts)}"
            scripts[path] = script
            request = post(path, big) if framing == "length" else get(
                path, method="POST", fields="Transfer-Encoding: chunked\r\n") + wire.chunked(big,
                                                                                             65536)
            with Client(gateway.port) as client:
                sender = threading.Thread(target=client.send, args=(request,), daemon=True)
                sender.start()
                response = client.response("POST")
                client.end_sending()
                sender.join(20)
            tap.ok(response and response.status == 413 and response.body == b"too much",
                   f"an origin that refuses an upload by {framing} {name}: the client gets its 413",
                   response)
    tap.ok(still_serves("/after-early"), "and the next request works")


def continue_dance():
    def goes_on(conn, request):
        conn.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        conn.body(request)
        conn.send(origin.answer(request.body))
        return True
    for framing in ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"):
        path = f"/continue/{framing[0]}"
        scripts[path] = goes_on
        with Client(gateway.port) as client:
            client.send(get(path, method="POST", fields=f"Expect: 100-continue\r\n{framing}"))
            first = client.head()
            client.send(b"hello" if "Length" in framing else b"5\r\nhello\r\n0\r\n\r\n")
            response = client.response("POST")
            after = client.ask(get("/after-continue"))
        tap.ok(first.status == 100 and response.body == b"hello" and after.status == 200,
               f"the origin says 100, then the body goes up ({framing[:-2]})",
               f"{first} {response} {after}")

    def refuses(conn, _request):
        conn.send(origin.answer(b"no", "", "401 Unauthorized"))
        return conn.wait_end() and False
    scripts["/continue-no"] = refuses
    with Client(gateway.port) as client:
        response = client.ask(get("/continue-no", method="POST",
                                  fields="Expect: 100-continue\r\nContent-Length: 5\r\n"), "POST")
        closed = client.is_closed()
    tap.ok(response.status == 401 and not response.interim and closed,
           "the origin says 401 instead: passed on, and the connection without its body ends",
           f"{response} closed: {closed}")


def stale_connections():
    """A kept connection that the origin closes as it is used: only safe requests go out again."""
    seen_at = {"GET": 0, "POST": 0}

    def script(conn, request):
        conn.body(request)
        seen_at[request.method] += 1
        if len(conn.requests) > 1:
            conn.reset()
            return False
        conn.send(origin.answer(b"fresh"))
        return True
    scripts["/stale"] = script
    with Client(other.port) as client:
        client.ask(get("/warm"))
        response = client.ask(get("/stale"))
        tap.ok(response.status == 200 and response.body == b"fresh" and seen_at["GET"] == 2,
               "GET on a stale connection is sent again", f"{response} {seen_at}")
        response = client.ask(post("/stale", b"hello"), "POST")
        tap.ok(response.status == 502 and seen_at["POST"] == 1,
               "POST on a stale connection is not", f"{response} {seen_at}")


def no_origin():
    with Client(nowhere.port) as client:
        response = client.ask(get("/"))
        after = client.ask(get("/"))
    tap.same((response.status, after.status), (502, 502), "without an origin: 502, and again")

tap.start(150)
origins = origin.Origin(serve)
gateway = Gateway(origins.port, {"limits": {"header_bytes": "16KiB"}},
                  {"timeouts": {"response": "1s", "read": "1s"}})
other = Gateway(origins.port)
keep, dead_port = reserve_port()
nowhere = Gateway(dead_port)
broken_answers()
broken_chunks()
tap.facts(answers_without_a_body, poison_behind_an_answer, poison_while_idle, close_delimited,
          reset_without_length, interim_answers, fields_of_answers, early_answers, continue_dance,
          stale_connections, no_origin)
for each in (gateway, other, nowhere):
    each.end()
keep.close()
tap.done()
