#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A backend and the clients of two tenants, for a worker that is killed under load.

kills.py serve PORT            answers with host and path of the request, now with a length, now in chunks
kills.py ask VIP STOP          requests of every kind until the file STOP is there; what came of them, as JSON

Each request has a number of its own, and its answer has to be for that host and that number: an
answer that was given twice, or is another one's, is seen. What is asked by POST, the backend counts.
"""
import collections
import json
import os
import selectors
import socket
import sys

HOSTS = ("acme.test", "globex.test")


# the backend

def frame(number, body):
    if number % 2:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    return (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
            % (len(body), body))


class Serving:
    def __init__(self, sock, posts):
        self.sock, self.posts, self.data, self.count = sock, posts, b"", 0

    def run(self):
        try:
            data = self.sock.recv(65536)
        except OSError:
            return False
        self.data += data
        out = b""
        while b"\r\n\r\n" in self.data:
            head, rest = self.data.split(b"\r\n\r\n", 1)
            lines = head.split(b"\r\n")
            method, path, _ = lines[0].split(b" ")
            fields = dict(line.split(b": ", 1) for line in lines[1:])
            length = int(fields.get(b"Content-Length", b"0"))
            if len(rest) < length:
                break
            self.data = rest[length:]
            if method == b"POST":
                self.posts[path] += 1
            body = fields[b"Host"] + b" " + path
            if path == b"/told":
                body = json.dumps({"posts": len(self.posts), "twice": sum(n > 1 for n in self.posts.values())}).encode()
            self.count += 1
            out += frame(self.count, body)
        try:
            self.sock.sendall(out)
        except OSError:
            return False
        return bool(data)


def serve(port):
    poll = selectors.DefaultSelector()
    posts = collections.Counter()
    listening = socket.create_server(("", port), backlog=1024)
    poll.register(listening, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in poll.select():
            if key.fileobj is listening:
                sock, _ = listening.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                poll.register(sock, selectors.EVENT_READ, Serving(sock, posts))
            elif not key.data.run():
                poll.unregister(key.fileobj)
                key.fileobj.close()


# the clients

class Client:
    """One connection at a time; so many requests at once on it."""
    number = 0

    def __init__(self, load, kind, host, at_once, method=b"GET", keep=True):
        self.load, self.kind, self.host = load, kind, host.encode()
        self.at_once, self.method, self.keep = at_once, method, keep
        self.waiting = collections.deque()
        self.data = b""
        self.connect()

    def connect(self):
        self.sock = socket.create_connection((self.load.vip, 80), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.load.poll.register(self.sock, selectors.EVENT_READ, self)
        self.data = b""
        self.ask(self.at_once)

    def leave(self):
        self.load.poll.unregister(self.sock)
        self.sock.close()

    def ask(self, count):
        out = b""
        for _ in range(count):
            Client.number += 1
            path = b"/%d" % Client.number
            self.waiting.append(path)
            out += self.method + b" " + path + b" HTTP/1.1\r\nHost: " + self.host + b"\r\n"
            if self.method == b"POST":
                out += b"Content-Length: 4\r\n"
            if not self.keep:
                out += b"Connection: close\r\n"
            out += b"\r\n" + (b"body" if self.method == b"POST" else b"")
        try:
            self.sock.sendall(out)
        except OSError:
            pass  # what is read tells

    def count(self, what, number=1):
        self.load.counts[self.kind][what] += number

    def take(self):
        """One answer, or None while it is not here."""
        head, end, rest = self.data.partition(b"\r\n\r\n")
        if not end:
            return None
        if b"Content-Length: " in head:
            length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            body, used = rest[:length], length
            if len(rest) < length:
                return None
        else:
            if not rest.endswith(b"0\r\n\r\n") and b"\r\n0\r\n\r\n" not in rest:
                return None
            used = rest.index(b"\r\n0\r\n\r\n") + 7
            body = rest[:used - 7].split(b"\r\n", 1)[1]
        self.data = rest[used:]
        return head.split(b" ")[1], body

    def run(self):
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        self.data += data
        answer = self.take()
        answered = 0
        while answer:
            status, body = answer
            path = self.waiting.popleft() if self.waiting else b"unasked"
            if status != b"200":
                self.count("failed")
                self.count("status %s" % status.decode())
            else:
                self.count("ok" if body == self.host + b" " + path else "wrong")
            answered += 1
            answer = self.take()
        stopping = self.load.stopping
        if not data:
            self.count("failed", len(self.waiting))
            self.count("cut", self.keep and not stopping)
            self.waiting.clear()
            self.leave()
            if not stopping:
                self.connect()
        elif answered and not self.waiting:
            if not self.keep:
                self.leave()
                if not stopping:
                    self.connect()
            elif stopping:
                self.leave()
            else:
                self.ask(self.at_once)


class Load:
    def __init__(self, vip):
        self.vip, self.stopping = vip, False
        self.poll = selectors.DefaultSelector()
        self.counts = collections.defaultdict(collections.Counter)

    def run(self, stop):
        for number in range(24):
            host = HOSTS[number % 2]
            Client(self, "kept", host, 1)
            if number < 8:
                Client(self, "in line", host, 3)
                Client(self, "own", host, 1, keep=False)
            if number < 4:
                Client(self, "post", host, 1, method=b"POST")
        # more than fit at once into the socket by which they are handed over
        idle = [Client(self, "idle", HOSTS[number % 2], 1) for number in range(1000)]
        for client in idle:
            client.at_once = 0
        print("running", file=sys.stderr, flush=True)
        while self.poll.get_map():
            ready = self.poll.select(10)
            if not ready and (self.stopping or not [key for key in self.poll.get_map().values() if key.data.waiting]):
                break
            for key, _ in ready:
                key.data.run()
            if not self.stopping and os.path.exists(stop):
                self.stopping = True
                for client in idle:
                    client.ask(1)
        for key in list(self.poll.get_map().values()):
            key.data.count("unanswered", len(key.data.waiting))
        return self.counts


def main():
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    print(json.dumps(Load(sys.argv[2]).run(sys.argv[3])))


main()
