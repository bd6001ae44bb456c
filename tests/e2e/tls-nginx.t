#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""TLS to origins that we did not write: nginx, and OpenSSL's s_server."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import time

from lib import tap
from lib.certs import Authority
from lib.gateway import Gateway, reserve_port
from lib.tls import TlsClient, context, wait_for
from lib.wire import Client, get

BIG = random.Random(11).randbytes(5_000_001)
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
FACTS = ('{"server":"a","name":"$ssl_server_name","reused":"$ssl_session_reused",'
         '"protocol":"$ssl_protocol","client":"$ssl_client_s_dn",'
         '"verified":"$ssl_client_verify","connection":"$connection"}')
CONF = """
worker_processes 1;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
{user}
events {{ }}
http {{
	access_log off;
	client_max_body_size 100m;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	ssl_client_certificate {ca};
	ssl_verify_client optional;
	ssl_protocols TLSv1.2 TLSv1.3;
	ssl_session_cache shared:SSL:1m;
	keepalive_requests 100000;
	server {{
		listen 127.0.0.1:{port} ssl reuseport;
		server_name a.example;
		ssl_certificate {a[certificate]};
		ssl_certificate_key {a[key]};
		location /facts {{
			default_type application/json;
			return 200 '{facts}';
		}}
		location / {{ root {dir}/files; }}
		location /put {{ proxy_pass http://127.0.0.1:{plain}; }}
	}}
	server {{
		listen 127.0.0.1:{port} ssl;
		server_name b.example;
		ssl_verify_client on;
		ssl_certificate {b[certificate]};
		ssl_certificate_key {b[key]};
		location / {{ return 200 '{{"server":"b","client":"$ssl_client_s_dn"}}'; }}
	}}
	server {{
		listen 127.0.0.1:{plain} reuseport;
		location / {{ return 200 "$content_length"; }}
	}}
}}
"""

tap.start(180)
directory = tempfile.mkdtemp(prefix="sluice-tls-")
tap.at_end(lambda: shutil.rmtree(directory, ignore_errors=True))
os.chmod(directory, 0o755)
authority = Authority(directory)
ours = authority.make("gateway", "gateway.example")


class Nginx:
    def __init__(self):
        self.keep, self.port = reserve_port()
        self.keep_plain, self.plain = reserve_port()
        os.makedirs(os.path.join(directory, "files"), exist_ok=True)
        with open(os.path.join(directory, "files", "big"), "wb") as f:
            f.write(BIG)
        path = os.path.join(directory, "nginx.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(CONF.format(dir=directory, ca=authority.file, port=self.port,
                                plain=self.plain, facts=FACTS,
                                a=authority.make("a", "a.example"),
                                b=authority.make("b", "b.example"),
                                user="user root;" if os.geteuid() == 0 else ""))
        self.process = subprocess.Popen(
            [NGINX, "-e", os.path.join(directory, "error.log"), "-p", directory, "-c", path],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tap.at_end(self.end)
        wait_for(lambda: os.path.exists(os.path.join(directory, "nginx.pid")))
        time.sleep(0.2)

    def end(self):
        self.process.terminate()
        self.process.wait(10)


def make(port, name, **how):
    tls = {"ca": authority.file, "server_name": name, **how.pop("tls", {})}
    return Gateway(1, {"upstreams": {"origin": {"targets": [f"127.0.0.1:{port}"], "tls": tls,
                                                "down_for": 0, **how}}})


def facts(g):
    """nginx wants the Host that TLS asked for, where certificates are looked at."""
    with Client(g.port) as c:
        return json.loads(c.ask(get("/facts", host="a.example")).body)


def put(body):
    return get("/put", "a.example", "POST", f"Content-Length: {len(body)}\r\n") + body


def by_nginx():
    n = Nginx()
    g = make(n.port, "a.example", tls=ours)
    first = facts(g)
    tap.same((first["server"], first["name"], first["protocol"]), ("a", "a.example", "TLSv1.3"),
             "nginx: the server that is asked for answers")
    tap.same((first["client"], first["verified"]), ("CN=gateway", "SUCCESS"),
             "nginx: our certificate is verified")
    tap.same({facts(g)["connection"] for i in range(5)}, {first["connection"]},
             "nginx: the connection is kept")
    with Client(g.port) as c:
        tap.ok(c.ask(get("/big", host="a.example")).body == BIG, "nginx: a large body down")
        tap.same(c.ask(put(BIG)).body, str(len(BIG)).encode(), "nginx: a large body up")
        r = c.ask(get("/big", host="a.example", fields="Range: bytes=100-70099\r\n"))
        tap.same((r.status, hashlib.sha256(r.body).hexdigest()),
                 (206, hashlib.sha256(BIG[100:70100]).hexdigest()), "nginx: a part of it")
    g.end()
    for profile in ("modern", "intermediate"):
        g = make(n.port, "a.example", idle_connections=0, tls={"profile": profile})
        seen = [facts(g) for i in range(4)]
        tap.same([s["reused"] for s in seen], [".", "r", "r", "r"],
                 f"nginx, {profile}: sessions are gone on with")
        tap.same({s["protocol"] for s in seen}, {"TLSv1.3"}, f"nginx, {profile}: TLS 1.3")
        g.end()
    g = make(n.port, "b.example", tls=ours)
    with Client(g.port) as c:
        tap.same(json.loads(c.ask(get("/", host="b.example")).body),
                 {"server": "b", "client": "CN=gateway"}, "nginx: another server at the same address")
    g.end()
    g = make(n.port, "b.example")
    with Client(g.port) as c:
        tap.same(c.ask(get("/", host="b.example")).status, 400, "nginx: which wants a certificate")
    g.end()
    g = make(n.port, "c.example")
    with Client(g.port) as c:
        tap.same(c.ask(get("/", host="b.example")).status, 502,
                 "nginx: a server that it does not have")
    g.end()
    g = make(n.plain, "a.example")
    with Client(g.port) as c:
        tap.same(c.ask(get("/")).status, 502, "nginx: a port that is a plain one")
    tap.ok(wait_for(lambda: '"tls_garbage"' in g.access_log()), "which is told", g.access_log())
    g.end()
    n.end()


def both_ways():
    """TLS on both sides of the gateway: what one has sealed is opened, and sealed for the other."""
    n = Nginx()
    front = authority.make("front", "a.example")
    tls = {"ca": authority.file, "server_name": "a.example"}
    g = Gateway(1, {"upstreams": {"origin": {"targets": [f"127.0.0.1:{n.port}"], "tls": tls}},
                    "listener": {"tls": {"certificates": [front]}}})
    with TlsClient(g.port, context(authority.file)) as c:
        tap.ok(c.ask(get("/big", host="a.example")).body == BIG, "TLS on both sides, down")
        tap.same(c.ask(put(BIG)).body, str(len(BIG)).encode(), "TLS on both sides, up")
        tap.ok(c.ask(get("/big", host="a.example")).body == BIG, "and again")
    g.end()
    n.end()


class Server:
    """s_server, whose standard input is what it says; a line "R" asks to negotiate anew."""

    def __init__(self, *words):
        keep, self.port = reserve_port()
        keep.close()
        pair = authority.make(f"server{self.port}", "a.example")
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert",
             pair["certificate"], "-key", pair["key"], *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.said = b""
        tap.at_end(self.end)
        self.hears(b"ACCEPT")

    def hears(self, what, seconds=15):
        def more():
            self.said += self.process.stdout.read() or b""
            return what in self.said
        return wait_for(more, seconds)

    def say(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


def by_s_server():
    s = Server("-tls1_2", "-www")
    g = make(s.port, "a.example")
    with Client(g.port) as c:
        r = c.ask(get("/"))
        tap.ok(r.status == 200 and b"TLSv1.2" in r.body, "s_server, TLS 1.2", r)
    g.end()
    s.end()
    s = Server("-tls1_2", "-Verify", "3", "-CAfile", authority.file, "-verify_return_error",
               "-www")
    g = make(s.port, "a.example")
    with Client(g.port) as c:
        tap.same(c.ask(get("/")).status, 502, "s_server: one that wants a certificate")
    g.end()
    g = make(s.port, "a.example", tls=ours)
    with Client(g.port) as c:
        r = c.ask(get("/"))
        tap.ok(r.status == 200, "s_server: which is shown", r)
    g.end()
    s.end()


def renegotiation():
    s = Server("-tls1_2")
    g = make(s.port, "a.example", timeouts={"response": "3s"})
    with Client(g.port) as c:
        c.send(get("/"))
        tap.ok(s.hears(b"GET / HTTP/1.1"), "s_server: a request", s.said)
        s.say(b"R\n")
        time.sleep(0.5)
        s.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        r = c.response()
        s.hears(b"nothing that it says", 1)
        tap.ok(r.status in (200, 502, 504) and s.said.count(b"CIPHER is") == 1,
               "s_server: nothing is negotiated anew", (r, s.said[-1500:]))
    g.end()
    s.end()


if not NGINX:
    tap.skip("nginx as an origin", "there is no nginx")
tap.facts(*([by_nginx, both_ways] if NGINX else []), by_s_server, renegotiation)
tap.done()
