# SPDX-License-Identifier: Apache-2.0
"""An origin that answers with its name, or misbehaves as it is told to, from one request to the next."""

import socket
import threading

from . import origin

GARBAGE = b"\x00\x01 what is this?\r\n\r\n"


class Fickle:
    """mode is one of
         ok       answers 200 with its name
         NNN      answers this status
         hang     does not answer while the mode stays
         reset    resets the connection
         close    closes it
         garbage  answers what is no HTTP
         cut      begins an answer, and closes
       and /hold is held until release() is called, whatever the mode."""

    def __init__(self, name, mode="ok"):
        self.name, self.mode = name, mode
        self.gate = threading.Event()
        self.origin = origin.Origin(self._serve)
        self.address = f"127.0.0.1:{self.origin.port}"

    def _serve(self, conn):
        while (request := conn.request()) is not None:
            if request.target == "/hold":
                self.gate.wait(20)
            if not self._answer(conn):
                return

    def _answer(self, conn):
        """False when the connection is to be closed."""
        mode = self.mode
        if mode == "hang":
            self.origin.wait(lambda: self.mode != "hang", 20)
            return False
        if mode == "reset":
            conn.reset()
        elif mode == "garbage":
            conn.send(GARBAGE)
        elif mode == "cut":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + 5000 * b"x")
        elif mode == "ok" or mode.isdigit():
            status = "200 OK" if mode == "ok" else f"{mode} Told So"
            conn.send(origin.answer(self.name.encode(), status=status))
            return True
        return False

    def become(self, mode):
        with self.origin.changed:
            self.mode = mode
            self.origin.changed.notify_all()

    def release(self):
        self.gate.set()

    def saw(self, target=None):
        """Targets of the requests that came; how many of them were for `target`."""
        targets = [r.target for r in self.origin.requests()]
        return targets if target is None else targets.count(target)

    def wait_for(self, target, count=1):
        return self.origin.wait(lambda: self.saw(target) >= count)

    def kill(self):
        """Nobody listens any more, and what is open ends: a close alone would not end what a
        thread is waiting in."""
        for sock in [self.origin.listener, *(c.sock for c in self.origin.connections)]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass # it has ended already
        self.origin.close()
