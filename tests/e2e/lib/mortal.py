# SPDX-License-Identifier: Apache-2.0
"""An origin that is a process: it can be killed, stopped and started anew on its port, and misbehaves
as it is told to.  Which requests it got is kept in a file, whatever becomes of it."""

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys

SLOW_SECONDS = 2.0
SLUGGISH_SECONDS = 0.15
GARBAGE = b"\x00\x01 what is this?\r\n\r\n"
FILLERS = 3


class Mortal:
    """The test's side of it.  mode is one of
         ok         answers 200 with its name
         sluggish   the same after SLUGGISH_SECONDS
         slow       the same after SLOW_SECONDS
         reset      resets the connection when a request has come
         garbage    answers what is no HTTP
         refuse     closes its connections and listens no more
         vanish     is gone without a word: what is open stays open and carries nothing, what is new
                    gets no answer to its SYN.  In the next mode old connections are reset, as by a
                    host that has started anew and is sent something
         anew       as ok, but what was open when it vanished carries nothing ever again"""

    def __init__(self, name, host, port, directory):
        self.name, self.host, self.port = name, host, port
        self.address = f"{host}:{port}"
        self.record = os.path.join(directory, f"requests-{name}")
        self.process = None
        self.live()

    def live(self):
        """Starts; it listens when this returns."""
        here = os.path.dirname(os.path.abspath(__file__))
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(here, "mortal.py"), self.name, self.host,
             str(self.port), self.record], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._wait()

    def _wait(self):
        if self.process.stdout.readline() != b"done\n":
            raise RuntimeError(f"origin {self.name} does not do as it is told")

    def become(self, mode):
        """It is so when this returns."""
        self.process.stdin.write(mode.encode() + b"\n")
        self.process.stdin.flush()
        self._wait()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def die(self):
        """As by kill -9.  Once more is fine."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def saw(self):
        """Method and target of each request, in the order in which they came."""
        try:
            with open(self.record, encoding="ascii") as f:
                return [tuple(line.split()) for line in f]
        except FileNotFoundError:
            return []


class Peer:
    """One connection from the gateway."""

    def __init__(self, sock, origin):
        self.sock, self.origin, self.buffer = sock, origin, b""
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        origin.peers.add(self)
        origin.loop.add_reader(sock, self.on_readable)

    def close(self, resets=False):
        if self not in self.origin.peers:
            return
        self.origin.peers.discard(self)
        self.origin.loop.remove_reader(self.sock)
        if resets:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def on_readable(self):
        """False when nothing came."""
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            return False
        self.buffer += data
        while self in self.origin.peers and self.take():
            pass
        return True

    def take(self):
        """One request out of the buffer, if it is whole."""
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        fields = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        length = int(fields or b"0")
        if not end or len(rest) < length:
            return False
        self.buffer = rest[length:]
        method, target = head.decode("latin-1").split(" ")[:2]
        self.origin.note(f"{method} {target}\n")
        self.answer()
        return True

    def send(self, data):
        if self not in self.origin.peers:
            return
        try:
            self.sock.send(data)
        except OSError:
            self.close()

    def answer(self):
        name = self.origin.name.encode()
        data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name)
        mode = self.origin.mode
        if mode == "reset":
            self.close(resets=True)
        elif mode == "garbage":
            self.send(GARBAGE)
            self.close()
        elif mode in ("slow", "sluggish"):
            after = SLOW_SECONDS if mode == "slow" else SLUGGISH_SECONDS
            self.origin.loop.call_later(after, self.send, data)
        else:
            self.send(data)


class Process:
    """The origin's side of it."""

    def __init__(self, name, host, port, record):
        self.name, self.host, self.port = name, host, int(port)
        self.record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.mode, self.peers, self.fillers, self.listener = "ok", set(), [], None
        self.loop = asyncio.new_event_loop()

    def note(self, line):
        os.write(self.record, line.encode("ascii"))

    def listen(self):
        """The test holds the port by a socket that does not listen: whoever shares it may bind."""
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.listener.bind((self.host, self.port))
        self.listener.listen(256)
        self.listener.setblocking(False)
        self.loop.add_reader(self.listener, self.on_connection)

    def on_connection(self):
        try:
            sock, _ = self.listener.accept()
        except OSError:
            return
        Peer(sock, self)

    def refuse(self):
        self.loop.remove_reader(self.listener)
        self.listener.close()
        for peer in list(self.peers):
            while peer.on_readable():  # what has come is answered
                pass
            peer.close()

    def vanish(self):
        """A full backlog makes the kernel pass over each SYN."""
        self.loop.remove_reader(self.listener)
        self.listener.listen(0)
        for _ in range(FILLERS):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((self.host, self.port))
            self.fillers.append(filler)
        for peer in self.peers:
            self.loop.remove_reader(peer.sock)

    def come_back(self, resets):
        for peer in list(self.peers):
            if resets:
                peer.close(resets=True)
        for filler in self.fillers:
            filler.close()
        self.fillers = []
        self.listener.listen(256)
        self.loop.add_reader(self.listener, self.on_connection)

    def become(self, mode):
        before, self.mode = self.mode, mode
        if before == "refuse":
            self.listen()
        if before == "vanish":
            self.come_back(resets=mode != "anew")
        if mode == "refuse":
            self.refuse()
        if mode == "vanish":
            self.vanish()

    def on_command(self):
        line = sys.stdin.buffer.readline()
        if not line:
            self.loop.stop()
            return
        self.become(line.decode().strip())
        os.write(1, b"done\n")

    def run(self):
        self.listen()
        self.loop.add_reader(0, self.on_command)
        os.write(1, b"done\n")
        self.loop.run_forever()


if __name__ == "__main__":
    Process(*sys.argv[1:]).run()
