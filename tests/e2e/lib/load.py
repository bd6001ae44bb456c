# SPDX-License-Identifier: Apache-2.0
"""Requests in the background, until told to stop, each of which has to succeed."""

import threading

from . import wire

CLIENTS = 4
FAILED_MAX = 10


class Load:
    """On kept connections, or each request on its own.  A kept one may end only when the gateway has
    announced it, and only if may_close says so."""

    def __init__(self, port, is_kept, may_close=False):
        self.port, self.is_kept, self.may_close = port, is_kept, may_close
        self.is_over, self.answered, self.failed = False, 0, []
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _ask(self, client):
        """True when the connection may carry another request."""
        response = client.ask(wire.get("/load"))
        if response is None or response.status != 200:
            raise wire.Cut(repr(response))
        self.answered += 1
        closes = response.get("Connection") == "close"
        if closes and self.is_kept and not self.may_close:
            raise wire.Cut("a kept connection is to be closed")
        return self.is_kept and not closes

    def _run(self):
        client = None
        while not self.is_over and len(self.failed) < FAILED_MAX:
            goes_on = False
            try:
                client = client or wire.Client(self.port)
                goes_on = self._ask(client)
            except (OSError, wire.Cut, wire.Malformed) as e:
                self.failed.append(repr(e))
            if not goes_on and client:
                client.close()
                client = None

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(20)
