# SPDX-License-Identifier: Apache-2.0
"""The daemon under test: its configuration, its start, its end."""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import tap

BUILD = os.environ.get("SLUICE_BUILD") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "build")
START_SECONDS = 20
STOP_SECONDS = 20
PR_SET_PDEATHSIG = 1
# Directories of a test are for its own user.
STAY_ROOT = {"user": "root"} if os.geteuid() == 0 else {}
_libc = ctypes.CDLL(None)


class Failed(Exception):
    """The daemon did not do what every test depends on."""


def reserve_port(host="127.0.0.1"):
    """A free port, and the socket that keeps it ours: bound but not listening, and only afterwards
    made to share, it lets the daemon bind beside it, while nobody else is given the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    keep = socket.socket(family, socket.SOCK_STREAM)
    keep.bind((host, 0))
    keep.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keep.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return keep, keep.getsockname()[1]


def has_sanitizer():
    with open(os.path.join(BUILD, "sluiced"), "rb") as f:
        return b"__asan_init" in f.read()


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Gateway:
    """One daemon in its own directory.  To be made by the main thread: it dies with its maker.

    conf holds top-level keys of the configuration that replace those made here; by is a command that
    becomes the daemon when the daemon's own is put behind it."""

    def __init__(self, origin_port, conf=None, upstream=None, host="127.0.0.1", by=()):
        self.directory = tempfile.mkdtemp(prefix="sluice-e2e-")
        self.process = None
        self.exit_status = None
        self.host, self.by = host, by
        self.keep, self.port = reserve_port(host)
        tap.at_end(self.stop)
        self.conf = self._make_conf(origin_port, conf or {}, upstream or {})
        self._start()

    def _make_conf(self, origin_port, conf, upstream):
        address = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        made = {
            "gateway": {"workers": 1, "run_dir": self.directory, **STAY_ROOT},
            "listeners": {"http": {"address": address}},
            "upstreams": {"origin": {"targets": [f"127.0.0.1:{origin_port}"], **upstream}},
            "routes": [{"name": "all", "match": {"path": "/*"}, "upstream": "origin"}],
            "logs": {"access": {"path": os.path.join(self.directory, "access.log")}},
        }
        for key, value in conf.items():
            if key == "listener":
                made["listeners"]["http"].update(value)
            elif key == "gateway":
                made[key].update(value)
            else:
                made[key] = value
        return made

    def _start(self):
        path = os.path.join(self.directory, "sluice.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(self.conf, f, indent=1)
        with open(os.path.join(self.directory, "stderr"), "wb") as err, \
             open(os.path.join(self.directory, "stdout"), "wb") as out:
            self.process = subprocess.Popen(
                [*self.by, os.path.join(BUILD, "sluiced"), "-c", path], stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, preexec_fn=_die_with_parent)
        deadline = time.monotonic() + START_SECONDS
        while not self._is_listening():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"the daemon did not start: {self.complaint()}")
            time.sleep(0.01)

    def restart(self, by=signal.SIGTERM):
        """Ends it by this signal, and starts it again in its directory, as it is configured now."""
        self.process.send_signal(by)
        self.process.wait(STOP_SECONDS)
        self._start()

    def rewrite(self, **changes):
        """Writes the configuration anew, with these top-level keys replaced; whoever wants that
        read calls reload()."""
        self.conf.update(changes)
        self.write(json.dumps(self.conf))

    def write(self, text):
        """Moved into place, as editors do: nobody reads half a file."""
        path = os.path.join(self.directory, "sluice.json")
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(path + ".new", path)

    def ctl(self, *words):
        """What sluicectl says of this daemon, a subprocess.CompletedProcess."""
        return subprocess.run([os.path.join(BUILD, "sluicectl"), "-r", self.directory, *words],
                              capture_output=True, text=True, timeout=20, check=False)

    def reload(self, **changes):
        """Over the control socket: it is done when this returns.  The answer, as JSON."""
        self.rewrite(**changes)
        return json.loads(self.ctl("-j", "config", "reload").stdout)

    def _is_listening(self):
        """Its own word for it, not a connection: tests count those."""
        return b"started" in self._read("stderr")

    def _read(self, name):
        try:
            with open(os.path.join(self.directory, name), "rb") as f:
                return f.read()
        except OSError:
            return b""

    def complaint(self):
        return self._read("stderr")[-4000:].decode(errors="replace")

    def access_log(self):
        return self._read("access.log").decode(errors="replace")

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Exit status; None when it had to be killed."""
        if self.process is None:
            return self.exit_status
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.exit_status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if "sandbox.refused" in self.complaint():
            tap.ok(False, "workers make no call that their sandbox forbids", self.complaint())
        if self.exit_status != 0:
            tap.diag(f"the daemon ended with {self.exit_status}: {self.complaint()}")
        self.process = None
        self.keep.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        return self.exit_status

    def end(self):
        """The last fact of every test: the daemon lives and ends in good order."""
        tap.ok(self.is_alive(), "the daemon still runs", self.complaint())
        tap.same(self.stop(), 0, "the daemon ends in good order")
