#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""UDP servers for the lab's backends, and the clients that ask them.

  servers.py serve NAME ADDRESS...         answers on these addresses, until it is killed
  servers.py dns VIP COUNT [reversed]      asks COUNT questions of 8 KB; says how many were answered
                                           whole, and by whom. reversed: fragments leave last to first
  servers.py quic VIP COUNT                COUNT packets on one connection, from a new port every 50;
                                           says how many came back, and from how many servers

A question is a DNS query for a TXT record with EDNS(0) padding (RFC 7830) of 8,000 bytes; the answer
holds the padding's digest and 8,000 bytes more. QUIC packets look like those of RFC 9000 on the
outside: the server gives out a connection ID with its ID in it, as draft-ietf-quic-load-balancers
has it (the last two bytes of its address), and an answer says who it is from. The clients exit with 1
when anything is missing.
"""

import hashlib
import os
import random
import select
import socket
import struct
import sys
import time
from collections import Counter

DNS, QUIC = 5300, 443
PADDING = 8000
# As the agent's default: the last bytes of the backend's own address, given first.


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def packed(address):
    return socket.inet_pton(family(address), address)


def question(number):
    body = os.urandom(PADDING)
    edns = b"\0" + struct.pack("!HHIHHH", 41, 65000, 0, 4 + len(body), 12, len(body)) + body
    query = struct.pack("!HHHHHH", number & 0xFFFF, 0x0100, 1, 0, 0, 1) + b"\5large\3lab\0" + struct.pack(
        "!HH", 16, 1)
    return query + edns, body


QUESTION = 12 + len(b"\5large\3lab\0") + 4


def strings(text):
    return b"".join(bytes([len(part)]) + part for part in (text[i:i + 255] for i in range(0, len(text), 255)))


def answer_dns(name, data):
    digest = hashlib.sha256(data[-PADDING:]).hexdigest().encode()
    text = strings((name.encode() + b" " + digest + b" ").ljust(PADDING, b"."))
    head = data[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + data[12:QUESTION]
    return head + b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 0, len(text)) + text


def answer_quic(name, server_id, data):
    if data[0] & 0x80:  # Initial: here is a connection ID to go on with
        cid = bytes([random.randrange(32)]) + server_id + os.urandom(5)
        source = data[6 + data[5]:]
        client = source[1:1 + source[0]]
        return (bytes([0xC0]) + data[1:5] + bytes([len(client)]) + client + bytes([len(cid)]) + cid +
                name.encode().ljust(24))
    return bytes([0x40]) + data[9:13] + name.encode().ljust(24)


def serve(name, *addresses):
    sockets = {}
    for address in addresses:
        for port in (DNS, QUIC):
            sock = socket.socket(family(address), socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            sock.bind((address, port))
            sockets[sock] = packed(addresses[0] if family(address) == socket.AF_INET else addresses[1])[-2:]
    print("ready", flush=True)
    while True:
        for sock in select.select(list(sockets), [], [])[0]:
            data, client = sock.recvfrom(65536)
            if sock.getsockname()[1] == DNS:
                sock.sendto(answer_dns(name, data), client)
            else:
                sock.sendto(answer_quic(name, sockets[sock], data), client)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def send_reversed(source, vip, port, payload, number):
    """The datagram in fragments of 1,400 bytes, the last one first."""
    length = 8 + len(payload)
    pseudo = packed(source) + packed(vip)
    if family(vip) == socket.AF_INET6:
        pseudo += struct.pack("!II", length, 17)
    else:
        pseudo += struct.pack("!BBH", 0, 17, length)
    head = struct.pack("!HHHH", port, DNS, length, 0)
    datagram = head[:6] + struct.pack("!H", checksum(pseudo + head + payload) or 0xFFFF) + payload
    pieces = [(at, datagram[at:at + 1400]) for at in range(0, length, 1400)]
    for at, piece in reversed(pieces):
        more = at + len(piece) < length
        if family(vip) == socket.AF_INET6:
            with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
                fragment = struct.pack("!BBHI", 17, 0, at | more, number) + piece
                sock.sendto(struct.pack("!IHBB", 6 << 28, len(fragment), 44, 64) + packed(source) +
                            packed(vip) + fragment, (vip, 0))
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
                sock.sendto(struct.pack("!BBHHHBBH", 0x45, 0, 0, number & 0xFFFF, at // 8 | more << 13, 64,
                                        17, 0) + packed(source) + packed(vip) + piece, (vip, 0))


def told(what, count, lost, servers, start):
    print("%s: %d of %d answered in %.1f s, by %s" % (
        what, count - lost, count, time.monotonic() - start,
        " ".join("%s:%d" % pair for pair in sorted(servers.items())) or "nobody"))


def dns(vip, count, order="straight"):
    servers, lost, start = Counter(), 0, time.monotonic()
    first_id = random.getrandbits(16)
    with socket.socket(family(vip), socket.SOCK_DGRAM) as probe:
        probe.connect((vip, DNS))
        source = probe.getsockname()[0]
    for number in range(1, int(count) + 1):
        with socket.socket(family(vip), socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            sock.bind((source, 0))
            sock.connect((vip, DNS))
            query, body = question(number)
            if order == "reversed":
                # 0 would leave the choice to the kernel
                send_reversed(source, vip, sock.getsockname()[1], query, (first_id + number) % 0xFFFF + 1)
            else:
                sock.send(query)
            sock.settimeout(3)
            try:
                data = sock.recv(65536)
            except TimeoutError:
                lost += 1
                continue
        text = data[QUESTION + 12:]
        name, digest = text[1:].split(b" ")[:2]
        if len(data) < PADDING or digest.decode() != hashlib.sha256(body).hexdigest():
            lost += 1
        else:
            servers[name.decode()] += 1
        if order == "reversed":
            time.sleep(0.02)  # a tenant may have so many fragments held, and no more
    told("%s of 8 KB" % order, int(count), lost, servers, start)
    return lost == 0


def quic_socket(vip):
    sock = socket.socket(family(vip), socket.SOCK_DGRAM)
    sock.connect((vip, QUIC))
    sock.settimeout(3)
    return sock


def quic(vip, count):
    servers, lost, start = Counter(), 0, time.monotonic()
    sock = quic_socket(vip)
    client = os.urandom(8)
    sock.send(bytes([0xC0]) + struct.pack("!IB", 1, 8) + os.urandom(8) + bytes([8]) + client +
              b"\0" * 1170)
    data = sock.recv(2048)
    cid = data[6 + data[5]:]
    cid = cid[1:1 + cid[0]]
    for number in range(int(count)):
        if number % 50 == 49:
            sock.close()
            sock = quic_socket(vip)
        want = struct.pack("!I", number)
        sock.send(bytes([0x40]) + cid + want + b"\0" * 20)
        try:
            data = sock.recv(2048)
        except TimeoutError:
            lost += 1
            continue
        if data[1:5] == want:
            servers[data[5:].strip().decode()] += 1
        else:
            lost += 1
        time.sleep(0.005)
    sock.close()
    told("one connection", int(count), lost, servers, start)
    return lost == 0 and len(servers) == 1


VERBS = {"serve": serve, "dns": dns, "quic": quic}

if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in VERBS:
        sys.exit(__doc__)
    sys.exit(0 if VERBS[sys.argv[1]](*sys.argv[2:]) else 1)
