#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Clients that break the rules of TLS, one at a time: what becomes of them here and at nginx, which
has the same OpenSSL.  In the manner of tlsfuzzer's conversations, which Debian does not have."""

import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile

from lib import origin, tap
from lib.certs import Authority
from lib.gateway import Gateway, reserve_port
from lib.tls import SlowTls, TlsClient, context, wait_for
from lib.wire import get

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
PATIENCE = 8  # seconds for a server to end a connection; its own handshake timeout is 1

tap.start(240)
directory = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
authority = Authority(directory)
pair = authority.make("a", "a.example")
origins = origin.Origin()
g = Gateway(origins.port, {"listener": {"tls": {"certificates": [pair],
                                               "handshake_timeout": "1s"}}})


def record(kind, data, version=0x0303, length=None):
    return struct.pack(">BHH", kind, version, len(data) if length is None else length) + data


def message(kind, data, length=None):
    return struct.pack(">I", kind << 24 | (len(data) if length is None else length)) + data


class Talk(SlowTls):
    """One connection: a client that OpenSSL made, and what we send in its name."""

    def __init__(self, port, version):
        made = context(authority.file, version=version)
        made.options |= ssl.OP_NO_TICKET
        super().__init__(socket.create_connection(("127.0.0.1", port), 10), made)
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.raw.settimeout(PATIENCE)
        try:
            self.ssl.do_handshake()
        except ssl.SSLWantReadError:
            pass
        self.hello = self.outgoing.read()  # a record

    def send(self, *parts):
        try:
            for part in parts:
                self.raw.sendall(part)
        except ConnectionError:
            pass  # it has ended already, as it should

    def shake(self):
        self.send(self.hello)
        self.run(self.ssl.do_handshake, size=1 << 20)

    def sealed(self, data):
        self.ssl.write(data)
        return self.outgoing.read()

    def _read(self):
        """What the client makes of all that has come: an alert's name, or bytes, or nothing."""
        try:
            self.ssl.do_handshake()
            return self.ssl.read(1 << 16)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLError as e:
            return e.reason or str(e)

    def end(self):
        """(how it ended, the alert or None, the bytes that were served)."""
        how, got = "closed", None
        try:
            while data := self.raw.recv(1 << 16):
                self.incoming.write(data)
        except socket.timeout:
            how = "open"
        except ConnectionError:
            how = "closed"
        served = b""
        while isinstance(got := self._read(), bytes) and got:
            served += got
        self.raw.close()
        return how, got if isinstance(got, str) and "ALERT" in got else None, served


# ---- before there are keys ----

def change(hello, at, new):
    """A ClientHello with other bytes at that place of its body."""
    body = hello[9:at + 9] + new + hello[at + 9 + len(new):]
    return record(HANDSHAKE, message(1, body), 0x0301)


def with_extension(hello, kind, data):
    body = bytearray(hello[9:])
    at = 34 + 1 + body[34]
    at += 2 + int.from_bytes(body[at:at + 2], "big")
    at += 1 + body[at]
    more = struct.pack(">HH", kind, len(data)) + data
    size = int.from_bytes(body[at:at + 2], "big") + len(more)
    body[at:at + 2] = size.to_bytes(2, "big")
    # In front: what resumes a session must stay the last (RFC 8446 4.2.11).
    body[at + 2:at + 2] = more
    return record(HANDSHAKE, message(1, bytes(body)), 0x0301)


def ciphers_at(hello):
    return 34 + 1 + hello[9 + 34]


def pieces(data, size):
    return [record(HANDSHAKE, data[i:i + size], 0x0301) for i in range(0, len(data), size)]


BEFORE = {
    "a record of more than 16 KiB": lambda h: [record(HANDSHAKE, bytes(16385), 0x0301)],
    "a record that claims 64 KiB": lambda h: [record(HANDSHAKE, h[5:], 0x0301, 65535),
                                              bytes(70000)],
    "empty records before it": lambda h: [record(HANDSHAKE, b"") * 100, h],
    "an empty record within it": lambda h: [record(HANDSHAKE, h[5:50]), record(HANDSHAKE, b"") * 40,
                                            record(HANDSHAKE, h[50:])],
    "a record of an unknown type": lambda h: [record(HANDSHAKE, h[5:50]), record(64, b"x" * 9)],
    "application data within it": lambda h: [record(HANDSHAKE, h[5:50]), record(DATA, b"x" * 99)],
    "an alert within it": lambda h: [record(HANDSHAKE, h[5:50]), record(ALERT, b"\1\0"),
                                     record(HANDSHAKE, h[50:])],
    "a record of version 9.9": lambda h: [record(HANDSHAKE, h[5:], 0x0909)],
    "a message that claims 16 MiB": lambda h: [record(HANDSHAKE, message(1, b"x" * 99, 0xffffff)),
                                               record(HANDSHAKE, b"x" * 16384) * 40],
    "a Finished first": lambda h: [record(HANDSHAKE, message(20, bytes(12)))],
    "a ServerHello first": lambda h: [record(HANDSHAKE, message(2, h[9:]))],
    "a ClientKeyExchange first": lambda h: [record(HANDSHAKE, message(16, bytes(66)))],
    "a HelloRequest first": lambda h: [record(HANDSHAKE, message(0, b""))],
    "a message of an unknown type": lambda h: [record(HANDSHAKE, message(99, bytes(9)))],
    "half a ClientHello, and no more": lambda h: [record(HANDSHAKE, h[5:60])],
    "a ClientHello of nothing": lambda h: [record(HANDSHAKE, message(1, b""))],
    "one that ends too early": lambda h: [record(HANDSHAKE, message(1, h[9:-7]))],
    "one with bytes behind it": lambda h: [record(HANDSHAKE, message(1, h[9:] + b"x" * 7))],
    "SSL 3.0": lambda h: [record(HANDSHAKE, message(1, b"\3\0" + h[11:43] + b"\0\0\2\0\x2f\1\0"))],
    "TLS 1.0": lambda h: [record(HANDSHAKE, message(1, b"\3\1" + h[11:43] + b"\0\0\2\0\x2f\1\0"))],
    "a session id of 33 bytes": lambda h: [change(h, 34, b"\x21")],
    "half a cipher": lambda h: [change(h, ciphers_at(h), b"\0\3")],
    "no cipher": lambda h: [record(HANDSHAKE, message(1, h[9:43] + b"\0\0\0\1\0"))],
    "no compression method": lambda h: [record(HANDSHAKE, message(
        1, h[9:43] + b"\0\0\2\xc0\x2b\0"))],
    "the same extension twice": lambda h: [with_extension(h, 10, b"\0\2\0\x1d")],
    "an empty list of names": lambda h: [with_extension(h, 0, b"\0\0")],
    "an empty list of protocols": lambda h: [with_extension(h, 16, b"\0\0")],
    "a protocol without a name": lambda h: [with_extension(h, 16, b"\0\1\0")],
    "one of 60 KB in one record": lambda h: [with_extension(h, 0x1234, b"x" * 60000)],
    "one of 60 KB": lambda h: pieces(with_extension(h, 0x1234, b"x" * 60000)[5:], 16384),
    "one of a byte a record": lambda h: pieces(h[5:], 1),
}


# ---- after the ClientHello ----

AFTER_HELLO = {
    "a second ClientHello": lambda h: [h, h],
    "an unexpected Finished": lambda h: [h, record(HANDSHAKE, message(20, bytes(12)))],
    "early data without permission": lambda h: [h, record(DATA, b"GET / HTTP/1.1\r\n\r\n" * 20)],
    "a flood of ChangeCipherSpec": lambda h: [h, record(CCS, b"\1") * 5000],
    "a ChangeCipherSpec of two bytes": lambda h: [h, record(CCS, b"\1\1")],
    "another ChangeCipherSpec": lambda h: [h, record(CCS, b"\2")],
    "an empty alert": lambda h: [h, record(ALERT, b"")],
    "half an alert": lambda h: [h, record(ALERT, b"\1"), record(ALERT, b"\0")],
    "an alert of five bytes": lambda h: [h, record(ALERT, b"\1\0\0\0\0")],
    "a flood of warnings": lambda h: [h, record(ALERT, b"\1\x5a") * 5000],
    "an alert of no known level": lambda h: [h, record(ALERT, b"\7\0")],
    "a fatal alert": lambda h: [h, record(ALERT, b"\2\x28")],
    "a heartbeat": lambda h: [h, record(24, b"\1\xff\xffx")],
    "a record of an unknown type, later": lambda h: [h, record(77, b"x" * 40)],
    "an empty record, later": lambda h: [h, record(HANDSHAKE, b"")],
    "too long a record, later": lambda h: [h, record(DATA, bytes(16384 + 2049))],
}


# ---- when there are keys ----

def flipped(data):
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


def sealed_get(t):
    return t.sealed(get("/hostile"))


AFTER_KEYS = {
    "a record with a flipped bit": lambda t: [flipped(sealed_get(t))],
    "a record that was sent before": lambda t: [sealed_get(t)] * 2,
    "records in another order": lambda t: [sealed_get(t), sealed_get(t)][::-1],
    "a record cut short": lambda t: [record(DATA, sealed_get(t)[5:-4])],
    "a record too short for a tag": lambda t: [record(DATA, b"x" * 7)],
    "an empty record": lambda t: [record(DATA, b"")],
    "a request in the clear": lambda t: [record(DATA, get("/hostile"))],
    "a request without a record": lambda t: [get("/hostile")],
    "an alert in the clear": lambda t: [record(ALERT, b"\1\0"), sealed_get(t)],
    "a ChangeCipherSpec": lambda t: [record(CCS, b"\1"), sealed_get(t)],
    "another ClientHello in the clear": lambda t: [t.hello],
    "a record that is too long": lambda t: [record(DATA, bytes(16384 + 2049))],
    "a record of 64 KiB": lambda t: [record(DATA, bytes(100), length=65535), bytes(70000)],
    "a record of another version": lambda t: [record(DATA, sealed_get(t)[5:], 0x0909)],
    "a record of another type": lambda t: [record(HANDSHAKE, sealed_get(t)[5:])],
}


class Nginx:
    """Beside us, with the same certificate."""

    def __init__(self):
        self.keep, self.port = reserve_port()
        self.conf = os.path.join(directory, "nginx.conf")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(f"""daemon off; master_process off; pid {directory}/nginx.pid;
                error_log {directory}/nginx.log crit;
                events {{ worker_connections 500; }}
                http {{ access_log off; client_header_timeout 1s; client_body_temp_path {directory};
                proxy_temp_path {directory}; fastcgi_temp_path {directory};
                uwsgi_temp_path {directory}; scgi_temp_path {directory}; server {{
                listen 127.0.0.1:{self.port} ssl reuseport; return 200 "served";
                ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {pair['certificate']};
                ssl_certificate_key {pair['key']}; }} }}""")
        self.process = subprocess.Popen(["nginx", "-p", directory, "-c", self.conf],
                                        stderr=subprocess.DEVNULL)
        tap.at_end(self.end)

    def is_ready(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


peer = Nginx() if shutil.which("nginx") else None
if peer and not wait_for(peer.is_ready, 10):
    peer = None


def both(version, act):
    """What act(a talk) comes to, here and there."""
    result = []
    for port in (g.port, peer.port if peer else None):
        if port is None:
            result.append((None, None, None))
            continue
        talk = Talk(port, version)
        act(talk)
        result.append(talk.end())
    return result


def compare(version, what, act):
    ours, theirs = both(version, act)
    shown = f"ours {ours} nginx's {theirs}"
    tap.ok(ours[0] == "closed" or theirs[0] == "open", f"{version.name}: {what}: is ended", shown)
    # Which one is not the same where it is not OpenSSL that has looked first.
    tap.ok(theirs[1] is None or ours[1], f"{version.name}: {what}: by an alert, if nginx has one",
           shown)
    # Whether an answer to what came in good order still leaves is a matter of time.
    good = 1 if what == "a record that was sent before" else 0
    tap.ok(ours[2].count(b"200 OK") <= good, f"{version.name}: {what}: is not served", shown)


def refused():
    return json.loads(g.ctl("-j", "status").stdout)["counters"]


def before_keys():
    for version in (TLS12, TLS13):
        for what, make in (BEFORE | AFTER_HELLO).items():
            compare(version, what, lambda t, make=make: t.send(*make(t.hello)))
    counters = refused()
    nr = 2 * len(BEFORE | AFTER_HELLO)
    ended = sum(counters["tls_" + k] for k in ("refused", "malformed", "bad_version", "slow",
                                               "left", "handshakes"))
    tap.same(ended, nr, "each of them is counted")


def after_keys():
    for version in (TLS12, TLS13):
        for what, make in AFTER_KEYS.items():
            def act(talk, make=make):
                talk.shake()
                talk.send(*make(talk))
            compare(version, what, act)


def served():
    for version in (TLS12, TLS13):
        with TlsClient(g.port, context(authority.file, version=version)) as c:
            tap.same(c.ask(get("/")).status, 200, f"{version.name}: after all that it serves")
    if not peer:
        tap.skip("the comparison with nginx", "it is not installed, or does not start")


tap.facts(before_keys, after_keys, served)
g.end()
origins.close()
tap.done()
