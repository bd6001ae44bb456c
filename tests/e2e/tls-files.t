#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Certificates and keys that cannot be used are refused before anything listens, key by key."""

import json
import os
import shutil
import subprocess
import tempfile

from lib import tap
from lib.certs import Authority, openssl
from lib.gateway import BUILD

tap.start(120)
directory = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
authority = Authority(directory)
good = authority.make("good", "a.example")
other = authority.make("other", "a.example")
short = authority.make("short", "a.example", kind="short")


def write(name, data):
    path = authority.path(name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def check(pair, **tls):
    """Exit status and words of sluiced --check with this TLS."""
    path = authority.path("sluice.json")
    conf = {"listeners": {"l": {"address": "127.0.0.1:8443",
                                "tls": {"certificates": [good, pair], **tls}}},
            "routes": [{"respond": {"status": 204}}]}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(conf, f, indent=1)
    out = subprocess.run([os.path.join(BUILD, "sluiced"), "--check", "-c", path],
                         capture_output=True, text=True, timeout=20, check=False,
                         stdin=subprocess.DEVNULL)
    return out.returncode, out.stderr


def is_refused(what, pair, pointer, why, **tls):
    status, err = check(pair, **tls)
    line = next((x for x in err.splitlines() if x.startswith(authority.path("sluice.json:"))), "")
    tap.ok(status == 2 and f": /listeners/l/tls/{pointer}: " in line and why in line,
           f"{what}: refused at {pointer}", err)
    for secret in ("PRIVATE KEY", read(good["key"]).decode().splitlines()[1]):
        tap.ok(secret not in err, f"{what}: nothing of a key is shown")


def certificate(path):
    return {**other, "certificate": path}


def key(path):
    return {**other, "key": path}


def files():
    tap.same(check(other)[0], 0, "what can be used is fine")
    at, of_key = "certificates/1/certificate", "certificates/1/key"
    is_refused("no file", certificate("/nowhere/a.pem"), at,
               "/nowhere/a.pem: No such file or directory")
    is_refused("no key file", key("/nowhere/a.key"), of_key,
               "/nowhere/a.key: No such file or directory")
    is_refused("a directory", certificate(directory), at, "is not a regular file")
    is_refused("a device", key("/dev/zero"), of_key, "is not a regular file")
    fifo = authority.path("fifo")
    os.mkfifo(fifo)
    is_refused("a fifo", key(fifo), of_key, "is not a regular file")
    is_refused("a large file", certificate(write("large", b"x" * (1 << 20 | 1))), at, "1 MiB")
    is_refused("an empty file", certificate(write("empty", b"")), at, "no certificate")
    is_refused("an empty key", key(write("empty", b"")), of_key, "no private key")
    is_refused("a key for a certificate", certificate(other["key"]), at, "no certificate")
    is_refused("a certificate for a key", key(other["certificate"]), of_key, "no private key")
    pem = read(other["certificate"])
    is_refused("half a certificate", certificate(write("half", pem[:300])), at, "no certificate")
    is_refused("half a chain", certificate(write("chain", pem + pem[:300])), at, "cannot be read")
    is_refused("a chain without end", certificate(write("chain", pem * 18)), at, "more than 16")
    is_refused("another's key", key(good["key"]), of_key, "is not the key of its certificate")
    openssl("pkey", "-in", other["key"], "-aes128", "-passout", "pass:x", "-out",
            authority.path("locked"))
    is_refused("an encrypted key", key(authority.path("locked")), of_key, "is encrypted")
    is_refused("a key of 1024 bits", short, at, "key too small")
    both = write("both", pem + read(other["key"]))
    tap.same(check({"certificate": both, "key": both})[0], 0, "both in one file are fine")
    tap.same(check(certificate(write("chain", pem + read(authority.file))))[0], 0,
             "a chain is fine")


def ticket_keys():
    fine = write("ticket", os.urandom(80))
    tap.same(check(other, ticket_keys=[fine])[0], 0, "a key for tickets is fine")
    tap.same(check(other, ticket_keys=[fine, write("old", os.urandom(48))])[0], 0,
             "so is an older, shorter one")
    for size in (0, 47, 49, 79, 81):
        is_refused(f"one of {size} bytes", other, "ticket_keys/1",
                   "is neither 80 nor 48 bytes long", ticket_keys=[fine, write("bad", bytes(size))])
    status, err = check(other, ticket_keys=[fine], session_tickets=False)
    tap.ok(status == 2 and "'ticket_keys' do nothing" in err, "one without tickets is not", err)


def all_at_once():
    status, err = check(certificate("/nowhere/a"), ticket_keys=["/nowhere/b"])
    tap.ok(status == 2 and "/nowhere/a" in err and "/nowhere/b" in err, "all faults in one run",
           err)


def unreadable():
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        tap.skip("a key that may not be read", "there is no setpriv")
        return
    hidden = write("hidden", read(other["key"]))
    os.chmod(hidden, 0)
    os.chmod(directory, 0o755)
    for name in os.listdir(directory):
        if name.endswith((".pem", ".key", "sluice.json")):
            os.chmod(authority.path(name), 0o644)
    check(key(hidden))
    os.chmod(authority.path("sluice.json"), 0o644)
    drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    out = subprocess.run([*(drop if os.geteuid() == 0 else []), os.path.join(BUILD, "sluiced"),
                          "--check", "-c", authority.path("sluice.json")], capture_output=True,
                         text=True, timeout=20, check=False)
    if "sluiced" in out.stderr and "Permission denied" in out.stderr and not out.returncode == 2:
        tap.skip("a key that may not be read", "nobody cannot run this build")
        return
    tap.ok(out.returncode == 2 and f"{hidden}: Permission denied" in out.stderr,
           "a key that may not be read: refused", out.stderr)


tap.facts(files, ticket_keys, all_at_once, unreadable)
tap.done()
