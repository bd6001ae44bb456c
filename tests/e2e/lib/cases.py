# SPDX-License-Identifier: Apache-2.0
"""Runs tables of raw requests against the daemon and judges what the client and the origin saw."""

import json
import os
import queue
import re
import threading

from . import judge, origin, tap, wire
from .gateway import Gateway

HOST = "test.example"
LANES = 8
CLOSE_SECONDS = 1.5  # well below the limits' timeouts: whatever closes later was not meant to
# A slow build may need seconds to send 16 KiB byte by byte, which is no fault of the daemon's.
TIMEOUT = "12s" if os.environ.get("SLUICE_SLOW") else "3s"
LIMITS = {"header_timeout": TIMEOUT, "idle_timeout": TIMEOUT, "header_bytes": "16KiB"}
REPEAT = re.compile(r"\{(\d+)\*([^{}]+)\}")


class Lane:
    """A gateway and an origin for one case at a time: what the origin gets then is that case's."""

    def __init__(self, conf):
        self.origin = origin.Origin()
        self.gateway = Gateway(self.origin.port, {"limits": LIMITS, **conf})
        self.marks = 0

    def mark(self):
        """A request of our own behind the case, over the same pool: it must get its own answer, and
        once it has, the gateway has dealt with all that came before.  What is wrong, or None."""
        self.marks += 1
        path = f"/mark/{self.marks}"
        with wire.Client(self.gateway.port) as client:
            response = client.ask(wire.get(path, HOST))
        if response is None or response.status != 200:
            return f"the request after it got {response}"
        if response.body.decode() != f"GET {path} HTTP/1.1":
            return f"the request after it got another's answer: {response.body!r}"
        return None

    def saw(self):
        """Requests and raw bytes of the case."""
        requests = [r for r in self.origin.requests() if not r.target.startswith("/mark/")]
        with self.origin.changed:
            raw = b"".join(bytes(c.raw) for c in self.origin.connections)
        return requests, raw


class Case:
    """One line of a table."""

    def __init__(self, spec):
        self.id = spec["id"]
        self.spec = spec
        self.rule = spec["rfc"]
        self.expect, *marks = spec["expect"].split("!")
        self.marks = marks
        self.path = f"/c/{self.id}"
        text = spec["request"].replace("{P}", self.path).replace("{H}", HOST)
        text = REPEAT.sub(lambda m: int(m.group(1)) * m.group(2), text)
        self.bytes = text.encode("latin-1")

    def expand(self, text):
        return text.replace("{P}", self.path).replace("{H}", HOST)

    def statuses(self):
        _, _, listed = self.expect.partition(":")
        return [int(s) for s in listed.split(",")] if listed else []


class Outcome:
    """What one sending of a case came to."""

    def __init__(self, in_pieces):
        self.in_pieces = in_pieces
        self.responses = []
        self.closed = False
        self.malformed = None
        self.after = None
        self.requests, self.raw, self.faults = [], b"", []

    def status(self):
        return self.responses[0].status if self.responses else None

    def served(self):
        return [r for r in self.responses if 200 <= r.status < 300]


def methods_of(case):
    """HEAD answers have no body, which only the request tells; one a pipelined request."""
    return case.spec.get("methods") or [case.bytes.split(b" ", 1)[0].decode("latin-1")]


def talk(lane, case, in_pieces):
    out = Outcome(in_pieces)
    wanted = case.spec.get("answers") or (2 if case.expect == "A2" else 1)
    methods = methods_of(case)
    with wire.Client(lane.gateway.port) as client:
        try:
            client.drip(case.bytes) if in_pieces else client.send(case.bytes)
            if case.spec.get("half_close"):
                client.end_sending()
            for i in range(wanted):
                response = client.response(methods[min(i, len(methods) - 1)])
                if response is None:
                    break
                out.responses.append(response)
            if wants_close(case, out):
                out.closed = client.is_closed(CLOSE_SECONDS)
            elif case.spec.get("stays"):
                out.after = client.ask(wire.get("/mark/stays", HOST))
        except wire.Malformed as e:
            out.malformed = str(e)
        except TimeoutError:
            out.malformed = "neither an answer nor a close"
    return out


def broke_framing(case, out):
    """After these the gateway cannot know where the next request would begin."""
    return out.status() in (400, 408, 414, 431, 505) or (
        out.status() == 501 and case.spec["group"] == "te")


def wants_close(case, out):
    return (case.expect[0] in "RT" or "close" in case.marks or case.spec.get("closes")
            or broke_framing(case, out))


def play(lane, case, in_pieces):
    lane.origin.forget()
    out = talk(lane, case, in_pieces)
    lane.origin.wait(lambda: all(c.is_over or not c.buffer for c in lane.origin.connections), 5)
    mark = lane.mark()
    out.requests, out.raw = lane.saw()
    out.faults = lane.origin.faults()
    wrong = [w for w in (mark, *judge_case(case, out)) if w]
    return [f"{'in pieces' if in_pieces else 'at once'}: {w}" for w in wrong] + (
        [f"   answers {out.responses}", f"   origin saw {out.raw[:400]!r}"] if wrong else [])


def judge_clean(case, out):
    if out.malformed:
        yield out.malformed
    for fault in out.faults:
        yield f"the origin got {fault}"
    if case.expect != "A2" and any("/smuggled" in r.target for r in out.requests):
        yield "a smuggled request reached the origin"
    if b"/smuggled HTTP/1.1\r\nHost" in out.raw and case.expect != "A2":
        yield "what looks like a smuggled request reached the origin"


def judge_refused(case, out):
    """Sent in pieces, a request is under way before its broken body is seen: then it never ends."""
    if out.requests or (not out.in_pieces and case.path.encode() in out.raw):
        yield "something of it reached the origin"
    if out.served():
        yield f"it was answered {out.status()}"
    if case.statuses() and out.responses and out.status() not in case.statuses():
        yield f"status {out.status()}, not one of {case.statuses()}"
    if (out.status() is None or broke_framing(case, out)) and not out.closed:
        yield "the client's connection stayed open"


def judge_accepted(case, out, nr):
    if len(out.requests) != nr:
        yield f"the origin saw {len(out.requests)} requests, not {nr}"
    if len(out.served()) != nr:
        yield f"{len(out.served())} answers with 2xx, not {nr}"
    if nr == 2 and [r.target for r in out.requests] != [case.path, "/c/second"]:
        yield f"in the order {[r.target for r in out.requests]}"


def judge_cut_off(_case, out):
    if out.requests:
        yield "a complete request reached the origin"
    if out.served():
        yield f"it was answered {out.status()}"
    if not out.closed:
        yield "the client's connection stayed open"


def judge_either(case, out):
    """Refused or accepted, but not half of each."""
    if out.served() and not out.requests:
        yield "it was answered 2xx, but the origin saw nothing"
    if len(out.requests) > (case.spec.get("answers") or 1):
        yield f"the origin saw {len(out.requests)} requests"
    if broke_framing(case, out) and not out.closed:
        yield "it was refused, but the client's connection stayed open"


def judge_marks(case, out):
    for mark in case.marks:
        name, _, value = mark.partition("=")
        if name == "close" and not out.closed:
            yield "the client's connection stayed open"
        if name == "nohdr" and any(r.all(value) for r in out.requests):
            yield f"the origin saw the field {value}"


def judge_keys(case, out):
    """What a case of our own says beyond its expectation."""
    spec = case.spec
    lines = [r.line for r in out.requests]
    heads = [f"{n}: {v}" for r in out.requests for n, v in r.fields]
    trailers = [f"{n}: {v}" for r in out.requests for n, v in r.trailers]
    if "sees" in spec and lines != [case.expand(s) for s in spec["sees"]]:
        yield f"the origin saw {lines}, not {spec['sees']}"
    if "body" in spec and [r.body.decode("latin-1") for r in out.requests] != [spec["body"]]:
        yield f"the origin saw the body {[r.body[:80] for r in out.requests]}"
    for field in spec.get("has", []):
        if case.expand(field) not in heads:
            yield f"the origin did not see {field!r}, but {heads}"
    for name in spec.get("lacks", []):
        if any(r.all(name) for r in out.requests):
            yield f"the origin saw the field {name}"
    if "trailers" in spec and trailers != spec["trailers"]:
        yield f"the origin saw the trailers {trailers}"
    if "statuses" in spec and [r.status for r in out.responses] != spec["statuses"]:
        yield f"answers {[r.status for r in out.responses]}, not {spec['statuses']}"
    if "answer_has" in spec:
        got = [f"{n}: {v}" for r in out.responses for n, v in r.fields]
        for field in spec["answer_has"]:
            if field not in got:
                yield f"the answer has no {field!r}, but {got}"
    if spec.get("closes") and not out.closed:
        yield "the client's connection stayed open"
    if spec.get("stays") and (out.after is None or out.after.status != 200):
        yield f"the connection did not carry another request: {out.after}"


def judge_case(case, out):
    yield from judge_clean(case, out)
    kind = case.expect[0]
    if kind == "R":
        yield from judge_refused(case, out)
    elif kind == "A":
        yield from judge_accepted(case, out, 2 if case.expect == "A2" else 1)
    elif kind == "T":
        yield from judge_cut_off(case, out)
    elif kind == "E":
        yield from judge_either(case, out)
    yield from judge_marks(case, out)
    yield from judge_keys(case, out)


def work(lane, waiting, results):
    while True:
        try:
            case = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            wrong = play(lane, case, False) + play(lane, case, True)
        except Exception as e:
            wrong = [f"{type(e).__name__}: {e}"]
        results[case.id] = wrong


def load(path):
    with open(path, encoding="utf-8") as f:
        return [Case(json.loads(line)) for line in f if line.strip()]


def run(cases, conf=None):
    """Plays all cases, and tells of each in the order of the table."""
    waiting, results = queue.Queue(), {}
    lanes = [Lane(conf or {}) for _ in range(min(LANES, len(cases)))]
    # Those that end by a timeout go first: the others pass them by.
    for case in sorted(cases, key=lambda c: c.expect[0] != "T"):
        waiting.put(case)
    threads = [threading.Thread(target=work, args=(lane, waiting, results), daemon=True)
               for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for case in cases:
        wrong = results.get(case.id, ["it was not played"])
        tap.ok(not wrong, f"{case.id}: {case.expect} ({case.rule})", "\n".join(wrong))
    dead = [lane.gateway.complaint() for lane in lanes if not lane.gateway.is_alive()]
    tap.ok(not dead, "every daemon still runs", "\n".join(dead))
    ends = [lane.gateway.stop() for lane in lanes]
    tap.same(ends, [0] * len(lanes), "every daemon ends in good order")
