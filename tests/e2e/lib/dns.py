# SPDX-License-Identifier: Apache-2.0
"""A name server on loopback that says what it is told, or nothing (RFC 1035, over UDP)."""

import socket
import struct
import threading

from . import tap

A, AAAA = 1, 28
NXDOMAIN = 3


class Server:
    """names: host -> list of IPv4 addresses; a host that is not there does not exist."""

    def __init__(self, ttl=1, address=("127.0.0.1", 0)):
        self.names = {}
        self.ttl = ttl
        self.is_silent = False
        self.questions = 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(address)
        self.host, self.port = self.sock.getsockname()
        tap.at_end(self.sock.close)
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def hide(self):
        """From now on its port answers as if nobody had it: connected to somebody else, the socket
        gets no questions."""
        self.sock.connect((self.host, 9))

    def _serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(2048)
                self.questions += 1
                if not self.is_silent:
                    self.sock.sendto(self.answer(data), peer)
            except OSError:
                return

    @staticmethod
    def _read_question(data):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode("ascii"))
            at += 1 + data[at]
        kind = struct.unpack_from(">H", data, at + 1)[0]
        return ".".join(labels).lower(), kind, data[12:at + 5]

    def answer(self, data):
        host, kind, question = self._read_question(data)
        addresses = self.names.get(host)
        rdata = [socket.inet_aton(a) for a in addresses or []] if kind == A else []
        code = NXDOMAIN if addresses is None else 0
        head = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(rdata), 0, 0)
        return head + question + b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", A, 1, self.ttl, len(r)) + r for r in rdata)
