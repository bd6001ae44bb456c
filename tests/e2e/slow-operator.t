#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A program that takes the control socket's answer bit by bit: others are answered all the same."""

import os
import socket
import threading
import time

from lib import tap
from lib.gateway import Gateway

tap.start(90)
over = threading.Event()
ROUTES = [{"name": f"r{i}", "match": {"path": f"/{i}"}, "respond": {"body": "x" * 400}}
          for i in range(4000)]
gateway = Gateway(0, {"routes": ROUTES, "upstreams": {}})
tap.at_end(over.set)


def take_slowly(peer):
    while not over.wait(0.1):
        try:
            if not peer.recv(512):
                return
        except OSError:
            return


def held_up():
    with socket.socket(socket.AF_UNIX) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(os.path.join(gateway.directory, "control.sock"))
        peer.sendall(b"config show\n")
        thread = threading.Thread(target=take_slowly, args=(peer,))
        thread.start()
        time.sleep(0.3)
        begin = time.monotonic()
        done = gateway.ctl("-j", "status")
        seconds = time.monotonic() - begin
        tap.ok(done.returncode == 0 and seconds < 15, "another operator is answered",
               f"{done.returncode}, {seconds:.1f} s")
        over.set()
        thread.join()
    shown = gateway.ctl("-j", "config", "show").stdout
    tap.ok(len(shown) > 1 << 20, "who takes it at once gets all of it", len(shown))


tap.facts(held_up)
gateway.end()
tap.done()
