#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""sluicectl jwt verify: a verdict and why, without a daemon."""

import json
import os
import subprocess
import tempfile

from lib import jwt, tap
from lib.gateway import BUILD

CLAIMS = {"iss": "https://issuer.example", "aud": ["a", "b"], "exp": 2000, "iat": 1000}


def ctl(*words, stdin=""):
    done = subprocess.run([os.path.join(BUILD, "sluicectl"), *words], input=stdin,
                          capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


def verdict(token, *words):
    status, out, err = ctl("-j", "jwt", "verify", token, "jwks", keys, "at", "1500", *words)
    return status, json.loads(out)["why"] if out else err


def verdicts():
    good = {key.kind: key.token(CLAIMS) for key in (rsa, ec)}
    for kind, token in good.items():
        tap.same(verdict(token), (0, "valid"), f"a token of {kind}")
    token = good["RS256"]
    for words, want in (
            (("issuer", "https://issuer.example"), (0, "valid")),
            (("issuer", "https://issuer.example/"), (2, "wrong_issuer")),
            (("audience", "b"), (0, "valid")),
            (("audience", "c"), (2, "wrong_audience")),
            (("alg", "ES256,RS256"), (0, "valid")),
            (("alg", "ES256"), (2, "algorithm_refused")),
            (("typ", "at+jwt"), (2, "wrong_type")),
            (("max-age", "501s"), (0, "valid")),
            (("max-age", "8m"), (2, "too_old")),
            (("max-age", "8m", "leeway", "21s"), (0, "valid"))):
        tap.same(verdict(token, *words), want, f"{' '.join(words)}: {want[1]}")
    for when, leeway, want in (("1999", "0", (0, "valid")), ("2000", "0", (2, "expired")),
                               ("2000", "1s", (0, "valid")), ("2001", "1s", (2, "expired")),
                               ("1970-01-01T00:33:19Z", "0", (0, "valid")),
                               ("1970-01-01T00:33:20Z", "0", (2, "expired")),
                               ("999", "0", (2, "issued_later"))):
        status, out, _ = ctl("-j", "jwt", "verify", "--jwks", keys, "--at", when, "--leeway",
                             leeway, token)
        tap.same((status, json.loads(out)["why"]), want, f"at {when}, leeway {leeway}: {want[1]}")
    hs = secret.token(CLAIMS)
    tap.same(verdict(hs), (2, "algorithm_refused"), "a secret's, unless it is asked for")
    tap.same(verdict(hs, "alg", "HS256"), (0, "valid"), "and then")
    tap.same(verdict("abc"), (2, "malformed"), "a word that is no token")
    tap.same(verdict(stranger.token(CLAIMS, kid="rsa")), (2, "bad_signature"), "a stranger's")


def told():
    status, out, _ = ctl("-j", "jwt", "verify", rsa.token(CLAIMS), "jwks", keys, "at", "1500")
    answer = json.loads(out)
    tap.same((status, answer["valid"], answer["signature"], answer["until"]),
             (0, True, True, 2000), "what is said of it")
    tap.same((answer["key"], answer["header"], answer["claims"]),
             ({"index": 0, "kid": "rsa", "alg": "RS256"}, {"alg": "RS256", "kid": "rsa"}, CLAIMS),
             "its key, its header, its claims")
    _, out, _ = ctl("-j", "jwt", "verify", stranger.token(CLAIMS, kid="rsa"), "jwks", keys)
    answer = json.loads(out)
    tap.same((answer["valid"], answer["signature"], answer["claims"]), (False, False, None),
             "claims that nobody of ours has signed are not shown")
    token = rsa.token({"exp": 2000, "sub": "\x1b[31m\u00e9"})
    _, out, _ = ctl("jwt", "verify", token, "jwks", keys)
    tap.ok(out.startswith("expired: its time is over (exp)\nkey      0, RS256\n")
           and "\x1b" not in out and "\\u001B[31m\\u00E9" in out, "as text, in ASCII", out)
    status, out, _ = ctl("jwt", "verify", "-", "jwks", keys, "at", "1500", stdin=token + "\n")
    tap.ok(status == 0 and out.startswith("valid: "), "from standard input", out)


def misused():
    for words, want, text in (
            ((), 64, "jwks FILE"),
            (("a.b.c",), 64, "jwks FILE"),
            (("jwks", keys), 64, "TOKEN is missing"),
            (("a.b.c", "jwks"), 64, "a value is missing behind 'jwks'"),
            (("a.b.c", "jwks", keys, "alg", "none"), 64, "alg 'none'"),
            (("a.b.c", "jwks", keys, "at", "noon"), 64, "at 'noon'"),
            (("a.b.c", "jwks", keys, "leeway", "x"), 64, "leeway 'x'"),
            (("a.b.c", "jwks", keys, "aud", "x", "more", "y"), 64, "unknown keyword"),
            (("a.b.c", "jwks", keys + "no"), 1, "No such file"),
            (("a.b.c", "jwks", broken), 1, "key 0: 'k' is a secret of less than 32 bytes")):
        status, out, err = ctl("jwt", "verify", *words)
        tap.ok((status, out) == (want, "") and text in err, f"{' '.join(words)[:40]}: {text}",
               (status, out, err))


tap.start(60)
with tempfile.TemporaryDirectory() as directory:
    rsa, ec = jwt.Key(directory, "rsa"), jwt.Key(directory, "ec", "ES256")
    secret, stranger = jwt.Key(directory, "hs", "HS256"), jwt.Key(directory, "stranger")
    keys, broken = os.path.join(directory, "keys"), os.path.join(directory, "broken")
    jwt.save(keys, jwt.key_set(rsa, ec, secret))
    jwt.save(broken, '{"keys":[{"kty":"oct","k":"AAAA"}]}')
    verdicts()
    told()
    misused()
tap.done()
