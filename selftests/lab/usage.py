#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Traffic of which every byte is known, for usage.sh.

  usage.py echo ADDRESS...     sends back what comes to port 5300, until it is killed
  usage.py ask VIP STOP OUT    datagrams of all sizes to it, each after the answer to the one before,
                               until the file STOP is there; OUT gets what was sent and received, in
                               IPv4 packets and their bytes, headers included
  usage.py sum TENANT          of an answer to GET /v1/usage on stdin, what OUT has of its sender
"""

import json
import os
import random
import select
import socket
import sys

PORT = 5300
HEADERS = 20 + 8


def echo(*addresses):
    sockets = []
    for address in addresses:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, PORT))
        sockets.append(sock)
    print("ready", flush=True)
    while True:
        for sock in select.select(sockets, [], [])[0]:
            data, client = sock.recvfrom(2048)
            sock.sendto(data, client)


def ask(vip, stop, out):
    told = {"packetsIn": 0, "bytesIn": 0, "packetsOut": 0, "bytesOut": 0}
    sock = None
    while not os.path.exists(stop):
        if told["packetsIn"] % 50 == 0:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.connect((vip, PORT))
            sock.settimeout(2)
        body = os.urandom(random.randrange(1, 1200))
        sock.send(body)
        told["packetsIn"] += 1
        told["bytesIn"] += HEADERS + len(body)
        try:
            answer = sock.recv(2048)
        except TimeoutError:
            continue
        told["packetsOut"] += 1
        told["bytesOut"] += HEADERS + len(answer)
        if told["packetsIn"] % 100 == 0:
            with open(out + ".new", "w") as file:
                json.dump(told, file)
            os.rename(out + ".new", out)
    with open(out, "w") as file:
        json.dump(told, file)


def total(tenant):
    items = [item for item in json.load(sys.stdin)["items"] if item["tenant"] == tenant]
    print(json.dumps({key: sum(item[key] for item in items)
                      for key in ("packetsIn", "bytesIn", "packetsOut", "bytesOut")}))


VERBS = {"echo": echo, "ask": ask, "sum": total}

if __name__ == "__main__":
    VERBS[sys.argv[1]](*sys.argv[2:])
