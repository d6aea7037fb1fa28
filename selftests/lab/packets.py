#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packets that no ordinary client sends, for the lab's scenarios.

  packets.py ping ADDRESS [SIZE [COUNT]]      echo requests; exit 0 when all were answered
  packets.py encap INTERFACE MAC OUTER_SOURCE OUTER_DESTINATION INNER_SOURCE PORT VIP
                                              one DNS question for whoami.lab inside a tunnel
  packets.py answer ADDRESS PORT              waits for that question's answer, prints who gave it
  packets.py listen udp|igmp GROUP            joins, prints "ready", waits for one packet, prints it
  packets.py send udp|igmp GROUP              sends it
  packets.py flood NETWORK VIP PORT RATE STOP so many SYNs a second, from 254 addresses that begin
                                              with NETWORK (203.0.113. or 2001:db8:f::), until the
                                              file STOP is there

Needs root. Run it inside a namespace of the lab.
"""

import os
import random
import select
import socket
import struct
import sys
import time

TIMEOUT = 3


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def packed(address):
    return socket.inet_pton(family(address), address)


def ping_once(address, size, number):
    v6 = family(address) == socket.AF_INET6
    protocol = socket.getprotobyname("ipv6-icmp") if v6 else socket.IPPROTO_ICMP
    ident = os.getpid() & 0xFFFF
    body = random.randbytes(size)
    head = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, ident, number)
    if not v6:
        head = struct.pack("!BBHHH", 8, 0, checksum(head + body), ident, number)
    want = struct.pack("!HH", ident, number) + body
    with socket.socket(family(address), socket.SOCK_RAW, protocol) as sock:
        sock.sendto(head + body, (address, 0))
        end = time.monotonic() + TIMEOUT
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([sock], [], [], left)[0]:
                return False
            data = sock.recv(65536)
            if not v6:
                data = data[(data[0] & 15) * 4:]
            if data[0] == (129 if v6 else 0) and data[4:] == want:
                return True


def ping(address, size=56, count=1):
    return all(ping_once(address, int(size), number) for number in range(int(count)))


def udp_datagram(source, destination, source_port, port, payload):
    length = 8 + len(payload)
    pseudo = packed(source) + packed(destination) + struct.pack("!II", length, socket.IPPROTO_UDP)
    head = struct.pack("!HHHH", source_port, port, length, 0)
    csum = checksum(pseudo + head + payload) or 0xFFFF
    return struct.pack("!HHHH", source_port, port, length, csum) + payload


def ip_packet(source, destination, protocol, payload):
    if family(source) == socket.AF_INET6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + packed(source) + packed(
            destination) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    head += packed(source) + packed(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


QUESTION = struct.pack("!HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + b"\6whoami\3lab\0" + struct.pack(
    "!HH", 16, 1)


def encap(interface, mac, outer_source, outer_destination, inner_source, port, vip):
    udp = udp_datagram(inner_source, vip, int(port), 53, QUESTION)
    inner = ip_packet(inner_source, vip, socket.IPPROTO_UDP, udp)
    carried = 41 if family(vip) == socket.AF_INET6 else 4
    outer = ip_packet(outer_source, outer_destination, carried, inner)
    ethertype = 0x86DD if family(outer_source) == socket.AF_INET6 else 0x0800
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((interface, 0))
        source = sock.getsockname()[4]
        sock.send(bytes.fromhex(mac.replace(":", "")) + source + struct.pack("!H", ethertype) + outer)
    return True


def answer(address, port):
    with socket.socket(family(address), socket.SOCK_DGRAM) as sock:
        sock.bind((address, int(port)))
        sock.settimeout(5 * TIMEOUT)  # it comes, or something is broken
        print("ready", flush=True)
        try:
            data, source = sock.recvfrom(2048)
        except TimeoutError:
            print("timeout")
            return False
    # The TXT string is the answer's last field: a length byte, then the text.
    text = data[len(QUESTION) + 12:]
    print(source[0], text[1:1 + text[0]].decode())
    return True


IGMP_QUERY = struct.pack("!BBH4s", 0x11, 100, checksum(struct.pack("!BBHI", 0x11, 100, 0, 0)),
                         b"\0\0\0\0")


def join(sock, group):
    if family(group) == socket.AF_INET6:
        index = socket.if_nametoindex("eth0")
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                        packed(group) + struct.pack("=I", index))
    else:
        member = struct.pack("=4s4si", packed(group), b"\0\0\0\0", socket.if_nametoindex("eth0"))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)


def listen(kind, group):
    if kind == "igmp":
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    else:
        sock = socket.socket(family(group), socket.SOCK_DGRAM)
        sock.bind(("", 5353))
    with sock:
        join(sock, group)
        sock.settimeout(2 * TIMEOUT)
        print("ready", flush=True)
        try:
            # A raw socket also hears this host's own reports: only the query counts.
            while True:
                data = sock.recv(2048)
                if kind == "igmp":
                    data = data[(data[0] & 15) * 4:]
                    if data != IGMP_QUERY:
                        continue
                print(data.hex())
                return True
        except TimeoutError:
            print("timeout")
            return False


def send(kind, group):
    if kind == "igmp":
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    else:
        sock = socket.socket(family(group), socket.SOCK_DGRAM)
    with sock:
        index = socket.if_nametoindex("eth0")
        if family(group) == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                            struct.pack("=4s4si", b"\0" * 4, b"\0" * 4, index))
        sock.sendto(IGMP_QUERY if kind == "igmp" else b"hello", (group, 5353))
    return True


def syn(source, source_port, destination, port):
    head = struct.pack("!HHIIBBHHH", source_port, port, random.getrandbits(32), 0, 5 << 4, 2, 65535, 0, 0)
    pseudo = packed(source) + packed(destination) + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(head))
    tcp = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
    return ip_packet(source, destination, socket.IPPROTO_TCP, tcp)


def flood(network, vip, port, rate, stop):
    v6 = family(vip) == socket.AF_INET6
    form = "%s%x" if v6 else "%s%d"
    frames = [syn(form % (network, 1 + i % 254), random.randint(1024, 65535), vip, int(port))
              for i in range(20000)]
    begun = time.monotonic()
    sent = 0
    with socket.socket(family(vip), socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        while not os.path.exists(stop):
            due = int((time.monotonic() - begun) * int(rate))
            for number in range(sent, min(due, sent + 1000)):
                try:
                    sock.sendto(frames[number % len(frames)], (vip, 0))
                except OSError:  # a full queue
                    pass
            sent = due
            time.sleep(0.005)
    return True


VERBS = {"ping": ping, "encap": encap, "answer": answer, "listen": listen, "send": send,
         "flood": flood}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in VERBS:
        sys.exit(__doc__)
    sys.exit(0 if VERBS[sys.argv[1]](*sys.argv[2:]) else 1)
