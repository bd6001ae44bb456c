# SPDX-License-Identifier: Apache-2.0
"""Both ends of what xdp.t sends through a gate: xdppeer.py VERB ...

  serve FILE           TCP and UDP on port 8080 of every address; the file gets the number of
                       datagrams that came, each time one does
  tcp|udp ADDRESS [N]  connects, or sends N bytes and waits for them to come back: prints "served",
                       "refused" or "silent"
  tagged DEV FROM N    a frame with N VLAN tags and this source
  flood ADDRESS        datagrams until it is killed
  spread ADDRESS N S   N datagrams, evenly over S seconds
"""
import select
import socket
import sys
import time

PORT = 8080
SO_RCVBUFFORCE = 33  # python does not name it


def serve(path):
    tcp = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    udp.bind(("::", PORT))
    came, written = 0, None
    while True:
        if came != written:
            with open(path, "w", encoding="ascii") as f:
                f.write(f"{came}\n")
            written = came
        for ready in select.select([tcp, udp], [], [])[0]:
            if ready is tcp:
                tcp.accept()[0].close()
                continue
            for _ in range(1000):
                try:
                    data, peer = udp.recvfrom(65536, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    break
                came += 1
                if data != b"flood":
                    udp.sendto(data, peer)


def connect(address):
    # Until it ends: whoever got a cookie is let in by the ACK that brings it back.
    with socket.create_connection((address, PORT), timeout=1) as s:
        s.recv(1)


def exchange(address, size):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(1)
    # What ICMP answers is told to a connected socket only.
    s.connect((address, PORT))
    s.send(b"x" * size)
    s.recv(65536)


def tell(function, *arguments):
    try:
        function(*arguments)
        print("served")
    except TimeoutError:
        print("silent")
    except OSError:  # reset, unreachable, prohibited: somebody has answered
        print("refused")


def tagged(device, source, tags):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((device, 0))
    ip = bytes.fromhex("4500001c000100004011000000000000") + b"\x0a\x63\x00\x01"
    ip = ip[:12] + socket.inet_aton(source) + ip[16:]
    udp = bytes.fromhex("303930390008") + b"\0\0"
    s.send(b"\xff" * 6 + b"\x02" + b"\0" * 5 + b"\x81\0\0\7" * tags + b"\x08\0" + ip + udp + b"\0" * 18)


def spread(address, nr, seconds):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((address, PORT))
    start = time.monotonic()
    for i in range(nr):
        while time.monotonic() - start < seconds * i / nr:
            pass
        s.send(b"flood")
    print(f"{time.monotonic() - start:.3f}")


def flood(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((address, PORT))
    while True:
        s.send(b"flood")


verb, *rest = sys.argv[1:]
if verb == "serve":
    serve(rest[0])
elif verb == "tcp":
    tell(connect, rest[0])
elif verb == "udp":
    tell(exchange, rest[0], int(rest[1]))
elif verb == "tagged":
    tagged(rest[0], rest[1], int(rest[2]))
elif verb == "flood":
    flood(rest[0])
else:
    spread(rest[0], int(rest[1]), float(rest[2]))
