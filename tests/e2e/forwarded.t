#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What an origin is told of the client: fields by mode and trust, and the PROXY protocol."""

import re
import socket
import struct

from lib import judge, origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get

PROXY = "127.0.0.2"   # who is trusted, where anybody is
STRANGER = "127.0.0.1"
CLAIMS = ("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
          "X-Forwarded-Host: claimed.example\r\nX-Forwarded-Port: 443\r\nX-Real-IP: 192.0.2.7\r\n"
          "Forwarded: for=192.0.2.7;proto=https\r\nX-Request-Id: claimed-1\r\n")
CLAIMED = {"x-forwarded-for": ["192.0.2.7"], "x-forwarded-proto": ["https"],
           "x-forwarded-host": ["claimed.example"], "x-forwarded-port": ["443"],
           "x-real-ip": ["192.0.2.7"]}
FIELDS = list(CLAIMED)
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def told(gateway, source, fields="", path="/", before=b"", version="1.1"):
    """The request as the origin got it, or the answer when it got none."""
    nr = len(origins.requests())
    with Client(gateway.port, source=source) as client:
        client.send(before + get(path, fields=fields, version=version))
        response = client.response()
    got = origins.requests()
    return got[-1] if len(got) > nr else response


def here(gateway, source):
    """What the gateway itself knows of a connection."""
    return {"x-forwarded-for": [source], "x-forwarded-proto": ["http"],
            "x-forwarded-host": ["test.example"],
            "x-forwarded-port": [str(gateway.port)], "x-real-ip": [source]}


def check(gateway, source, fields, want, name):
    request = told(gateway, source, fields)
    got = {f: request.all(f) for f in want}
    tap.same(got, want, name)
    return request


def gateway_with(**forwarded):
    return Gateway(origins.port, {"forwarded": forwarded})


def x_forwarded_by_default():
    g = gateway_with()
    check(g, STRANGER, "", here(g, STRANGER), "by default: the client as it connected")
    check(g, STRANGER, CLAIMS, here(g, STRANGER), "what a stranger claims is replaced")
    request = check(g, STRANGER, "x-forwarded-for: 1.2.3.4\r\n" * 3, here(g, STRANGER),
                    "in any case and number")
    tap.same(request.all("forwarded"), [], "Forwarded is not added unless asked for")
    tap.same(told(g, STRANGER, CLAIMS).all("forwarded"), [], "and a stranger's is removed")
    g.end()


def x_forwarded_append():
    g = gateway_with(x_forwarded="append", trusted_proxies=[PROXY])
    check(g, STRANGER, CLAIMS, here(g, STRANGER), "append: what a stranger claims is replaced")
    check(g, PROXY, "", here(g, PROXY), "append: a trusted proxy that says nothing is the client")
    check(g, PROXY, CLAIMS, {**CLAIMED, "x-forwarded-for": [f"192.0.2.7, {PROXY}"]},
          "append: a trusted proxy's word stands, with its own address behind it")
    want = {"x-forwarded-for": [f"6.6.6.6, 192.0.2.7, {PROXY}, {PROXY}"],
            "x-real-ip": ["192.0.2.7"]}
    check(g, PROXY, f"X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-For: {PROXY}\r\n", want,
          "append: several lines become one; the client is the last whom nobody of us trusts")
    want = {"x-forwarded-for": [f"192.0.2.7, nonsense, {PROXY}"], "x-real-ip": [PROXY]}
    check(g, PROXY, "X-Forwarded-For: 192.0.2.7, nonsense\r\n", want,
          "append: behind what is no address nothing is believed")
    check(g, PROXY, "X-Forwarded-For: 2001:db8::7\r\n", {"x-real-ip": ["2001:db8::7"]},
          "append: an IPv6 address")
    for hop, ip in (("192.0.2.7:443", "192.0.2.7"), ("[2001:db8::7]:443", "2001:db8::7"),
                    ("[2001:db8::7]", "2001:db8::7")):
        check(g, PROXY, f"X-Forwarded-For: 6.6.6.6, {hop}\r\n",
              {"x-forwarded-for": [f"6.6.6.6, {hop}, {PROXY}"], "x-real-ip": [ip]},
              f"append: as some proxies write it, {hop}")
    for hop in ("[192.0.2.7", "192.0.2.7]", "[]", "unix:/a", "a:1", "192.0.2.7:", "192.0.2.7:70000"):
        check(g, PROXY, f"X-Forwarded-For: {hop}\r\n", {"x-real-ip": [PROXY]},
              f"append: no address, {hop}")
    g.end()


def x_forwarded_replace():
    g = gateway_with(x_forwarded="replace", trusted_proxies=[PROXY])
    for source in (STRANGER, PROXY):
        check(g, source, CLAIMS, here(g, source), f"replace: only the peer, from {source}")
    g.end()


def x_forwarded_off_and_pass():
    g = gateway_with(x_forwarded="off", forwarded="off", trusted_proxies=[PROXY])
    for source in (STRANGER, PROXY):
        request = check(g, source, CLAIMS, {f: [] for f in FIELDS}, f"off: nothing, from {source}")
        tap.same(request.all("forwarded"), [], f"off: no Forwarded, from {source}")
    g.end()
    g = gateway_with(x_forwarded="pass", forwarded="pass", trusted_proxies=[PROXY])
    for source in (STRANGER, PROXY):
        request = check(g, source, CLAIMS, CLAIMED, f"pass: as it came, from {source}")
        tap.same(request.all("forwarded"), ["for=192.0.2.7;proto=https"],
                 f"pass: Forwarded too, {source}")
        check(g, source, "", {f: [] for f in FIELDS}, f"pass: nothing is added, from {source}")
    g.end()


def forwarded():
    g = gateway_with(forwarded="append", x_forwarded="off", trusted_proxies=[PROXY])
    ours = 'for={};proto=http;host="test.example"'
    tap.same(told(g, STRANGER, CLAIMS).all("forwarded"), [ours.format(STRANGER)],
             "Forwarded, append: a stranger's is replaced")
    tap.same(told(g, PROXY, CLAIMS).all("forwarded"),
             [f"for=192.0.2.7;proto=https, {ours.format(PROXY)}"],
             "Forwarded, append: a trusted proxy's is kept")
    g.end()
    g = gateway_with(forwarded="replace", trusted_proxies=[PROXY])
    tap.same(told(g, PROXY, CLAIMS).all("forwarded"), [ours.format(PROXY)],
             "Forwarded, replace: ours only")
    g.end()
    if has_ipv6():
        g = Gateway(origins.port, {"forwarded": {"forwarded": "append"}}, host="::1")
        with Client(g.port, host="::1") as client:
            client.ask(get("/v6", host=f"[::1]:{g.port}"))
        request = origins.requests()[-1]
        tap.same(request.get("forwarded"), f'for="[::1]";proto=http;host="[::1]:{g.port}"',
                 "Forwarded: an IPv6 address is quoted and bracketed")
        tap.same(request.get("x-forwarded-for"), "::1", "X-Forwarded-For: it is not")
        g.end()


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        tap.skip("IPv6 clients", "no IPv6 here")
        return False


def via():
    g = gateway_with()
    tap.same(told(g, STRANGER).all("via"), ["1.1 sluice"], "Via is added")
    tap.same(told(g, STRANGER, version="1.0").all("via"), ["1.0 sluice"],
             "and tells the client's version")
    tap.same(told(g, STRANGER, "Via: 1.1 before\r\n").all("via"), ["1.1 before", "1.1 sluice"],
             "behind those that were there")
    with Client(g.port) as client:
        tap.same(client.ask(get()).all("via"), ["1.1 sluice"], "and to the answer")
    g.end()
    g = gateway_with(via=False)
    tap.same(told(g, STRANGER).all("via"), [], "via: false adds none")
    with Client(g.port) as client:
        tap.same(client.ask(get()).all("via"), [], "nor to the answer")
    g.end()


def request_ids():
    g = gateway_with(trusted_proxies=[PROXY])
    first, second = (told(g, STRANGER).get("x-request-id") for _ in range(2))
    tap.ok(re.fullmatch("[0-9a-f]{32}", first) and first != second,
           "each request has an id of its own",
           f"{first} {second}")
    tap.ok(told(g, STRANGER, CLAIMS).get("x-request-id") != "claimed-1", "a stranger's is replaced")
    tap.same(told(g, PROXY, CLAIMS).all("x-request-id"), ["claimed-1"], "a trusted proxy's is kept")
    for bad in ("a b", "a\tb", '"x"', "", "x" * 129, "\xe9"):
        got = told(g, PROXY, f"X-Request-Id: {bad}\r\n").all("x-request-id")
        tap.ok(len(got) == 1 and got[0] != bad, f"but not {bad[:9]!r}", got)
    tap.same(told(g, PROXY, "X-Request-Id: " + "x" * 128 + "\r\n").get("x-request-id"), "x" * 128,
             "128 characters are not too many")
    g.end()


# ---- PROXY protocol in ----

def v2(command, family, body):
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(body)) + body


def v2_inet(tail=b""):
    return v2(1, 0x11, socket.inet_aton("192.0.2.9") + socket.inet_aton("192.0.2.1") +
              struct.pack("!HH", 4711, 80) + tail)


def v2_inet6():
    return v2(1, 0x21, socket.inet_pton(socket.AF_INET6, "2001:db8::9") +
              socket.inet_pton(socket.AF_INET6, "2001:db8::1") + struct.pack("!HH", 4711, 80))


GOOD = [
    ("version 1", b"PROXY TCP4 192.0.2.9 192.0.2.1 4711 80\r\n", "192.0.2.9"),
    ("version 1, IPv6", b"PROXY TCP6 2001:db8::9 2001:db8::1 4711 80\r\n", "2001:db8::9"),
    ("version 1, UNKNOWN", b"PROXY UNKNOWN\r\n", PROXY),
    ("version 1, UNKNOWN with addresses", b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", PROXY),
    ("version 2", v2_inet(), "192.0.2.9"),
    ("version 2, IPv6", v2_inet6(), "2001:db8::9"),
    ("version 2 with TLVs", v2_inet(b"\x04\x00\x03abc" + b"\x20\x00\x64" + b"x" * 100),
     "192.0.2.9"),
    ("version 2, LOCAL", v2(0, 0, b""), PROXY),
    ("version 2, LOCAL with bytes", v2(0, 0x11, b"x" * 12), PROXY),
    ("version 2, UNSPEC", v2(1, 0, b""), PROXY),
]
BAD = [
    ("no header", b""),
    ("version 1, a bad address", b"PROXY TCP4 192.0.2.999 192.0.2.1 4711 80\r\n"),
    ("version 1, a bad port", b"PROXY TCP4 192.0.2.9 192.0.2.1 65536 80\r\n"),
    ("version 1, families mixed", b"PROXY TCP4 2001:db8::9 192.0.2.1 4711 80\r\n"),
    ("version 1, a bare LF", b"PROXY TCP4 192.0.2.9 192.0.2.1 4711 80\n"),
    ("version 1, too long", b"PROXY TCP4 192.0.2.9 192.0.2.1 4711 80" + b" " * 200 + b"\r\n"),
    ("version 1, a field too many", b"PROXY TCP4 192.0.2.9 192.0.2.1 4711 80 1\r\n"),
    ("version 2, version 3", SIGNATURE + b"\x31\x11\x00\x0c" + b"x" * 12),
    ("version 2, addresses cut", v2(1, 0x11, b"x" * 4)),
    ("version 2, an unknown command", v2(5, 0x11, b"x" * 12)),
]


def proxy_in():
    g = Gateway(origins.port, {"listener": {"proxy_protocol": {"from": [PROXY]}},
                               "limits": {"header_timeout": "1s"}})
    for name, header, want in GOOD:
        request = told(g, PROXY, before=header)
        tap.ok(isinstance(request, judge.Request) and request.get("x-forwarded-for") == want,
               f"PROXY {name}: the client is {want}", getattr(request, "fields", request))
        with Client(g.port, source=PROXY) as client:
            client.drip(header + get("/in-pieces"), 0.0005)
            response = client.response()
        tap.ok(response and response.status == 200 and
               origins.requests()[-1].get("x-forwarded-for") == want, f"PROXY {name}, byte by byte",
               response)
    for name, header in BAD:
        nr = len(origins.requests())
        with Client(g.port, source=PROXY) as client:
            client.send(header + get("/bad-proxy"))
            closed = client.is_closed() or client.response().status == 400
        tap.ok(closed and len(origins.requests()) == nr, f"PROXY {name}: refused")
    with Client(g.port, source=PROXY) as client:
        client.send(b"PROXY TCP4 192.0.2.9 ")
        tap.ok(client.is_closed(4), "half a header and silence: closed")
    with Client(g.port, source=PROXY) as client:
        client.send(v2_inet() + get("/one"))
        first = client.response()
        second = client.ask(get("/two"))
        third = client.ask(b"PROXY TCP4 192.0.2.66 192.0.2.1 1 2\r\n" + get("/three"))
    tap.ok(first.status == second.status == 200 and origins.requests()[-1].get("x-forwarded-for") ==
           "192.0.2.9", "the header holds for the whole connection", f"{first} {second}")
    tap.same(third.status, 400, "and comes once")
    response = told(g, STRANGER, before=b"PROXY TCP4 192.0.2.9 192.0.2.1 4711 80\r\n")
    tap.same(getattr(response, "status", response), 400,
             "from a stranger it is no HTTP, and refused")
    request = told(g, STRANGER)
    tap.same(request.get("x-forwarded-for"), STRANGER, "a stranger without it is served as itself")
    g.end()


# ---- PROXY protocol out ----

def read_proxy(conn):
    """What the header says: (source, source port), or None for LOCAL."""
    head = conn.exactly(12)
    if head != SIGNATURE:
        words = (head + conn.until(b"\r\n")).split()
        return words[2].decode(), int(words[4])
    command, family, length = struct.unpack("!BBH", conn.exactly(4))
    body = conn.exactly(length)
    if command & 15 == 0:
        return None
    size = 4 if family == 0x11 else 16
    kind = socket.AF_INET if size == 4 else socket.AF_INET6
    return socket.inet_ntop(kind, body[:size]), struct.unpack("!H", body[2 * size:2 * size + 2])[0]


def serve_behind_proxy(conn):
    conn.proxied = read_proxy(conn)
    origin.always_ok(conn)


def said_by(origin_, target):
    return [c.proxied for c in origin_.connections if any(r.target == target for r in c.requests)]


def proxy_out():
    for version in ("v1", "v2"):
        behind = origin.Origin(serve_behind_proxy)
        g = Gateway(behind.port, upstream={"send_proxy_protocol": version})
        for source in ("127.0.0.5", "127.0.0.6"):
            with Client(g.port, source=source) as client:
                port = client.sock.getsockname()[1]
                path = f"/{source}"
                statuses = [client.ask(get(path)).status for _ in range(2)]
            tap.ok(statuses == [200, 200] and set(said_by(behind, path)) == {(source, port)},
                   f"send_proxy_protocol {version}: {source} is named, and no other",
                   f"{statuses} {said_by(behind, path)}, want {(source, port)}")
        g.end()


def proxy_through():
    """In and out: the client that the balancer named, not the balancer."""
    behind = origin.Origin(serve_behind_proxy)
    g = Gateway(behind.port, {"listener": {"proxy_protocol": {"from": [PROXY]}}},
                {"send_proxy_protocol": "v2"})
    with Client(g.port, source=PROXY) as client:
        client.ask(v2_inet() + get("/through"))
    tap.same(said_by(behind, "/through"), [("192.0.2.9", 4711)],
             "the client's address goes through")
    g.end()


tap.start(120)
origins = origin.Origin()
tap.facts(x_forwarded_by_default, x_forwarded_append, x_forwarded_replace, x_forwarded_off_and_pass,
          forwarded, via, request_ids, proxy_in, proxy_out, proxy_through)
tap.done()
