#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What an authority says of a certificate (OCSP), told to clients that ask, out of a file."""

import json
import os
import shutil
import subprocess
import tempfile
import time

from lib import origin, tap
from lib.certs import Authority
from lib.gateway import Gateway
from lib.tls import wait_for

tap.start(120)
root = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(root, ignore_errors=True))
for directory in ("ours", "theirs"):
    os.mkdir(os.path.join(root, directory))
ours, theirs = (Authority(os.path.join(root, d)) for d in ("ours", "theirs"))


def chained(pair):
    """The same with its issuer behind it, as most authorities hand it out."""
    path = pair["certificate"].replace(".pem", "-chain.pem")
    with open(path, "wb") as to:
        for part in (pair["certificate"], ours.file):
            with open(part, "rb") as f:
                to.write(f.read())
    return {**pair, "certificate": path}


alone = ours.make("alone", "alone.example")
ec = ours.make("ec", "a.example")
rsa = ours.make("rsa", "a.example", kind="rsa")
delegate = ours.make("delegate", "ocsp.example", more="extendedKeyUsage=OCSPSigning\n")
stranger = theirs.make("stranger", "a.example")
said = {pair["certificate"]: ours.ocsp(pair, name=f"{name}.ocsp")
        for name, pair in (("alone", alone), ("ec", ec))}
origins = origin.Origin()


def listen(*pairs):
    return {"http": {"address": f"127.0.0.1:{g.port}", "tls": {"certificates": list(pairs)}}}


def use(**changes):
    """The three certificates; `changes` are of that for ECDSA."""
    return g.reload(listeners=listen(
        {**alone, "ocsp": said[alone["certificate"]]},
        {**chained(ec), "ocsp": said[ec["certificate"]], **changes}, chained(rsa)))


def asked(name="a.example", *words):
    """What openssl says of the response that comes with a handshake."""
    out = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{g.port}", "-servername",
                          name, "-status", "-CAfile", ours.file, *words], input=b"",
                         capture_output=True, timeout=30, check=False)
    return out.stdout.decode(errors="replace")


def is_told(text):
    return "OCSP Response Status: successful" in text and "Cert Status: good" in text


g = Gateway(origins.port, {"listener": {"tls": {"certificates": [
    {**alone, "ocsp": said[alone["certificate"]]}]}}})


def stapled():
    tap.same(use().get("reloaded"), True, "a response for each of two certificates is taken")
    for version in ("-tls1_2", "-tls1_3"):
        tap.ok(is_told(asked("a.example", version)), f"{version}: who asks is told")
        tap.ok(is_told(asked("alone.example", version)),
               f"{version}: also where nobody knows the issuer")
    tap.ok("no response sent" in asked("a.example", "-tls1_2", "-cipher",
                                       "ECDHE-RSA-AES128-GCM-SHA256"),
           "nothing is said of the certificate for RSA, which has no file")
    out = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{g.port}", "-msg"],
                         input=b"", capture_output=True, timeout=30, check=False).stdout
    tap.ok(b"CertificateStatus" not in out, "who does not ask is told nothing")
    good = ours.ocsp(ec, signer=delegate, name="delegate.ocsp")
    tap.same(use(ocsp=good).get("reloaded"), True, "one that the issuer lets another sign")
    tap.ok(is_told(asked()), "is told, too")


def changed():
    use()
    path = said[ec["certificate"]]
    before = asked()
    time.sleep(1.1)  # its times are whole seconds
    ours.ocsp(ec, lasts=7200, name=os.path.basename(path))
    tap.ok(wait_for(lambda: is_told(asked()) and next_update(asked()) != next_update(before)),
           "a file that changes is read by itself")


def next_update(text):
    return [line for line in text.splitlines() if "Next Update" in line]


def passed():
    path = ours.ocsp(ec, lasts=4, name="short.ocsp")
    use(ocsp=path)
    tap.ok(is_told(asked()), "a response that is good for seconds is told")
    tap.ok(wait_for(lambda: "no response sent" in asked()), "until they have passed")
    path = ours.ocsp(ec, lasts=-30, name="old.ocsp")
    tap.same(use(ocsp=path).get("reloaded"), True, "one that is too old is no fault")
    tap.ok("no response sent" in asked(), "and is not told")
    path = ours.ocsp(ec, ec, name="revoked.ocsp")
    tap.same(use(ocsp=path).get("reloaded"), True, "nor is one that says: revoked")
    tap.ok("no response sent" in asked(), "which is not told either")


def bad():
    def write(name, data):
        path = ours.path(name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    with open(said[ec["certificate"]], "rb") as f:
        der = f.read()
    year = der.index(b"\x18\x0f") + 2  # of when it was made
    forged = theirs.ocsp({**ec}, name="forged.ocsp")
    mine = ours.ocsp(ec, signer=rsa, name="mine.ocsp")
    for what, path, why in (
            ("no file", "/nowhere/a.ocsp", "No such file"),
            ("an empty one", write("empty", b""), "is not an OCSP response"),
            ("half a response", write("half", der[:200]), "is not an OCSP response"),
            ("more than a response", write("more", der + b"x"), "is not an OCSP response"),
            ("a refusal", write("later", b"\x30\x03\x0a\x01\x03"), "refusal to answer"),
            ("another's", said[alone["certificate"]], "is about another certificate"),
            ("that of an issuer of the same name", forged,
             "not signed by the certificate's issuer"),
            ("a changed one", write("flip", der[:year] + b"2021" + der[year + 4:]),
             "not signed by the certificate's issuer"),
            ("signed by whom nobody named", mine, "not signed by the certificate's issuer")):
        answer = json.dumps(use(ocsp=path))
        tap.ok("/listeners/http/tls/certificates/1/ocsp: " in answer and why in answer,
               f"{what}: refused", answer)
    use()
    tap.ok(is_told(asked()), "and what runs goes on")


tap.facts(stapled, changed, passed, bad)
g.end()
origins.close()
tap.done()
