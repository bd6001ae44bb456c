# SPDX-License-Identifier: Apache-2.0
"""Keys and tokens, by the openssl command: of RSA, of P-256, and by a secret."""

import base64
import hashlib
import hmac
import json
import os
import subprocess


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, timeout=60,
                          check=True).stdout


def _der_numbers(der):
    """r and s, each at 32 bytes (all lengths are below 128)."""
    r_len = der[3]
    r, s = der[4:4 + r_len], der[6 + r_len:]
    return r.lstrip(b"\0").rjust(32, b"\0") + s.lstrip(b"\0").rjust(32, b"\0")


class Key:
    """kind: RS256, ES256 or HS256."""

    def __init__(self, directory, kid, kind="RS256"):
        self.kid, self.kind = kid, kind
        self.file = os.path.join(directory, f"{kid}.pem")
        if kind == "RS256":
            openssl("genrsa", "-out", self.file, "2048")
            modulus = openssl("rsa", "-in", self.file, "-noout", "-modulus").decode()
            n = bytes.fromhex(modulus.split("=")[1].strip())
            self.jwk = {"kty": "RSA", "n": b64(n), "e": "AQAB"}
        elif kind == "ES256":
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.file)
            point = openssl("ec", "-in", self.file, "-pubout", "-outform", "DER")[-64:]
            self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(point[:32]), "y": b64(point[32:])}
        else:
            self.secret = os.urandom(32)
            self.jwk = {"kty": "oct", "k": b64(self.secret)}
        self.jwk["kid"] = kid

    def sign(self, data):
        if self.kind == "HS256":
            return hmac.new(self.secret, data, hashlib.sha256).digest()
        signature = openssl("dgst", "-sha256", "-sign", self.file, data=data)
        return _der_numbers(signature) if self.kind == "ES256" else signature

    def token(self, claims, **header):
        head = {"alg": self.kind, "kid": self.kid, **header}
        text = b64(json.dumps(head).encode()) + "." + b64(json.dumps(claims).encode())
        return text + "." + b64(self.sign(text.encode()))


def key_set(*keys):
    return json.dumps({"keys": [key.jwk for key in keys]})


def save(path, text):
    """In one step, as whoever rotates keys should."""
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".new", path)
