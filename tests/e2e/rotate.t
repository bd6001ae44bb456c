#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The access log is moved away under load, then its disk is full: no line is torn or lost uncounted."""

import json
import os
import re
import resource
import signal
import subprocess
import threading
import time

from lib import gateway, origin, tap, wire

BUILD = gateway.BUILD
ROTATIONS = 5


class Load:
    """Requests on kept connections until told to stop."""

    def __init__(self, port, clients=6):
        self.port = port
        self.paths = set()
        self.wrong = []
        self.lock = threading.Lock()
        self.is_over = False
        self.threads = [threading.Thread(target=self._run, args=(n,), daemon=True)
                        for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        turn = 0
        with wire.Client(self.port) as client:
            while not self.is_over:
                turn += 1
                path = f"/load/{number}/{turn}"
                response = client.ask(wire.get(path))
                with self.lock:
                    self.paths.add(path)
                if response is None or response.status != 200:
                    self.wrong.append(f"{path}: {response}")
                    return

    def wait_for_more(self, count):
        """So many further requests are answered."""
        goal = len(self.paths) + count
        deadline = time.monotonic() + 15
        while len(self.paths) < goal and not self.wrong and time.monotonic() < deadline:
            time.sleep(0.005)

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(20)


def wait_for(is_so, seconds=10):
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_so()


def lines_of(path):
    with open(path, "rb") as f:
        return f.read().split(b"\n")


def paths_in(files):
    """What the lines of all files tell, and the lines that tell nothing."""
    paths, torn = [], []
    for name in files:
        lines = lines_of(name)
        if lines.pop():
            torn.append(f"{name}: the last line has no end")
        for line in lines:
            try:
                paths.append(json.loads(line)["path"])
            except (ValueError, KeyError):
                torn.append(f"{os.path.basename(name)}: {line[:200]!r}")
    return paths, torn


def counters(gw):
    out = subprocess.run([os.path.join(BUILD, "sluicectl"), "-j", "-r", gw.directory, "status"],
                         check=True, capture_output=True, timeout=20).stdout
    return json.loads(out)["counters"]


def moved_away():
    up = origin.Origin()
    gw = gateway.Gateway(up.port, {"gateway": {"workers": 2}})
    log = os.path.join(gw.directory, "access.log")
    kept = gw.directory + ".kept"
    os.mkdir(kept)
    files = [os.path.join(kept, f"log.{n}") for n in range(ROTATIONS + 1)]
    load = Load(gw.port)
    try:
        for n in range(ROTATIONS):
            load.wait_for_more(400)
            os.rename(log, files[n])
            gw.process.send_signal(signal.SIGUSR1)
            tap.ok(wait_for(lambda: os.path.exists(log)), f"rotation {n + 1}: a new file is there")
        load.wait_for_more(400)
        load.stop()
        tap.ok(not load.wrong, "every request was answered meanwhile", "\n".join(load.wrong))
        wait_for(lambda: len(paths_in(files[:-1] + [log])[0]) >= len(load.paths), 4)
        late = len(load.paths) - len(paths_in(files[:-1] + [log])[0])
        tap.same(late, 0, "all lines were written within four seconds")
        tap.same(counters(gw)["log_lines_lost"], 0, "none is counted as lost")
        gw.process.terminate()
        tap.same(gw.process.wait(15), 0, "the daemon ends in good order")
        os.rename(log, files[-1])
        paths, torn = paths_in(files)
        tap.ok(not torn, "every line of every file is whole JSON", "\n".join(torn))
        tap.same(len(paths), len(load.paths), "there are as many lines as requests")
        missing = sorted(load.paths - set(paths))
        tap.ok(not missing, "and each request has its line", f"{len(missing)}: {missing[:60]}")
        tap.ok(os.path.getsize(files[-1]) > 0, "the last file was written to")
    finally:
        subprocess.run(["rm", "-rf", kept], check=False)
        gw.stop()


def standard_output():
    """sluiced >FILE: the shell has not opened it for appending, and two workers write."""
    up = origin.Origin()
    gw = gateway.Gateway(up.port, {"gateway": {"workers": 2}, "logs": {"access": {"path": "-"}}})
    out = os.path.join(gw.directory, "stdout")
    with open(out, "r+b") as f:
        f.write(b'{"path":"/somebody/else"}\n')  # as a wrapper's own line would be
    load = Load(gw.port)
    load.wait_for_more(2000)
    load.stop()
    tap.ok(not load.wrong, "standard output: every request was answered", "\n".join(load.wrong))
    wait_for(lambda: len(paths_in([out])[0]) > len(load.paths), 4)
    paths, torn = paths_in([out])
    tap.ok(not torn, "every line is whole", "\n".join(torn))
    tap.same((len(paths), set(paths)), (len(load.paths) + 1, load.paths | {"/somebody/else"}),
             "each request has its line, and what was there is still there")
    gw.end()


def reopen(gw):
    """Exit status and complaint of sluicectl."""
    ended = subprocess.run([os.path.join(BUILD, "sluicectl"), "-r", gw.directory, "log", "reopen"],
                           check=False, capture_output=True, text=True, timeout=20)
    return ended.returncode, ended.stdout + ended.stderr


def ask_for(gw, path):
    with wire.Client(gw.port) as client:
        client.ask(wire.get(path))


def without_a_file():
    """The directory is gone: nothing can be opened, the old file goes on, until there is one again."""
    up = origin.Origin()
    place = os.path.join("/tmp", f"sluice-rotate-{os.getpid()}")
    log, old = f"{place}/access.log", f"{place}.old/access.log"
    os.mkdir(place)
    gw = gateway.Gateway(up.port, {"logs": {"access": {"path": log}}})
    try:
        os.rename(place, place + ".old")
        gw.process.send_signal(signal.SIGUSR1)
        tap.ok(wait_for(lambda: "No such file" in gw.complaint()),
               "a file that cannot be opened anew is complained of", gw.complaint())
        ask_for(gw, "/after")
        tap.ok(wait_for(lambda: paths_in([old])[0] == ["/after"], 5),
               "and the lines go on in the old one")
        tap.same(gw.complaint().count("accesslog.open"), 1, "that is said once")
        code, said = reopen(gw)
        tap.same(code, 1, "log reopen ends with 1")
        tap.ok("No such file" in said and "old file" in said, "and says why", said)
        os.mkdir(place)
        code, said = reopen(gw)
        tap.ok(code == 0 and log in said, "with a directory again, log reopen succeeds", said)
        ask_for(gw, "/again")
        tap.ok(wait_for(lambda: os.path.exists(log) and paths_in([log])[0] == ["/again"], 5),
               "and lines go to the new file")
        tap.same(paths_in([old])[0], ["/after"], "no longer to the old one")
        tap.same(counters(gw)["log_lines_lost"], 0, "none was lost")
        gw.end()
    finally:
        subprocess.run(["rm", "-rf", place, place + ".old"], check=False)


def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def at_a_file_size_limit():
    """RLIMIT_FSIZE: the kernel refuses to write on, and would rather kill whoever tries."""
    up = origin.Origin()
    gw = gateway.Gateway(up.port)
    resource.prlimit(gw.process.pid, resource.RLIMIT_FSIZE, (20000, 20000))
    full(gw, "a file at its size limit")


def on_a_full_disk():
    place = f"/tmp/sluice-full-{os.getpid()}"
    os.mkdir(place)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place],
                           check=False, capture_output=True)
    if mount.returncode != 0:
        os.rmdir(place)
        tap.skip("a full disk", "no tmpfs can be mounted here")
        return
    try:
        up = origin.Origin()
        log = f"{place}/access.log"
        gw = gateway.Gateway(up.port, {"logs": {"access": {"path": log}}})
        full(gw, "a full disk", log)
    finally:
        subprocess.run(["umount", "-l", place], check=False)
        os.rmdir(place)


def has_told_all(gw, log):
    """With room, and no line lost for half a second.  The load may have filled the disk again."""
    with open(log, "rb+") as f:
        f.truncate(0)
    ask_for(gw, "/later")
    time.sleep(0.3)
    told = re.findall(r"accesslog.resumed lines_lost=(\d+)\n", gw.complaint())
    return sum(map(int, told)) == counters(gw)["log_lines_lost"]


def full(gw, name, log=None):
    load = Load(gw.port, 2)
    load.wait_for_more(700)
    wait_for(lambda: load.wrong or counters(gw)["log_lines_lost"] > 0, 5)
    load.wait_for_more(50)
    tap.ok(not load.wrong and gw.is_alive(), f"{name} does not stop the gateway",
           "\n".join(load.wrong) + gw.complaint())
    if not gw.is_alive():
        load.stop()
        end_quietly(gw)
        return
    tap.ok(counters(gw)["log_lines_lost"] > 0, f"{name}: lost lines are counted")
    tap.same(gw.complaint().count("accesslog.lost"), 1, f"{name}: and told of once")
    if log:
        with open(log, "rb+") as f:
            f.truncate(0)
        load.wait_for_more(200)
        load.stop()
        tap.ok(wait_for(lambda: os.path.getsize(log) > 1000, 4),
               f"{name}: with room again, lines are written again")
        tap.ok(wait_for(lambda: has_told_all(gw, log)), f"{name}: and it is told how many were lost",
               f"{counters(gw)['log_lines_lost']}\n{gw.complaint()}")
    load.stop()
    gw.end()


def end_quietly(gw):
    gw.process.wait()
    gw.process.returncode = 0
    gw.stop()


tap.start(60)
tap.facts(moved_away, standard_output, without_a_file, at_a_file_size_limit, on_a_full_disk)
tap.done()
