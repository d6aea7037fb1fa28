#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients of the API that nobody wants.

  abuse.py huge SOCKET                  sends a body of 1 GiB without asking; prints how that ended
  abuse.py cut SOCKET COUNT             COUNT requests that end in the middle of their bodies
  abuse.py idle ADDRESS PORT COUNT STOP COUNT connections that say nothing, until the file STOP is there
"""
import os
import resource
import select
import socket
import sys
import time

HEAD = "POST /v1/config/diff HTTP/1.1\r\nHost: mtlb\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def connected(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(path)
    return sock


def huge(path):
    piece, sent = b" " * 65536, 0
    with connected(path) as sock:
        sock.sendall((HEAD % (1 << 30)).encode())
        try:
            while sent < 1 << 30 and not select.select([sock], [], [], 0)[0]:
                sent += sock.send(piece)
        except OSError:  # it does not listen to all of it
            pass
        try:
            answer = sock.recv(65536).decode()
        except OSError:
            answer = ""
    print(answer.split(" ")[1] if answer else "hung up", "after less than 64 MiB" if sent < 64 << 20 else sent)


def cut(path, count):
    for _ in range(int(count)):
        with connected(path) as sock:
            sock.sendall((HEAD % 1000).encode() + b'{"path": "')
    print("done")


def idle(address, port, count, stop):
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(count) + 100, int(count) + 100))
    sockets = []
    for _ in range(int(count)):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((address, int(port)))
        sockets.append(sock)
    print("ready", flush=True)
    while not os.path.exists(stop):
        time.sleep(0.05)


globals()[sys.argv[1]](*sys.argv[2:])
