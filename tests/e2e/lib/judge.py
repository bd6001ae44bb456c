# SPDX-License-Identifier: Apache-2.0
"""Reads what reached an origin as strictly as the RFCs allow: all that is arguable is a fault."""

import re

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/1\.1\Z")
CHUNK_LINE = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")
DIGITS = re.compile(rb"[0-9]{1,19}\Z")
BAD_BYTES = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Unclean(Exception):
    """What came is not one clear HTTP/1.1 request."""



class Request:
    """One request as it came."""

    def __init__(self, line, fields):
        self.line = line.decode("latin-1")
        self.method, self.target = self.line.split(" ")[:2]
        self.fields = fields
        self.body = b""
        self.trailers = []
        self.chunks = 0

    def all(self, name):
        """Values of every field of this name."""
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None


def split_field(line):
    """(name, value) of a field line."""
    if line[:1] in (b" ", b"\t"):
        raise Unclean(f"a folded line: {line!r}")
    name, colon, value = line.partition(b":")
    if not colon or not TOKEN.match(name):
        raise Unclean(f"no field line: {line[:80]!r}")
    if BAD_BYTES.search(value):
        raise Unclean(f"a control character in a field value: {line[:80]!r}")
    return name.decode("latin-1"), value.strip(b" \t").decode("latin-1")


def parse_head(head):
    """head ends with its empty line."""
    lines = head[:-4].split(b"\r\n")
    for line in lines:
        if b"\r" in line or b"\n" in line or b"\0" in line:
            raise Unclean(f"a bare CR, LF or NUL: {line[:80]!r}")
    start = REQUEST_LINE.match(lines[0])
    if not start:
        raise Unclean(f"no request line: {lines[0][:80]!r}")
    if start.group(2)[:1] != b"/" and start.group(2) != b"*":
        raise Unclean(f"a target that is no path: {lines[0][:80]!r}")
    request = Request(lines[0], [split_field(line) for line in lines[1:]])
    check_fields(request)
    return request


def check_fields(request):
    lengths, codings = request.all("content-length"), request.all("transfer-encoding")
    if len(request.all("host")) != 1:
        raise Unclean(f"{len(request.all('host'))} Host fields")
    if lengths and codings:
        raise Unclean("Content-Length and Transfer-Encoding together")
    if len(lengths) > 1 or len(codings) > 1:
        raise Unclean("several Content-Length or Transfer-Encoding fields")
    if lengths and not DIGITS.match(lengths[0].encode("latin-1")):
        raise Unclean(f"Content-Length is {lengths[0]!r}")
    if codings and codings[0].lower() != "chunked":
        raise Unclean(f"Transfer-Encoding is {codings[0]!r}")


def read_line(stream):
    line = stream.until(b"\n")
    if line[-2:] != b"\r\n" or b"\r" in line[:-2]:
        raise Unclean(f"a line that does not end in CRLF: {line[-80:]!r}")
    return line[:-2]


def read_chunk(stream, request, on_data=None):
    """False at the last chunk."""
    line = read_line(stream)
    if not CHUNK_LINE.match(line):
        raise Unclean(f"a chunk size of {line[:80]!r}")
    size = int(line, 16)
    if size == 0:
        return False
    data = stream.exactly(size)
    if stream.exactly(2) != b"\r\n":
        raise Unclean("a chunk does not end in CRLF")
    request.body += data
    request.chunks += 1
    if on_data:
        on_data(data)
    return True


def read_trailers(stream, request):
    while True:
        line = read_line(stream)
        if not line:
            return
        request.trailers.append(split_field(line))


def read_body(stream, request):
    if request.all("transfer-encoding"):
        while read_chunk(stream, request):
            pass
        read_trailers(stream, request)
    elif request.all("content-length"):
        request.body = stream.exactly(int(request.get("content-length")))


def read_head(stream):
    head = stream.until(b"\r\n\r\n")
    return parse_head(head)
