# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests: an authority of our own, and what it signs."""

import os
import subprocess

KEYS = {
    "ecdsa": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "short": ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
}


def openssl(*words, **how):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60, **how)


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

    def make(self, name, *hosts, kind="ecdsa", serial=None):
        """NAME.pem and NAME.key for these hosts: as the configuration wants them."""
        self.number += 1
        key, pem, request = self.path(f"{name}.key"), self.path(f"{name}.pem"), self.path("request")
        openssl("genpkey", "-algorithm", *KEYS[kind], "-out", key)
        openssl("req", "-new", "-key", key, "-out", request, "-subj", f"/CN={name}")
        extensions = ("basicConstraints=CA:FALSE\n"
                      f"subjectAltName={','.join('DNS:' + h for h in hosts)}\n")
        with open(self.path("extensions"), "w", encoding="ascii") as f:
            f.write(extensions)
        signed = openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey",
                         self.path("ca.key"), "-set_serial", str(serial or self.number + 100),
                         "-days", "3650", "-extfile", self.path("extensions")).stdout
        with open(pem + ".new", "wb") as f:
            f.write(signed)
        os.rename(pem + ".new", pem)
        return {"certificate": pem, "key": key}
