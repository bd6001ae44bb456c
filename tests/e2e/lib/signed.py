# SPDX-License-Identifier: Apache-2.0
"""Signed requests (RFC 9421, hmac-sha256), and digests of bodies (RFC 9530)."""

import base64
import hashlib
import hmac
import itertools
import time

NONCES = itertools.count(1)


def b64(data):
    return base64.b64encode(data).decode()


def digest(body, *algorithms):
    return ", ".join(f"{a}=:{b64(hashlib.new(a.replace('-', ''), body).digest())}:"
                     for a in algorithms or ("sha-256",))


def fields(secret, keyid, values, label="sig1", **params):
    """Signature-Input and Signature.  values are the components with what is signed of them; params
    of None are left out."""
    params = {"created": int(time.time()), "keyid": keyid, "nonce": str(next(NONCES)), **params}
    text = " ".join(f'"{name}"' for name in values)
    text = f"({text})" + "".join(
        f";{k}={v}" if isinstance(v, int) else f';{k}="{v}"'
        for k, v in params.items() if v is not None)
    base = "".join(f'"{name}": {value}\n' for name, value in values.items())
    base += f'"@signature-params": {text}'
    mac = hmac.new(secret, base.encode("latin-1"), "sha256").digest()
    return f"Signature-Input: {label}={text}\r\nSignature: {label}=:{b64(mac)}:\r\n"


def request_fields(secret, keyid, method, target, host="test.example", body=b"", want=None,
                   **params):
    """As most would sign: the method, where it goes, and the body's digest."""
    path, mark, query = target.partition("?")
    values = {"@method": method, "@authority": host, "@path": path}
    lines = ""
    if mark:
        values["@query"] = "?" + query
    if body or want:
        values["content-digest"] = want or digest(body)
        lines = f"Content-Digest: {values['content-digest']}\r\n"
    return lines + fields(secret, keyid, values, **params)
