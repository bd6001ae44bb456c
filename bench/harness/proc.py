# SPDX-License-Identifier: Apache-2.0
"""What /proc tells of a process and all of its descendants: CPU time and memory."""

import os

TICKS = os.sysconf("SC_CLK_TCK")


def read(path):
    """The text of a file of /proc, or None when the process has gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return None


def stat_fields(pid):
    """The fields after the name, which may itself hold blanks and brackets."""
    text = read(f"/proc/{pid}/stat")
    return text.rsplit(")", 1)[1].split() if text else None


def tree(pid):
    """pid and its living descendants."""
    children = {}
    for name in os.listdir("/proc"):
        fields = stat_fields(name) if name.isdigit() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def cpu_seconds(pid):
    """User and system time of the tree; kernel threads made for io_uring count as its threads.
    The time of children that ended is in it too: a worker that dies takes nothing off the bill."""
    total = 0
    for one in tree(pid):
        fields = stat_fields(one)
        if fields:
            total += sum(int(ticks) for ticks in fields[11:15])
    return total / TICKS


def open_sockets(pid):
    """The inodes of the sockets that the tree holds."""
    inodes = set()
    for one in tree(pid):
        try:
            links = [os.readlink(f.path) for f in os.scandir(f"/proc/{one}/fd")]
        except OSError:
            continue
        inodes |= {link[8:-1] for link in links if link.startswith("socket:[")}
    return inodes


def listeners(port):
    """The inodes of all sockets that listen on the port, whoever owns them."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (read(table) or "").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(fields[9])
    return inodes


def is_port_shared(pid, port):
    """With SO_REUSEPORT a second program can take half of the connections, and nobody is told."""
    return bool(listeners(port) - open_sockets(pid))


def pss_bytes(pid):
    """Memory of the tree, shared pages divided among those who share them."""
    total = 0
    for one in tree(pid):
        text = read(f"/proc/{one}/smaps_rollup") or ""
        for line in text.splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total
