# SPDX-License-Identifier: Apache-2.0
"""A client that sends the bytes it is told to and says exactly what came back."""

import re
import socket
import struct
import time

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)\Z")
RECV_BYTES = 1 << 18


class Malformed(Exception):
    """The gateway sent what is no HTTP."""


class Cut(Exception):
    """The stream ended before what was asked for was there."""


class Response:
    """A final answer, with the interim ones that came before it."""

    def __init__(self, status, reason, fields):
        self.status, self.reason, self.fields = status, reason, fields
        self.interim = []
        self.body = b""
        self.trailers = []
        self.is_complete = False
        self.framing = "none"

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def __repr__(self):
        return (f"<{self.status} {self.reason} {self.fields} {len(self.body)} bytes "
                f"{'complete' if self.is_complete else 'incomplete'} {self.framing}>")


class Stream:
    """Buffered bytes of a socket; remembers how it ended."""

    def __init__(self, sock, on_bytes=None):
        self.sock = sock
        self.buffer = bytearray()
        self.ended = False
        self.was_reset = False
        self.on_bytes = on_bytes

    def fill(self):
        """False at the end of the stream; TimeoutError when the socket's timeout passes."""
        if self.ended:
            return False
        try:
            data = self.sock.recv(RECV_BYTES)
        except (ConnectionResetError, BrokenPipeError):
            self.was_reset = True
            data = b""
        if not data:
            self.ended = True
            return False
        if self.on_bytes:
            self.on_bytes(data)
        self.buffer += data
        return True

    def take(self, n):
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def until(self, mark):
        seen = 0
        while True:
            at = self.buffer.find(mark, seen)
            if at >= 0:
                return self.take(at + len(mark))
            seen = max(0, len(self.buffer) - len(mark) + 1)
            if not self.fill():
                raise Cut(f"the stream ended after {bytes(self.buffer[-60:])!r}")

    def exactly(self, n):
        while len(self.buffer) < n:
            if not self.fill():
                raise Cut(f"the stream ended {n - len(self.buffer)} bytes early")
        return self.take(n)

    def rest(self):
        while self.fill():
            pass
        return self.take(len(self.buffer))


def parse_fields(lines):
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip() or b"\r" in line or b"\n" in line:
            raise Malformed(f"no field line: {line!r}")
        fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    return fields


class Client(Stream):
    """One connection to the gateway."""

    def __init__(self, port, host="127.0.0.1", source=None, timeout=20):
        source = (source, 0) if source else None
        super().__init__(socket.create_connection((host, port), timeout, source_address=source))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Ends it with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def send(self, data):
        """False when the gateway had closed: what it answered is still to be read."""
        if isinstance(data, str):
            data = data.encode("latin-1")
        try:
            self.sock.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            return False
        return True

    def drip(self, data, pause=0.0, size=1):
        """A few bytes at a time."""
        if isinstance(data, str):
            data = data.encode("latin-1")
        for i in range(0, len(data), size):
            if not self.send(data[i:i + size]):
                return False
            if pause:
                time.sleep(pause)
        return True

    def end_sending(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def head(self):
        """The next head, interim or final."""
        lines = self.until(b"\r\n\r\n")[:-4].split(b"\r\n")
        start = STATUS_LINE.match(lines[0])
        if not start:
            raise Malformed(f"no status line: {lines[0]!r}")
        return Response(int(start.group(1)), start.group(2).decode("latin-1"),
                        parse_fields(lines[1:]))

    def _read_chunks(self, response):
        response.framing = "chunked"
        while True:
            line = self.until(b"\r\n")[:-2]
            if not re.match(rb"[0-9a-fA-F]{1,16}\Z", line):
                raise Malformed(f"a chunk size of {line!r}")
            size = int(line, 16)
            if size == 0:
                break
            response.body += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise Malformed("a chunk does not end in CRLF")
        lines = []
        while True:
            line = self.until(b"\r\n")[:-2]
            if not line:
                break
            lines.append(line)
        response.trailers = parse_fields(lines)

    def _read_plain(self, response, length):
        response.framing = "length"
        while len(self.buffer) < length:
            if not self.fill():
                response.body = self.take(length)
                raise Cut("the stream ended within the body")
        response.body = self.take(length)

    def _read_until_close(self, response):
        response.framing = "close"
        response.body = self.rest()
        if self.was_reset:
            raise Cut("the connection was reset")

    def _read_body(self, response, method):
        lengths, codings = response.all("content-length"), response.all("transfer-encoding")
        if len(lengths) + len(codings) > 1:
            raise Malformed(f"several framings: {lengths} {codings}")
        if method == "HEAD" or response.status in (204, 304) or response.status == 101:
            return
        if codings:
            if codings[0].lower() != "chunked":
                raise Malformed(f"Transfer-Encoding: {codings[0]}")
            self._read_chunks(response)
        elif lengths:
            self._read_plain(response, int(lengths[0]))
        else:
            self._read_until_close(response)

    def response(self, method="GET"):
        """The next answer; None when the connection ended before one began.  One that stops in the
        middle of its body has is_complete False."""
        interim = []
        while True:
            try:
                response = self.head()
            except Cut:
                if self.buffer:
                    raise Malformed(f"half a head: {bytes(self.buffer)!r}") from None
                return None
            if response.status >= 200 or response.status == 101:
                break
            interim.append(response)
        response.interim = interim
        try:
            self._read_body(response, method)
            response.is_complete = True
        except Cut:
            pass
        return response

    def ask(self, data, method="GET"):
        self.send(data)
        return self.response(method)

    def is_closed(self, seconds=5):
        """The gateway ends this connection within so many seconds, and sends nothing before."""
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            return not self.buffer and not self.fill()
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(before)


def get(path="/", host="test.example", method="GET", fields="", version="1.1"):
    """The bytes of a request without a body; fields are whole lines."""
    return f"{method} {path} HTTP/{version}\r\nHost: {host}\r\n{fields}\r\n".encode("latin-1")


def post(path, body, fields="", version="1.1"):
    """With its length."""
    return get(path, method="POST", version=version,
               fields=f"{fields}Content-Length: {len(body)}\r\n") + body


def chunked(body, size, extension="", trailers=""):
    """body in chunks of so many bytes."""
    out = bytearray()
    for i in range(0, len(body), size):
        part = body[i:i + size]
        out += f"{len(part):x}{extension}\r\n".encode() + part + b"\r\n"
    return bytes(out) + f"0\r\n{trailers}\r\n".encode()
