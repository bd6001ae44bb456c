#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sluicectl deny test: a list tried on captures of every link type and on access logs, by the kernel
program and without it; broken captures; what is pinned beneath."""

import ipaddress
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile

from lib import tap
from lib.gateway import BUILD

CTL = os.path.join(BUILD, "sluicectl")
PINS = f"/sys/fs/bpf/sluice-test-{os.getpid()}"
EN10MB, RAW, SLL, SLL2 = 1, 101, 113, 276


def path(name, data=None):
    where = os.path.join(directory, name)
    if data is not None:
        with open(where, "wb" if isinstance(data, bytes) else "w") as f:
            f.write(data)
        os.chmod(where, 0o644)
    return where


def packet(source, port=443, protocol=6):
    """IP and TCP or UDP, of 60 bytes or more."""
    address = ipaddress.ip_address(source)
    l4 = (struct.pack("!HHIIBBHHH", 5000, port, 1, 0, 0x50, 2, 1000, 0, 0) if protocol == 6
          else struct.pack("!HHHH", 5000, port, 8, 0)) + b"x" * 20
    if address.version == 4:
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(l4), 1, 0, 64, protocol, 0,
                           address.packed, b"\x0a\0\0\1") + l4
    return struct.pack("!IHBB16s16s", 6 << 28, len(l4), protocol, 64, address.packed,
                       b"\x20\x01" + bytes(14)) + l4


def ether(ip, tags=b""):
    kind = b"\x08\0" if ip[0] >> 4 == 4 else b"\x86\xdd"
    return b"\2" * 6 + b"\4" * 6 + tags + kind + ip


def framed(link, ip, kind=0):
    protocol = 0x800 if ip[0] >> 4 == 4 else 0x86dd
    if link == SLL:
        return struct.pack("!HHH8sH", kind, 1, 6, b"", protocol) + ip
    if link == SLL2:
        return struct.pack("!HHIHBB8s", protocol, 0, 2, 1, kind, 6, b"") + ip
    return ip if link == RAW else ether(ip)


def pcap(link, frames, snap=65535):
    return struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, snap, link) + b"".join(
        struct.pack("<IIII", 1, 0, min(len(f), snap), len(f)) + f[:snap] for f in frames)


def pcapng(link, frames):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    return block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) + block(
        1, struct.pack("<HHI", link, 0, 65535)) + b"".join(
            block(6, struct.pack("<IIIII", 0, 0, 0, len(f), len(f)) + f) for f in frames)


def ctl(*words, by=(), **more):
    return subprocess.run([*by, CTL, "-P", PINS, *words], capture_output=True, text=True,
                          errors="replace", timeout=60, check=False, **more)


def test(*words, by=()):
    done = ctl("-j", "deny", "test", *words, by=by)
    return done.returncode, json.loads(done.stdout)


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
LIST = """10.0.0.0/8
2001:db8::/32 action reject list six
192.0.2.0/24 port 25
203.0.113.0/24 action shadow
10.9.0.0/16 action none
"""
IPS = [packet("10.1.1.1"), packet("10.1.1.1", 80), packet("10.9.1.1"), packet("11.1.1.1"),
       packet("2001:db8::1"), packet("2001:db9::1"), packet("192.0.2.1", 25), packet("192.0.2.1"),
       packet("10.2.2.2", 53, 17), packet("203.0.113.5")]
CUT = {"10.1.1.1": 2, "2001:db8::1": 1, "192.0.2.1": 1, "10.2.2.2": 1}


def links():
    expected = None
    for by, name in (((), "kernel"), (NOBODY, "userspace")):
        for link in (EN10MB, RAW, SLL, SLL2):
            file = path("c.pcap", pcap(link, [framed(link, ip) for ip in IPS]))
            status, got = test(path("list"), "pcap", file, by=by)
            tap.same((status, got["judged_by"]), (0, name), f"{name}: link type {link} can be read")
            tap.same({s["address"]: s["packets"] for s in got["top_sources"]}, CUT,
                     f"{name}: who would be cut, link type {link}")
            facts = {k: got[k] for k in ("packets", "sources", "cut_packets", "cut_sources",
                                         "shadow_packets", "lists", "not_ip", "damage")}
            expected = expected or facts
            tap.same(facts, expected, f"{name}: all else, link type {link}")
    tap.same(expected, {"packets": 10, "sources": 8, "cut_packets": 5, "cut_sources": 4,
                        "shadow_packets": 1, "lists": {"default": 4, "six": 1}, "not_ip": 0,
                        "damage": None}, "and that is right")
    tap.ok("may not load" in got["why_not_kernel"], "without privilege it says so",
           got["why_not_kernel"])


def shapes():
    frames = [ether(ip) for ip in IPS]
    _, got = test(path("list"), "--pcap", path("c.pcapng", pcapng(EN10MB, frames)))
    tap.same(got["cut_packets"], 5, "pcapng is read, and pcap may be written as an option")
    tap.same([(p["prefix"], p["list"], p["action"], p["packets"]) for p in got["prefixes"]][:1],
             [("10.0.0.0/8", "default", "drop", 3)], "the prefixes that cut, heaviest first")
    tap.same(got["cut_bytes"], sum(len(f) for i, f in enumerate(frames) if i in (0, 1, 4, 6, 8)),
             "bytes are counted")
    for snap in (34, 40, 54):
        _, got = test(path("list"), "pcap", path("c.pcap", pcap(EN10MB, frames[:3], snap)))
        tap.same((got["cut_packets"], got["cut_bytes"]), (2, len(frames[0]) + len(frames[1])),
                 f"cut at {snap} bytes, packets are judged by what is there, and counted as they were")
    for tags in (b"\x81\0\0\7", b"\x88\xa8\0\7\x81\0\0\7"):
        _, got = test(path("list"), "pcap",
                      path("c.pcap", pcap(EN10MB, [ether(packet("10.1.1.1"), tags)])))
        tap.same(got["cut_packets"], 1, f"a frame with {len(tags) // 4} tags")
    for link in (SLL, SLL2):
        _, got = test(path("list"), "pcap",
                      path("c.pcap", pcap(link, [framed(link, IPS[0], 4), framed(link, IPS[0])])))
        tap.same((got["sent"], got["cut_packets"]), (1, 1), f"what the host sent is left out ({link})")
    _, got = test(path("list"), "pcap", path("c.pcap", pcap(
        EN10MB, [b"x" * n for n in (0, 1, 13, 14, 60)] + [ether(IPS[0]) + b"y" * 9000])))
    tap.same((got["not_ip"], got["cut_packets"]), (5, 1), "frames that are no IP, and a jumbo")
    tap.same(ctl("deny", "test", path("list"), "pcap", path("c.pcap", pcap(105, [b"x" * 60]))).returncode,
             1, "a link type that is none of ours fails")


def pinned():
    tap.same(ctl("deny", "add", "11.0.0.0/8", "list", "beneath").returncode, 0, "a list is pinned")
    ctl("allow", "add", "10.1.1.1")
    file = path("c.pcap", pcap(EN10MB, [ether(ip) for ip in IPS]))
    _, got = test(path("list"), "pcap", file)
    tap.same((got["with_lists"], got["lists"]), (True, {"beneath": 1, "default": 2, "six": 1}),
             "it counts too, and allow beats deny")
    before = ctl("-j", "deny", "show").stdout
    tap.same([e["prefix"] for e in json.loads(before)["entries"]], ["11.0.0.0/8"],
             "nothing has been loaded")
    tap.same(json.loads(before)["entries"][0]["hits"], 0, "and nothing been hit")
    ctl("deny", "flush")
    ctl("allow", "flush")


def logs():
    lines = [json.dumps({"client": c, "status": s}) for c, s in
             (("10.1.1.1", 200), ("10.1.1.1", 204), ("10.1.1.1", 404), ("10.3.3.3", 403),
              ("11.1.1.1", 200), ("2001:db8::5", 206), ("10.9.1.1", 200))]
    real = [{"address": "10.1.1.1", "requests": 3, "answered": 2},
            {"address": "2001:db8::5", "requests": 1, "answered": 1}]

    def told(got):
        return [{k: c[k] for k in real[0]} for c in got["real_clients"]["top"]]
    status, got = test(path("list"), "access-log", path("log", "\n".join(lines) + "\n{\nx\n"))
    tap.same((status, told(got)), (2, real), "clients that got 2xx answers and would be cut: 2")
    tap.same((got["log_lines"], got["bad_log_lines"]), (9, 2), "lines that cannot be read are counted")
    combined = "".join(f'{c} - - [10/Oct/2000:13:55:36 +0000] "GET /\\x22 HTTP/1.1" {s} 5 "-" "-"\n'
                       for c, s in (("10.1.1.1", 200), ("10.1.1.1", 299), ("10.1.1.1", 300),
                                    ("2001:db8::5", 200), ("11.1.1.1", 200)))
    _, got = test(path("list"), "--access-log", path("log", combined))
    tap.same(told(got), real, "the combined format as well")
    done = ctl("deny", "test", path("list"), "access-log", path("log"), "pcap",
               path("c.pcap", pcap(EN10MB, [ether(ip) for ip in IPS])))
    tap.ok(done.returncode == 2 and "these look like real clients" in done.stdout.splitlines()[0]
           and "5 of 10 packets (50.0 %)" in done.stdout, "for people they come first", done.stdout)
    tap.same(test(path("list"), "access-log", path("log", "x" * 200000 + "\n"))[1]["bad_log_lines"], 1,
             "a line without an end is one bad line")


def hostile():
    """Whatever is in a capture: it is read as far as it goes, and nothing crashes."""
    rnd = random.Random(7)
    frames = [ether(ip) for ip in IPS]
    good = [pcap(EN10MB, frames), pcapng(EN10MB, frames), pcap(SLL, [framed(SLL, i) for i in IPS]),
            pcap(SLL2, [framed(SLL2, i) for i in IPS]), pcap(RAW, IPS)]
    statuses = set()
    for i in range(120):
        data = bytearray(rnd.choice(good))
        for _ in range(rnd.randrange(1, 8)):
            data[rnd.randrange(len(data))] = rnd.randrange(256)
        if i % 2:
            del data[rnd.randrange(len(data)):]
        by = NOBODY if i % 8 else ()
        statuses.add(ctl("deny", "test", path("list"), "pcap", path("bad", bytes(data)), by=by).returncode)
    tap.ok(statuses <= {0, 1}, "damaged captures are read or refused", statuses)
    _, got = test(path("list"), "pcap", path("bad", good[0][:-10]))
    tap.ok(got["packets"] == 9 and got["damage"], "of one that ends early, all before is judged", got)


def misuse():
    good = path("c.pcap", pcap(EN10MB, [ether(IPS[0])]))
    for words, status, said in (
            ((path("list"),), 64, "pcap CAPTURE"),
            ((path("list"), "pcap", path("none")), 1, "none"),
            ((path("list"), "access-log", path("none")), 1, "none"),
            ((path("list"), "pcap", path("list")), 1, ""),
            (("-", "pcap", "-"), 64, "standard input"),
            ((path("list"), "pcap", good, "top", "0"), 64, "'0'"),
            ((path("list"), "pcpa", good), 64, "did you mean 'pcap'"),
            ((path("none"), "pcap", good), 1, "none")):
        done = ctl("deny", "test", *words)
        tap.ok(done.returncode == status and said in done.stderr, f"deny test {words[1:]}: {status}",
               f"{done.returncode}: {done.stderr}")


if os.geteuid() != 0:
    tap.start(60)
    tap.skip("deny test", "only root can load a kernel program")
    tap.done()
tap.start(120)
directory = tempfile.mkdtemp(prefix="sluice-e2e-")
os.chmod(directory, 0o755)
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
tap.at_end(lambda: shutil.rmtree(PINS, ignore_errors=True))
path("list", LIST)
MAKE = subprocess.run([os.path.join(BUILD, "tests/unit/kern/pins"), "make", PINS],
                      capture_output=True, text=True, check=False)
if MAKE.returncode != 0:
    tap.skip("deny test", MAKE.stderr.strip() or "no maps can be pinned")
    tap.done()
shutil.rmtree(PINS)
tap.facts(links, shapes, logs, hostile, misuse)
subprocess.run([os.path.join(BUILD, "tests/unit/kern/pins"), "make", PINS], check=False)
tap.facts(pinned)
tap.done()
