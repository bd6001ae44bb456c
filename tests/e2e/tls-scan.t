#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The profiles, seen from outside: all that a listener agrees to is what Mozilla recommends."""

import shutil
import ssl
import subprocess
import tempfile
import warnings
import xml.etree.ElementTree

from lib import origin, tap
from lib.certs import Authority
from lib.gateway import Gateway
from lib.tls import TlsClient, context
from lib.wire import get

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
# Version 6.0 of the guidelines, but for X25519MLKEM768, which OpenSSL has since 3.5.
SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
CIPHERS = {f"ECDHE-{key}-{cipher}" for key in ("ECDSA", "RSA") for cipher in (
    "AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")}
GROUPS = {"x25519", "secp256r1", "secp384r1"}
PROFILES = {"intermediate": ({"TLSv1.2", "TLSv1.3"}, CIPHERS | SUITES),
            "modern": ({"TLSv1.3"}, SUITES)}

tap.start(180)
warnings.simplefilter("ignore", DeprecationWarning)
directory = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
authority = Authority(directory)
certificates = [authority.make("ecdsa", "a.example"), authority.make("rsa", "a.example", kind="rsa")]
origins = origin.Origin()
g = Gateway(origins.port, {"listener": {"tls": {"certificates": certificates}}})


def use(profile):
    g.conf["listeners"]["http"]["tls"]["profile"] = profile
    g.reload()


def agreed(version, ciphers):
    """The cipher that is chosen of these, or None."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_ciphers(":".join(ciphers) + ":@SECLEVEL=0")
    made.minimum_version = made.maximum_version = version
    try:
        with TlsClient(g.port, made) as c:
            return c.sock.cipher()[0]
    except (ssl.SSLError, ConnectionError):
        return None


def all_ciphers():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    return {c["name"] for c in made.get_ciphers()} - SUITES


def by_hand():
    """As scanners do: offers all ciphers, then all but the one that was chosen."""
    for profile, (versions, want) in PROFILES.items():
        use(profile)
        left, found = all_ciphers(), set()
        while left and (cipher := agreed(TLS12, sorted(left))):
            found.add(cipher)
            left.discard(cipher)
        tap.same(found, want & CIPHERS, f"{profile}: the ciphers of TLS 1.2")
        tap.same({v.name for v in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, TLS12, TLS13)
                  if agreed(v, ["ALL", "COMPLEMENTOFALL"])},
                 {v.replace(".", "_") for v in versions}, f"{profile}: the versions")


def s_client(*words):
    out = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{g.port}", *words],
                         input=b"", capture_output=True, timeout=20, check=False)
    return out.returncode == 0, out.stdout.decode(errors="replace")


def groups():
    use("intermediate")
    for group, is_ours in (("X25519", True), ("P-256", True), ("P-384", True), ("P-521", False),
                           ("X448", False), ("ffdhe2048", False)):
        for version in ("-tls1_2", "-tls1_3"):
            if version == "-tls1_2" and group.startswith("ff"):
                continue  # of elliptic curves only
            tap.same(s_client(version, "-groups", group)[0], is_ours,
                     f"{version}: {group} is {'taken' if is_ours else 'refused'}")
    is_done, text = s_client("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256")
    tap.ok(not is_done, "a suite of TLS 1.3 that is not recommended is refused", text)


def pairs():
    """A certificate of each kind for one name."""
    for version in ("-tls1_2", "-tls1_3"):
        for algorithms, kind in (("ECDSA+SHA256", "ecdsa"), ("RSA-PSS+SHA256", "rsa"),
                                 ("RSA-PSS+SHA256:ECDSA+SHA256", None)):
            is_done, text = s_client(version, "-sigalgs", algorithms, "-servername", "a.example")
            tap.ok(is_done and ("CN = " + (kind or "")) in text,
                   f"{version}: who verifies {algorithms} gets what it can verify", text)
        is_done, text = s_client(version, "-sigalgs", "RSA+SHA1:ECDSA+SHA1", "-cipher",
                                 "ALL:@SECLEVEL=0")
        tap.ok(not is_done, f"{version}: SHA-1 signs nothing", text)


def scanned():
    if not shutil.which("sslscan"):
        tap.skip("sslscan", "it is not installed")
        return
    for profile, (versions, want) in PROFILES.items():
        use(profile)
        out = subprocess.run(["sslscan", "--xml=-", "--no-colour", "--sni-name=a.example",
                              f"127.0.0.1:{g.port}"], capture_output=True, timeout=60,
                             check=False).stdout
        seen = xml.etree.ElementTree.fromstring(out).find("ssltest")
        tap.same({x.get("type").upper() + "v" + x.get("version") for x in seen.iter("protocol")
                  if x.get("enabled") == "1"}, versions, f"sslscan, {profile}: nothing older")
        tap.same({x.get("cipher") for x in seen.iter("cipher")}, want,
                 f"sslscan, {profile}: the ciphers")
        tap.same({x.get("name").split()[0] for x in seen.iter("group")}, GROUPS,
                 f"sslscan, {profile}: the groups")
        tap.ok(all(x.get("vulnerable") == "0" for x in seen.iter("heartbleed")) and
               all(x.get("supported") in ("0", None) for x in seen.iter("renegotiation")) and
               all(x.get("supported") in ("0", None) for x in seen.iter("compression")),
               f"sslscan, {profile}: no heartbleed, no renegotiation, no compression", out)


def served():
    use("modern")
    with TlsClient(g.port, context(authority.file)) as c:
        tap.same(c.ask(get("/")).status, 200, "after all that it serves")


tap.facts(by_hand, groups, pairs, scanned, served)
g.end()
origins.close()
tap.done()
