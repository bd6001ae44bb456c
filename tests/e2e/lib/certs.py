# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests: an authority of our own, and what it signs."""

import os
import ssl
import subprocess
import time

KEYS = {
    "ecdsa": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "short": ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
}


def openssl(*words, **how):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60, **how)


def _split(der):
    """Tag, contents and what follows of the first element."""
    length, at = der[1], 2
    if length & 0x80:
        at += length & 0x7f
        length = int.from_bytes(der[2:at], "big")
    return der[0], der[at:at + length], der[at + length:]


def _wrap(tag, *parts):
    body = b"".join(parts)
    size = len(body).to_bytes(4, "big").lstrip(b"\0") or b"\0"
    long = len(body) > 127
    return bytes([tag]) + (bytes([0x80 | len(size)]) if long else b"") + size + body


def _retime(response, key, since, until):
    """An OCSP response (RFC 6960 4.2.1) with other times, signed anew."""
    _, outer, _ = _split(response)
    _, status, rest = _split(outer)
    _, kind, rest = _split(_split(_split(rest)[1])[1])
    _, basic, _ = _split(_split(rest)[1])
    _, signed, rest = _split(basic)
    algorithm, rest = _split(rest)[1:]
    certificates = _split(rest)[2]
    stamps = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(t)).encode() for t in (since, until)]
    parts = _wrap(0x30, signed).split(b"\x18\x0f")
    parts[-2], parts[-1] = stamps[0] + parts[-2][15:], stamps[1] + parts[-1][15:]
    signed = b"\x18\x0f".join(parts)
    signature = openssl("dgst", "-sha256", "-sign", key, input=signed).stdout
    basic = _wrap(0x30, signed, _wrap(0x30, algorithm), _wrap(3, b"\0", signature), certificates)
    return _wrap(0x30, _wrap(10, status), _wrap(0xa0, _wrap(
        0x30, _wrap(6, kind), _wrap(4, basic))))


class Authority:
    """Signs for whoever is asked for; everything is in its directory."""

    def __init__(self, directory):
        self.directory = directory
        self.number = 0
        self.file = self.path("ca.pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.path("ca.key"), "-out", self.file, "-subj", "/CN=sluice test CA",
                "-days", "3650")

    def path(self, name):
        return os.path.join(self.directory, name)

    def revoke(self, *pairs):
        """A list of what was revoked, as PEM; its path."""
        index, conf = self.path("index.txt"), self.path("ca.conf")
        with open(index, "w", encoding="ascii"):
            pass
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"[ca]\ndefault_ca=us\n[us]\ndatabase={index}\ncertificate={self.file}\n"
                    f"private_key={self.path('ca.key')}\ndefault_md=sha256\n"
                    "default_crl_days=3000\n")
        for pair in pairs:
            openssl("ca", "-config", conf, "-revoke", pair["certificate"])
        openssl("ca", "-config", conf, "-gencrl", "-out", self.path("crl.pem"))
        return self.path("crl.pem")

    def ocsp(self, pair, *revoked, lasts=3600, signer=None, name="response.der"):
        """What we say of that certificate, good for so many seconds from a minute ago; its path."""
        self.revoke(*revoked)
        with open(self.path("index.txt"), "a", encoding="ascii") as f:
            serial = openssl("x509", "-in", pair["certificate"], "-noout", "-serial").stdout
            serial = serial.decode().strip().partition("=")[2]
            if pair not in revoked:
                f.write(f"V\t490101000000Z\t\t{serial}\tunknown\t/CN=any\n")
        key, signer = (signer or {}).get("key", self.path("ca.key")), (signer or {}).get(
            "certificate", self.file)
        path = self.path(name)
        openssl("ocsp", "-index", self.path("index.txt"), "-CA", self.file, "-rsigner", signer,
                "-rkey", key, "-issuer", self.file, "-cert", pair["certificate"], "-ndays", "1",
                "-no_nonce", "-respout", path + ".new")
        with open(path + ".new", "rb") as f:
            made = f.read()
        with open(path + ".new", "wb") as f:
            f.write(_retime(made, key, time.time() - 60, time.time() + lasts))
        os.rename(path + ".new", path)
        return path

    def make(self, name, *hosts, kind="ecdsa", serial=None, days=3650, more=""):
        """NAME.pem and NAME.key for these hosts, or addresses ("IP:127.0.0.1"): as the
        configuration wants them.  days=-1: it has expired; more are lines of extensions."""
        self.number += 1
        key, pem, request = self.path(f"{name}.key"), self.path(f"{name}.pem"), self.path("request")
        openssl("genpkey", "-algorithm", *KEYS[kind], "-out", key)
        openssl("req", "-new", "-key", key, "-out", request, "-subj", f"/CN={name}")
        names = ",".join(h if ":" in h else "DNS:" + h for h in hosts)
        extensions = f"basicConstraints=CA:FALSE\nsubjectAltName={names}\n{more}"
        with open(self.path("extensions"), "w", encoding="ascii") as f:
            f.write(extensions)
        signed = openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey",
                         self.path("ca.key"), "-set_serial", str(serial or self.number + 100),
                         "-days", str(days), "-extfile", self.path("extensions")).stdout
        with open(pem + ".new", "wb") as f:
            f.write(signed)
        os.rename(pem + ".new", pem)
        return {"certificate": pem, "key": key}

    def alter(self, pair, *changes):
        """Bytes of a certificate become others, as many, and it is signed again: what openssl
        would not put there."""
        with open(pair["certificate"], encoding="ascii") as f:
            _, outer, _ = _split(ssl.PEM_cert_to_DER_cert(f.read()))
        _, signed, rest = _split(outer)
        algorithm = _split(rest)[1]
        for old, new in changes:
            assert len(old) == len(new) and old in signed
            signed = signed.replace(old, new)
        signed = _wrap(0x30, signed)
        signature = openssl("dgst", "-sha256", "-sign", self.path("ca.key"), input=signed).stdout
        with open(pair["certificate"], "w", encoding="ascii") as f:
            f.write(ssl.DER_cert_to_PEM_cert(_wrap(
                0x30, signed, _wrap(0x30, algorithm), _wrap(3, b"\0", signature))))
        return pair
