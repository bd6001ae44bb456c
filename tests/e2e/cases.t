#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Every request of the tables in cases/, at once and byte by byte, is answered as it should be."""

import os
import sys

from lib import cases, tap

HERE = os.path.dirname(os.path.abspath(__file__))


def table(name):
    return cases.load(os.path.join(HERE, "cases", name))


tap.start(120)
if sys.argv[1:]:
    every = [c for c in table("requests.jsonl") + table("own.jsonl") if c.id in sys.argv[1:]]
    for kept in (False, True):
        chosen = [c for c in every if bool(c.spec.get("slashes")) == kept]
        if chosen:
            cases.run(chosen, {"paths": {"encoded_slashes": "keep"}} if kept else None)
    tap.done()
own = table("own.jsonl")
cases.run(table("requests.jsonl") + [c for c in own if not c.spec.get("slashes")])
cases.run([c for c in own if c.spec.get("slashes")], {"paths": {"encoded_slashes": "keep"}})
tap.done()
