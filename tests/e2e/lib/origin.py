# SPDX-License-Identifier: Apache-2.0
"""An origin that keeps every byte that it gets, judges it, and answers as it is told."""

import socket
import struct
import threading
import time

from . import judge, tap, wire

PATIENCE_SECONDS = 30


class Connection(wire.Stream):
    """One connection from the gateway, with all that came on it."""

    def __init__(self, sock, number, origin):
        super().__init__(sock, self._record)
        self.number = number
        self.origin = origin
        self.raw = bytearray()
        self.requests = []
        self.fault = None
        self.is_over = False

    def _record(self, data):
        with self.origin.changed:
            self.raw += data
            self.origin.changed.notify_all()

    def head(self):
        """The next request without its body, or None at the end of the stream."""
        while not self.buffer:
            if not self.fill():
                return None
        return judge.read_head(self)

    def body(self, request):
        judge.read_body(self, request)
        with self.origin.changed:
            self.requests.append(request)
            self.origin.changed.notify_all()
        return request

    def request(self):
        """The next whole request, or None."""
        request = self.head()
        return self.body(request) if request else None

    def send(self, data):
        if isinstance(data, str):
            data = data.encode("latin-1")
        self.sock.sendall(data)

    def end_sending(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """The close to come will be a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def wait_end(self, seconds=10):
        """Everything until the gateway ends this connection; False when it does not."""
        self.sock.settimeout(seconds)
        try:
            self.rest()
        except TimeoutError:
            return False
        return True


def answer(body=b"ok", fields="", status="200 OK"):
    """The bytes of a response with its length."""
    return (f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
            .encode("latin-1") + body)


def always_ok(conn):
    """Answers each request with its own request line."""
    while True:
        request = conn.request()
        if request is None:
            return
        body = b"" if request.method == "HEAD" else request.line.encode("latin-1")
        conn.send(answer(body))


class Origin:
    """A thread a connection; serve(connection) is what each does."""

    def __init__(self, serve=always_ok, host="127.0.0.1", port=0):
        self.serve = serve
        self.connections = []
        self.changed = threading.Condition()
        self.listener = socket.create_server((host, port), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.is_closed = False
        tap.at_end(self.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                conn = Connection(sock, len(self.connections), self)
                self.connections.append(conn)
                self.changed.notify_all()
            threading.Thread(target=self._run, args=(conn,), daemon=True).start()

    def _run(self, conn):
        try:
            self.serve(conn)
        except judge.Unclean as e:
            conn.fault = str(e)
        except (wire.Cut, OSError):
            pass # an unfinished request: conn.requests does not have it
        finally:
            with self.changed:
                conn.is_over = True
                self.changed.notify_all()
            conn.sock.close()

    def wait(self, is_so, seconds=10):
        """Until is_so() holds; what it was last."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not is_so():
                left = deadline - time.monotonic()
                if left <= 0:
                    return is_so()
                self.changed.wait(left)
            return True

    def requests(self):
        """All whole requests, connection by connection."""
        with self.changed:
            return [r for c in self.connections for r in c.requests]

    def faults(self):
        with self.changed:
            return [c.fault for c in self.connections if c.fault]

    def forget(self):
        """Empties the record, not the connections."""
        with self.changed:
            for conn in self.connections:
                conn.raw = bytearray()
                conn.requests = []
                conn.fault = None
            self.connections = [c for c in self.connections if not c.is_over]

    def close(self):
        if self.is_closed:
            return
        self.is_closed = True
        self.listener.close()
        for conn in self.connections:
            conn.sock.close()
