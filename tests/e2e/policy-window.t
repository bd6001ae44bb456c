#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Policy rate_limit with a sliding window: exact, over workers and reloads, and told in fields."""

import re
import threading
import time

from lib import origin, tap
from lib.gateway import Gateway
from lib.wire import Client, get


def route(name, *limits):
    return {"name": name, "match": {"path": f"/{name}"}, "respond": {},
            "policies": [{"rate_limit": limit} for limit in limits]}


def sliding(rate, **more):
    return {"rate": rate, "algorithm": "sliding_window", **more}


ROUTES = [
    route("plain", sliding("3/h")), route("x", sliding("1/h", headers="x")),
    route("cost", sliding("10/h", cost=4)), route("second", sliding("4/s")),
    route("tenant", sliding("1/h", per=[], header="x-tenant")),
    route("both", sliding("10/h"), sliding("2/h", per="route")),
    route("mixed", sliding("10/h"), {"rate": "2/h", "headers": "off"}),
    route("many", sliding("500/h", headers="off")),
]


def ask(path, fields="", source=None):
    with Client(gateway.port, source=source) as client:
        return client.ask(get(path, fields=fields))


def statuses(*asked):
    return [ask(*one).status for one in asked]


def numbers(field):
    return [int(n) for n in re.findall(r"=(\d+)", field)]


def told():
    answers = [ask("/plain") for _ in range(4)]
    tap.same([a.status for a in answers], [200, 200, 200, 429], "three in an hour")
    tap.same(answers[0].get("ratelimit-policy"), '"plain";q=3;w=3600', "by this policy")
    left = [numbers(a.get("ratelimit")) for a in answers]
    tap.same([r for r, _ in left], [2, 1, 0, 0], "RateLimit counts down")
    tap.ok(all(3600 <= t <= 7200 for _, t in left), "until the next window is over", str(left))
    wait = int(answers[3].get("retry-after"))
    tap.ok(1 <= wait <= left[3][1] and answers[0].get("retry-after") is None,
           "Retry-After says when there is one more", str(wait))
    tap.same(ask("/plain", source="127.0.0.2").status, 200, "another address has its own")
    first, second = ask("/x"), ask("/x")
    tap.same([first.get("x-ratelimit-limit"), first.get("x-ratelimit-remaining")], ["1", "0"],
             "X-RateLimit")
    tap.ok(second.status == 429 and int(second.get("retry-after")) > 0, "and Retry-After")


def counted():
    tap.same(statuses(*[("/cost",)] * 3), [200, 200, 429], "at a price of four of ten")
    tap.same(statuses(*[("/tenant", f"X-Tenant: {t}\r\n") for t in "aab"]), [200, 429, 200],
             "of a field's value")
    answers = [ask("/both") for _ in range(4)]
    tap.same([a.status for a in answers], [200, 200, 429, 429], "of two limits the narrower")
    tap.same(numbers(answers[3].all("ratelimit")[0])[0], 7, "and the other is charged nothing")
    tap.same(statuses(*[("/mixed",)] * 4), [200, 200, 429, 429], "beside one by GCRA")
    tap.same(numbers(ask("/mixed").get("ratelimit"))[0], 7, "likewise")


def slides():
    """However requests lie to the clock: never more than four a window, and some in each."""
    end, got = time.monotonic() + 3.2, []
    while time.monotonic() < end:
        got.append(ask("/second").status)
        time.sleep(0.02)
    # A busy machine may be too slow to ask for more than there is.
    tap.ok(min(len(got), 8) <= got.count(200) <= 20 and (429 in got or len(got) <= 20),
           "four a second, second after second", f"{got.count(200)} of {len(got)}")


def exact():
    got = []

    def work():
        with Client(gateway.port) as client:
            got.extend(client.ask(get("/many")).status for _ in range(100))
    threads = [threading.Thread(target=work) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.same([got.count(200), got.count(429)], [500, 1100],
             "1,600 requests over 16 connections and two workers: 500 exactly")
    tap.same(gateway.ctl("config", "reload").returncode, 0, "a reload")
    tap.same(statuses(("/many",), ("/plain",)), [429, 429], "gives nothing back")


tap.start(60)
gateway = Gateway(origin.Origin().port, {"routes": ROUTES, "gateway": {"workers": 2}})
told()
counted()
slides()
exact()
gateway.end()
tap.done()
