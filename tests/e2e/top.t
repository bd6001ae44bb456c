#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# sluicectl top on a terminal: what it shows, its keys, its size, and how it leaves the terminal.

import fcntl
import http.client
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import tap
from lib.gateway import BUILD, Gateway
from lib.origin import Origin

tap.start(90)
origin = Origin()
gw = Gateway(origin.port)
ENTER, LEAVE = b"\033[?1049h", b"\033[?1049l"


def traffic():
    conn = http.client.HTTPConnection("127.0.0.1", gw.port, timeout=10)
    try:
        while not over.is_set():
            conn.request("GET", "/a")
            conn.getresponse().read()
            time.sleep(0.01)
    except OSError:
        pass


class Top:
    """sluicectl top on a terminal of its own."""

    def __init__(self, *words, rows=24, columns=100, **env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env)
            os.execv(os.path.join(BUILD, "sluicectl"),
                     ["sluicectl", "-r", gw.directory, "top", *words])
        self.seen = b""
        self.size(rows, columns)
        self.before = termios.tcgetattr(self.fd)
        tap.at_end(self.kill)

    def size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, pattern, seconds=15):
        """What came, up to the pattern; None when it does not come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            m = re.search(pattern, self.seen, re.S)
            if m:
                was, self.seen = self.seen[:m.end()], self.seen[m.end():]
                return was
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.fd, 65536)
                except OSError:
                    break
        m = re.search(pattern, self.seen, re.S)
        return self.seen[:m.end()] if m else None

    def page(self):
        """The lines of the next whole page, without what only a terminal sees."""
        if self.until(rb"\033\[H") is None:
            return []
        text = self.until(rb"\033\[J") or b""
        return re.sub(rb"\033\[[0-9;?]*[a-zA-Z]", b"", text).decode().split("\r\n")

    def type(self, keys):
        os.write(self.fd, keys)

    def ended(self):
        """Its status, as os.waitpid() has it."""
        self.until(rb"(?!)", 0.3)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
                return status
            self.until(rb"(?!)", 0.1)
        return None

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None


def shows():
    top = Top("0.2")
    tap.ok(top.until(re.escape(ENTER)) is not None, "it takes another page of the terminal")
    busy = lambda p: any(re.search(r"^requests/s +[1-9]", l) for l in p)
    pages = [top.page() for _ in range(5)]
    page = next((p for p in pages if busy(p)), pages[-1])
    tap.ok(busy(page), "it shows requests", page)
    tap.ok(any(re.search(r"2xx [1-9]", l) for l in page), "classes of status", page)
    tap.ok(any(re.search(r"p50 [0-9.]+ +p90 [0-9.]+ +p99 [0-9.]+", l) for l in page), "durations", page)
    tap.ok(any(re.search(r"open 1 ", l) for l in page), "connections", page)
    tap.ok(any(re.search(rf"^origin +127.0.0.1:{origin.port} +up +[1-9]", l) for l in page),
           "the target and what it gets", page)
    tap.ok(len(pages) == 5 and all(pages), "again and again")
    top.type(b"q")
    tap.same(top.ended(), 0, "q ends it")
    tap.ok(LEAVE in top.seen and b"\033[?25h" in top.seen, "the page and the cursor are back")
    tap.same(termios.tcgetattr(top.fd)[:6], top.before[:6], "the terminal is as it was")


def keys():
    top = Top("60")
    top.page()
    start = time.monotonic()
    top.type(b" ")
    tap.ok(top.page() and top.page() and time.monotonic() - start < 20,
           "the space bar does not wait for the minute to end")
    top.type(b"s")
    tap.ok(top.until(rb"seconds: ") is not None, "s asks for an interval")
    top.type(b"0.2\n ")
    tap.ok(len([p for p in (top.page() for _ in range(8)) if p]) == 8, "which it goes by then")
    top.type(b"s0\n")
    tap.ok(top.until(rb"0.1 to 3600 seconds") is not None, "one that is none is refused")
    top.type(b"q")
    tap.same(top.ended(), 0, "and q ends it")


def sizes():
    top = Top("0.2", rows=4, columns=30)
    top.page()
    page = top.page()
    tap.ok(len(page) <= 4 and max(map(len, page)) <= 30, "a small terminal gets what it has room for", page)
    top.size(2, 10)
    page = next((p for p in (top.page() for _ in range(6)) if len(p) <= 2), [])
    tap.ok(page and max(map(len, page)) <= 10, "also one that became smaller", page)
    top.type(b"q")
    tap.same(top.ended(), 0, "it lives through that")


def signals():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        top = Top("60")
        top.page()
        os.kill(top.pid, number)
        status = top.ended()
        tap.ok(status is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == number,
               f"{number.name} ends it", status)
        tap.ok(LEAVE in top.seen and termios.tcgetattr(top.fd)[:6] == top.before[:6],
               "with the terminal as it was", top.seen)


def colours():
    top = Top("0.2")
    tap.ok(b"\033[1m" in (top.until(rb"UPSTREAM") or b""), "on a terminal it uses colours")
    top.kill()
    top = Top("0.2", NO_COLOR="1")
    tap.ok(not re.search(rb"\033\[[0-9]+m", top.until(rb"UPSTREAM") or b"\033[1m"),
           "with NO_COLOR none")
    top.kill()


def once():
    done = gw.ctl("top", "--once", "0.3")
    tap.ok(done.returncode == 0 and "requests/s" in done.stdout and "\033" not in done.stdout,
           "--once prints lines and ends", done.stdout)
    told = json.loads(gw.ctl("-j", "top", "0.3").stdout)
    tap.ok(told["requests_per_s"] > 0 and told["responses_per_s"]["2xx"] > 0 and
           0 < told["duration_s"]["p50"] <= told["duration_s"]["p99"] and
           told["targets"][-1]["is_up"] and told["connections"]["open"] == 1,
           "-j prints the same as JSON", told)
    done = gw.ctl("top")
    tap.ok(done.returncode == 64 and "--once" in done.stderr, "without a terminal it says so")
    tap.same(gw.ctl("top", "0").returncode, 64, "an interval of 0 is none")
    tap.same(gw.ctl("-r", "/nowhere", "top", "--once").returncode, 69, "no daemon is told")


def dead():
    top = Top("0.2")
    top.page()
    os.kill(gw.process.pid, signal.SIGSTOP)
    tap.ok(all(top.page() for _ in range(3)), "it goes on when the daemon is stopped")
    os.kill(gw.process.pid, signal.SIGCONT)
    os.kill(gw.process.pid, signal.SIGKILL)
    gw.process.wait()
    tap.ok(top.until(rb", ended") is not None, "and tells when it has ended")
    top.type(b"q")
    tap.same(top.ended(), 0, "which is no failure")


over = threading.Event()
thread = threading.Thread(target=traffic, daemon=True)
tap.at_end(over.set)
thread.start()
tap.facts(shows, keys, sizes, signals, colours, once, dead)
over.set()
gw.process = None
tap.done()
