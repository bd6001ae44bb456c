# SPDX-License-Identifier: Apache-2.0
"""The programs under test and the origin behind them: how each is set up, started and stopped."""

import hashlib
import http.client
import json
import os
import shutil
import subprocess
import time

from . import proc

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONF = os.path.join(HERE, "conf")
ORIGIN_PORT, SECURE_PORT = 18490, 18491  # apart from the demo's ports, which may be running
PORTS = {"sluice": 18480, "nginx": 18481, "haproxy": 18482}
TLS_PORT_STEP = 20
FRESH_PORT_STEP = 100  # a fresh instance runs beside the one that lives for the whole run
CONNECTIONS = 12000
SIZES = {"/s": 200, "/1k": 1 << 10, "/100k": 100 << 10, "/1m": 1 << 20, "/static": 6, "/secure": 200,
         "/keyed": 200, "/rs256": 200, "/es256": 200}
KEYS = 1000
TOKENS = 6000  # more than a worker of ours keeps


class BenchError(Exception):
    """Something did not run, so there is no figure."""


def routes_text(name, nr):
    """So many more routes, each for the paths below one of its own, in the words of a gateway."""
    line = {"sluice": '{{ "match": {{ "path": "/r/{0}/*" }}, "rewrite": {{ "path": "/s" }}, '
                      '"upstream": "origin" }},',
            "nginx": "location /r/{0}/ {{ proxy_pass http://origin/s?; }}",
            "haproxy": "/r/{0}/ routed"}[name]
    return "\n".join(line.format(i) for i in range(nr))


def key(number):
    return f"bench-key-{number:04}"


def keys_text(name):
    """Consumers with a key each, in the words of a gateway."""
    if name == "sluice":
        return json.dumps({f"consumer-{i}": {"api_keys": [
            {"sha256": hashlib.sha256(key(i).encode()).hexdigest()}]} for i in range(KEYS)})
    line = {"nginx": '"{0}" consumer-{1};', "haproxy": "{0} consumer-{1}"}[name]
    return "\n".join(line.format(key(i), i) for i in range(KEYS))


def get(port, path, bearer=None):
    """Status and body length of one request."""
    fields = {"X-Api-Key": key(0)}
    if bearer:
        fields["Authorization"] = "Bearer " + bearer
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        conn.request("GET", path, headers=fields)
        answer = conn.getresponse()
        return answer.status, len(answer.read())
    finally:
        conn.close()


def certificate(root):
    """ECDSA P-256, which is what is issued today; with its key, as haproxy wants it."""
    path = os.path.join(root, "tls.pem")
    if not os.path.exists(path):
        done = subprocess.run(
            [find("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=bench", "-days", "30",
             "-addext", "subjectAltName=DNS:bench",
             "-keyout", path + ".key", "-out", path + ".crt"], capture_output=True, text=True,
            timeout=20, check=False)
        if done.returncode:
            raise BenchError(f"openssl: {done.stderr.strip()[-500:]}")
        with open(path, "w", encoding="ascii") as out:
            for part in (path + ".crt", path + ".key"):
                with open(part, encoding="ascii") as f:
                    out.write(f.read())
    return path


def tokens(root, build):
    """The directory of keys and tokens, made when it is first asked for."""
    directory = os.path.join(root, "tokens")
    if not os.path.isdir(directory):
        os.mkdir(directory)
        done = subprocess.run([os.path.join(build, "bench", "tokens"), directory, str(TOKENS)],
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise BenchError(done.stderr.strip())
    return directory


def find(program):
    """Debian keeps daemons in sbin, which is not on every user's path."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise BenchError(f"{program} is not installed")
    return path


def fill_in(template, directory, values):
    """Its path, with @NAMES@ replaced."""
    with open(os.path.join(CONF, template), encoding="utf-8") as f:
        text = f.read()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    conf = os.path.join(directory, template)
    with open(conf, "w", encoding="utf-8") as f:
        f.write(text)
    return conf


def claim(port):
    if proc.listeners(port):
        raise BenchError(f"port {port} is taken")


class Process:
    """One program, pinned to some cores, its output in files of its own directory."""

    def __init__(self, name, directory, argv, cores):
        self.name, self.directory = name, directory
        cpus = ",".join(str(c) for c in sorted(cores))
        with open(os.path.join(directory, "stdout"), "ab") as out, \
             open(os.path.join(directory, "stderr"), "ab") as err:
            self.popen = subprocess.Popen([find("taskset"), "-c", cpus] + argv,
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.pid = self.popen.pid

    def complaint(self):
        with open(os.path.join(self.directory, "stderr"), encoding="utf-8", errors="replace") as f:
            return f.read()[-2000:].strip()

    def serve(self, port, path):
        """Waits until path is served; whatever ends the waiting early ends the process too."""
        try:
            self.wait_until_serving(port, path)
        except BaseException:
            self.stop()
            raise

    def wait_until_serving(self, port, path):
        last = "no answer"
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if self.popen.poll() is not None:
                raise BenchError(f"{self.name} ended with {self.popen.returncode}: "
                                 f"{self.complaint()}")
            try:
                last = get(port, path)
                if last == (200, SIZES[path]):
                    return
            except (OSError, http.client.HTTPException) as e:
                last = e
            time.sleep(0.05)
        raise BenchError(f"{self.name} does not serve {path}: {last} {self.complaint()}")

    def stop(self):
        if self.popen.poll() is not None:
            return
        self.popen.terminate()
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class Gateway(Process):
    """A reverse proxy in front of the origin."""

    def __init__(self, name, build, root, cores, workers=1, fresh=False, routes=0):
        self.port = PORTS[name] + (FRESH_PORT_STEP if fresh else 0)
        self.tls_port = self.port + TLS_PORT_STEP
        directory = os.path.join(root, f"{name}-{self.port}")
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o755)
        values = {"WORKERS": workers, "DIR": directory, "PORT": self.port, "ORIGIN": ORIGIN_PORT,
                  "SECURE": SECURE_PORT,
                  "TLS_PORT": self.tls_port, "CERTIFICATE": certificate(root),
                  "TOKENS": tokens(root, build), "CONNECTIONS": CONNECTIONS, "NOFILE": 2 * CONNECTIONS - 4000,
                  "ROUTES": routes_text(name, routes), "KEYS": keys_text(name),
                  "REUSEPORT": "reuseport" if workers > 1 else "",
                  "USER": "user www-data;" if os.geteuid() == 0 else ""}
        claim(self.port)
        claim(self.tls_port)
        super().__init__(name, directory, self.command(name, build, directory, values), cores)
        self.serve(self.port, "/s")

    @staticmethod
    def command(name, build, directory, values):
        template = {"sluice": "sluice.json", "nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[name]
        conf = fill_in(template, directory, values)
        if name == "haproxy":
            with open(os.path.join(directory, "routes.map"), "w", encoding="utf-8") as f:
                f.write(values["ROUTES"] + "\n")
            with open(os.path.join(directory, "keys.map"), "w", encoding="utf-8") as f:
                f.write(values["KEYS"] + "\n")
        if name == "sluice":
            return [os.path.join(build, "sluiced"), "-c", conf]
        if name == "nginx":
            return [find("nginx"), "-p", directory, "-e", f"{directory}/error.log", "-c", conf]
        return [find("haproxy"), "-db", "-f", conf]

    def access_log(self):
        """haproxy has no file log, so its log goes to standard output, which is a file here."""
        return os.path.join(self.directory, "stdout" if self.name == "haproxy" else "access.log")

    def empty_log(self):
        """Several hundred megabytes a minute would fill the disk."""
        try:
            logged = os.path.getsize(self.access_log())
            os.truncate(self.access_log(), 0)
        except OSError:
            return 0
        return logged


class Origin(Process):
    """The static origin that all gateways share."""

    def __init__(self, build, root, cores):
        claim(ORIGIN_PORT)
        directory = os.path.join(root, "origin")
        os.makedirs(directory, exist_ok=True)
        super().__init__("origin", directory,
                         [os.path.join(build, "bench", "origin"), "-p", str(ORIGIN_PORT)], cores)
        self.serve(ORIGIN_PORT, "/s")


class SecureOrigin(Process):
    """An origin that speaks TLS: nginx, which answers each request by itself."""

    def __init__(self, root, cores):
        claim(SECURE_PORT)
        directory = os.path.join(root, "secure")
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o755)
        values = {"DIR": directory, "PORT": SECURE_PORT, "CERTIFICATE": certificate(root),
                  "BODY": "x" * SIZES["/secure"],
                  "USER": "user www-data;" if os.geteuid() == 0 else ""}
        conf = fill_in("origin.conf", directory, values)
        super().__init__("secure", directory,
                         [find("nginx"), "-p", directory, "-e", f"{directory}/error.log", "-c",
                          conf], cores)


def version(name, build):
    argv = {"sluice": [os.path.join(build, "sluiced"), "-V"], "nginx": [find("nginx"), "-v"],
            "haproxy": [find("haproxy"), "-v"]}[name]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if lines and done.returncode == 0 else "unknown"
