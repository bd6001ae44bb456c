# SPDX-License-Identifier: Apache-2.0
"""A client that speaks TLS, by Python's own, and says what was agreed on and how it ended."""

import ssl
import time

from .wire import Client


def wait_for(is_so, seconds=15):
    """Asks again and again, and holds no lock meanwhile, as origin.wait() does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.05)
    return is_so()


def context(ca, version=None, alpn=None, ciphers=None):
    """Trusts that authority; version is the only one that it speaks."""
    made = ssl.create_default_context(cafile=ca)
    if version:
        made.minimum_version = made.maximum_version = version
    if alpn:
        made.set_alpn_protocols(alpn)
    if ciphers:
        made.set_ciphers(ciphers)
    return made


class TlsClient(Client):
    """As Client, over TLS.  An end without close_notify is a reset: it may be anybody's."""

    def __init__(self, port, made, name="a.example", session=None, **how):
        super().__init__(port, **how)
        self.raw = self.sock
        self.sock = made.wrap_socket(self.raw, server_hostname=name, session=session,
                                     suppress_ragged_eofs=False)

    def fill(self):
        try:
            return super().fill()
        except ssl.SSLEOFError:
            self.ended = self.was_reset = True
            return False

    def names(self):
        """Of the certificate that the gateway showed."""
        return [value for kind, value in self.sock.getpeercert()["subjectAltName"]]

    def serial(self):
        return int(self.sock.getpeercert()["serialNumber"], 16)


class SlowTls:
    """The same with every byte of ciphertext in the test's hands."""

    def __init__(self, raw, made, name="a.example"):
        self.raw = raw
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl = made.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def flush(self, size=1):
        data = self.outgoing.read()
        for i in range(0, len(data), size):
            self.raw.sendall(data[i:i + size])

    def run(self, call, *words, size=1):
        """call(*words) until it is done."""
        while True:
            try:
                done = call(*words)
                self.flush(size)
                return done
            except ssl.SSLWantReadError:
                self.flush(size)
                data = self.raw.recv(1 << 16)
                if not data:
                    self.incoming.write_eof()
                self.incoming.write(data)
