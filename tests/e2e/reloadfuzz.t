#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Hundreds of broken and odd configurations, one behind the other: the daemon lives, a refused one
changes nothing, and an accepted one is served as it is shown.  SLUICE_SEED=N repeats a run."""

import copy
import json
import os
import random
import socket
import time

from lib import dns, origin, tap
from lib.gateway import Gateway, reserve_port
from lib.wire import Client, get

ROUNDS = 300
SECONDS = 60 # however few rounds that makes: a slow machine does fewer
PROBES = ["/own", "/away/7?a=b", "/up/x"]
HOST = "probe.example"
LOGS = ["access.log", "access.log", "access.log", "other.log", "none/access.log"]
PASSING = ("date", "x-request-id") # other with every answer

# What is mutated.  It names no address and no file to be written: a changed byte must not listen
# on, connect to or write to what is somebody else's.  Those stand in a second file.
SAMPLE = {
    "include": "fixed.json",
    "upstreams": {
        "dead": {"targets": [{"address": "unix:/none/dead.sock", "weight": 3},
                             "unix:/none/gone.sock"],
                 "balance": "least_requests", "max_requests": 10, "max_pending": 5,
                 "retries": {"attempts": 2, "on": ["reset", "connect_failure"], "budget": 20},
                 "outlier_detection": {"consecutive_failures": 3, "statuses": [503]},
                 "timeouts": {"connect": "200ms", "response": "2s"}},
        "hashed": {"targets": ["unix:/none/dead.sock"], "balance": "consistent_hash",
                   "hash_on": "header:x-key", "slow_start": "1s"},
        "sticky": {"targets": ["unix:/none/dead.sock"],
                   "sticky": {"cookie": "who", "secret": "${SLUICE_FUZZ}0123456789abcdef"}}},
    "routes": [
        {"name": "own", "match": {"hosts": [HOST], "path": "/own"},
         "respond": {"status": 201, "headers": {"X-Own": "1"}, "body": "own\n"}},
        {"name": "away", "match": {"hosts": ["*.example"], "path": "/away/{id}"},
         "redirect": {"status": 308, "location": "https://elsewhere.example/"}},
        {"name": "up", "match": {"path_regex": "/up/(?<rest>[a-z]*)", "methods": ["GET", "PUT"]},
         "rewrite": {"path": "/new/{rest}", "host": "upstream"}, "upstream": "origin",
         "request_headers": {"set": {"X-A": "{rest} {client_ip}"}, "remove": ["cookie"]},
         "response_headers": {"add": {"X-B": "{route}"}}},
        {"name": "held", "match": {"path": "/held/*", "headers": {"x-v": {"regex": "[0-9]+"},
                                                                 "x-w": {"present": True}},
                                   "query": {"q": "1"}}, "upstream": "hashed"},
        {"match": {"path": "/strip/*"}, "rewrite": {"strip_prefix": "/strip"},
         "upstream": "sticky"},
        {"match": {"path": "/dead"}, "upstream": "dead"},
        {"name": "secret", "match": {"path": "/secret"},
         "respond": {"body": "${SLUICE_FUZZ}$${x}", "headers": {"X-S": "${SLUICE_FUZZ}"}}}],
    "limits": {"request_line_bytes": "8KiB", "header_count": 100, "body_bytes": "1MiB",
               "body_rate": "100/s"},
    "forwarded": {"x_forwarded": "append", "trusted_proxies": ["192.0.2.0/24", "2001:db8::1"]},
    "paths": {"encoded_slashes": "refuse"}}

ODD = [None, True, False, -1, 0, 1, 2, 65536, 2**31, 2**63 - 1, 1.5, 1e300, "", "0", "x", "/*", "/",
       "/own", "/{id}", "/{a}{b}", "//", "/..", "*", "*.example", HOST, "10s", "-1s", "1h", "5%",
       "64KiB", "GET", "unix:/none/dead.sock", "unix:" + 200 * "x", "unknown.example:80", "[::1",
       "origin", "dead", "own", "(", "(a+)+b", "(?<a>x)", "{client_ip}", "{", "}", "{nothing}",
       "${", "${NONE}", "${SLUICE_FUZZ}", "${file:/none}", "\x00", "\r\nX: y", "\xe9",
       "\U0001f600", 3000 * "a", [], {},
       [[]], [{}], {"": ""}, {"value": "1"}, ["GET", "GET"], 40 * [1]]
TOKENS = [b"{", b"}", b"[", b"]", b'"', b",", b":", b"//", b"/*", b"\\", b"\\u0000", b"\\ud800",
          b"\x00", b"\xff", b"\xc3", b"${", b"${file:/", b"null", b"true", b"-", b"1e999",
          b"9" * 40,
          b"[" * 70, b"\n", b"\xef\xbb\xbf"]


# ---- mutations ----

def containers(value):
    """Every object and array within, itself too."""
    if isinstance(value, (dict, list)):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from containers(item)


def keys_of(container):
    return list(container) if isinstance(container, dict) else list(range(len(container)))


def change_value(document, r):
    """Mostly by one of its own type: more of these are accepted."""
    where = r.choice([c for c in containers(document) if c])
    key = r.choice(keys_of(where))
    alike = [v for v in ODD if isinstance(v, type(where[key]))] if r.random() < 0.7 else ODD
    where[key] = copy.deepcopy(r.choice(alike))


def drop(document, r):
    where = r.choice([c for c in containers(document) if c])
    del where[r.choice(keys_of(where))]


def repeat(document, r):
    """An array's item once more; an object's entry under another name."""
    where = r.choice([c for c in containers(document) if c])
    key = r.choice(keys_of(where))
    if isinstance(where, list):
        where.insert(r.randint(0, len(where)), copy.deepcopy(where[key]))
    else:
        where[r.choice([key + "s", key[:-1], key.upper(), "x", "name", "path"])] = \
            copy.deepcopy(where[key])


def transplant(document, r):
    """A value of one place at another."""
    a, b = (r.choice([c for c in containers(document) if c]) for _ in range(2))
    b[r.choice(keys_of(b))] = copy.deepcopy(a[r.choice(keys_of(a))])


def shuffle(document, r):
    lists = [c for c in containers(document) if isinstance(c, list)]
    if lists:
        r.shuffle(r.choice(lists))


def mutate_document(document, r):
    document = copy.deepcopy(document)
    for _ in range(r.choice([1, 1, 1, 3])):
        r.choice([change_value, drop, repeat, transplant, shuffle])(document, r)
    return document


def mutate_bytes(data, r):
    data = bytearray(data)
    for _ in range(r.choice([1, 1, 2, 5])):
        at, n = r.randrange(len(data) + 1), r.randint(1, 40)
        how = r.randrange(5)
        if how == 0 and at < len(data):
            data[at] ^= 1 << r.randrange(8)
        elif how == 1:
            del data[at:at + n]
        elif how == 2:
            data[at:at] = data[at:at + n]
        elif how == 3:
            data[at:at] = r.choice(TOKENS)
        elif r.random() < 0.2:
            del data[at:]
    return bytes(data)


def make_fixed(r=None):
    """Where to listen, to log and to send to: from a few addresses that are ours.  One of them is
    taken, and one directory is not there: these are found late, when much is already built."""
    fixed = {"gateway": gateway.conf["gateway"],
             "listeners": {"http": f"127.0.0.1:{gateway.port}"},
             "dns": {"servers": [names.address], "timeout": "1s"},
             "logs": {"access": {"path": f"{gateway.directory}/access.log"}},
             "upstreams": {"origin": {"targets": [f"127.0.0.1:{origins[0].port}"],
                                      "idle_connections": 0}}}
    if r:
        fixed["listeners"].update(r.choice([
            {}, {}, {"other": f"127.0.0.1:{other_port}"},
            {"file": f"unix:{gateway.directory}/in.sock"},
            {"taken": f"127.0.0.1:{origins[0].port}"}]))
        fixed["logs"]["access"] = {
            "path": f"{gateway.directory}/{r.choice(LOGS)}",
            "format": r.choice(["json", "json", "combined", "$status $request_id"])}
        fixed["upstreams"]["origin"] = {"targets": [f"127.0.0.1:{r.choice(origins).port}"],
                                        "idle_connections": r.choice([0, 256])}
    return fixed


def put(name, data):
    with open(name + ".new", "wb") as f:
        f.write(data)
    os.rename(name + ".new", name)


def write_round(base, r):
    """The files of one round; the document, where it is one that can be built upon."""
    document = mutate_document(base, r)
    data = json.dumps(document, indent=1, ensure_ascii=r.random() < 0.5).encode()
    is_bytes = r.random() < 0.3
    if is_bytes:
        data = mutate_bytes(data if r.random() < 0.5 else json.dumps(base, indent=1).encode(), r)
    put("fixed.json", json.dumps(make_fixed(r)).encode())
    put("sluice.json", data)
    return data, None if is_bytes else document


# ---- what the daemon is seen to be ----

def ask(line):
    """One command on the control socket, without a process for it."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect("control.sock")
        sock.sendall(line.encode() + b"\n")
        answer = b""
        while data := sock.recv(1 << 20):
            answer += data
    return json.loads(answer)


def probe(path):
    """Status, fields and body of an answer, without what is other every time."""
    with Client(gateway.port) as client:
        response = client.ask(get(path, host=HOST))
    body = response.body
    for value in response.all("x-request-id"):
        body = body.replace(value.encode(), b"ID")
    return response.status, [f for f in response.fields if f[0].lower() not in PASSING], body


def seen():
    return (ask("status")["generation"], ask("config show"), [probe(p) for p in PROBES])


def target_ports(upstream):
    return [t["address"].rpartition(":")[2] for t in upstream["targets"]]


def fault_of_answer(route, config, answer):
    """What is wrong with the answer of a route, as `config show` has it; None: nothing."""
    status, fields, body = answer
    fields = {n.lower(): v for n, v in fields}
    if "respond" in route:
        want = route["respond"]
        is_told = "${" not in want["body"] and status not in (204, 205, 304)
        is_right = status == want["status"] and (not is_told or body == want["body"].encode())
        return None if is_right else f"{answer} is not {want}"
    if "redirect" in route:
        want = route["redirect"]
        is_told = "{" not in want["location"]
        is_right = status == want["status"] and (not is_told or
                                                 fields.get("location") == want["location"])
        return None if is_right else f"{answer} is not {want}"
    if status == 500 and "{" in json.dumps(route.get("rewrite", "")):
        return None # what was made of it is no path
    if route["upstream"] == "origin":
        ports = target_ports(config["upstreams"]["origin"])
        return None if status == 200 and body.decode() in ports else f"{answer} is not from {ports}"
    return None if status in (502, 503, 504) else f"{answer} is from a socket that is not there"


def fault_of_probe(path, config):
    match = ask(f"route match GET http://{HOST}{path}")
    answer = probe(path)
    if match["result"] == "found":
        return fault_of_answer(config["routes"][match["takes"]["index"]], config, answer)
    return None if answer[0] == match["status"] else f"{path}: {answer} is not {match}"


def fault_of_accepted(reloaded, before):
    if reloaded["generation"] != before[0] + 1:
        return f"generation {reloaded['generation']} comes after {before[0]}"
    shown = ask("config show")["config"]
    of_file = gateway.ctl("-j", "config", "show", "sluice.json")
    if of_file.returncode != 0 or json.loads(of_file.stdout) != shown:
        return f"the file is shown otherwise: {of_file.stdout[:200]} {of_file.stderr[:200]}"
    if ask("config diff").get("changes") != []:
        return f"and yet a reload would change {ask('config diff')}"
    faults = [f for f in (fault_of_probe(p, shown) for p in PROBES) if f]
    return faults[0] if faults else None


def fault_of_refused(reloaded, before):
    if not reloaded.get("faults") and not reloaded.get("reason"):
        return f"refused without a word: {reloaded}"
    after = seen()
    return None if after == before else f"{before}\nbecame\n{after}"


# ---- the rounds ----

def play(r):
    """Rounds until one is wrong or time is over; how many were accepted and refused."""
    base, accepted, refused = SAMPLE, 0, 0
    deadline = time.monotonic() + SECONDS
    while accepted + refused < ROUNDS and time.monotonic() < deadline:
        before = seen()
        data, document = write_round(base, r)
        reloaded = ask("config reload")
        if reloaded.get("reloaded"):
            fault, accepted = fault_of_accepted(reloaded, before), accepted + 1
        else:
            fault, refused = fault_of_refused(reloaded, before), refused + 1
        if fault:
            tap.diag(f"round {accepted + refused}: {reloaded}\n{data!r}")
            tap.ok(False, "each round leaves what it should", fault)
            break
        # Oddities gather, but not until nothing is left that could go wrong.
        if reloaded.get("reloaded") and document:
            base = SAMPLE if r.random() < 0.2 else document
    return accepted, refused


def read_link(path):
    try:
        return os.readlink(path).partition(":[")[0]
    except OSError:
        return "closed meanwhile"


def open_files(enough=None):
    """What the daemon has open when nobody is connected any more, and no configuration of before
    is waited for: no more than so many, if that can be."""
    deadline = time.monotonic() + 20
    directory = f"/proc/{gateway.process.pid}/fd"
    while True:
        is_quiet = ask("connection show")["open"] == 0
        files = sorted(read_link(f"{directory}/{n}") for n in os.listdir(directory))
        if (is_quiet and (not enough or len(files) <= len(enough))) or time.monotonic() > deadline:
            return files
        time.sleep(0.05)


def take_sample():
    put("fixed.json", json.dumps(make_fixed()).encode())
    put("sluice.json", json.dumps(SAMPLE).encode())
    return ask("config reload")


def rounds():
    reloaded = take_sample()
    tap.ok(reloaded.get("reloaded"), "the sample is taken", reloaded)
    before = open_files()
    accepted, refused = play(random.Random(seed))
    tap.ok(gateway.is_alive(), f"the daemon lives after {accepted + refused} configurations",
           gateway.complaint())
    tap.ok(accepted > 0 and refused > 0, f"{accepted} were accepted, {refused} were not")
    reloaded = take_sample()
    tap.ok(reloaded.get("reloaded"), "the sample is still taken", reloaded)
    after = open_files(before)
    tap.ok(len(after) <= len(before), "and no descriptor is left over",
           f"{before} before\n{after} now")


def serve(conn):
    while conn.request() is not None:
        conn.send(origin.answer(str(conn.sock.getsockname()[1]).encode()))


tap.start(150)
seed = int(os.environ.get("SLUICE_SEED") or random.SystemRandom().randrange(1 << 32))
tap.diag(f"SLUICE_SEED={seed}")
os.environ["SLUICE_FUZZ"] = "substituted"
names = dns.Server()
origins = [origin.Origin(serve), origin.Origin(serve)]
keep, other_port = reserve_port()
home = os.getcwd()
gateway = Gateway(origins[0].port)
os.chdir(gateway.directory)
tap.facts(rounds)
os.chdir(home)
gateway.end()
keep.close()
tap.done()
