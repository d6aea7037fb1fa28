#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A stand-in for mtlbd: answers the API of one Unix socket with canned JSON, some of it hostile.

fake_agent.py SOCKET LOG: every request is a line of LOG, "METHOD TARGET BODY".
"""

import http.server
import json
import os
import socketserver
import sys
import time
import urllib.parse


def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


def items(*rows):
    return {"items": list(rows)}


def backend(tenant, pool, address, state, **more):
    row = {
        "tenant": tenant, "pool": pool, "service": pool, "address": address, "port": 8080,
        "weight": 1, "state": state, "share": 0.5,
        "health": {"state": "up", "since": ago(7510), "lastError": "", "probes": 7},
        "nextHop": {"status": "reachable", "mac": "02:00:00:00:00:01", "interface": "eth0", "mtu": 1500},
        "packets": 1234567, "bytes": 3565158, "newFlows": 999,
    }
    row.update(more)
    return row


ANSWERS = {
    "/v1/tenants": items(
        {"name": "acme", "id": 70000, "addresses": ["192.0.2.10", "2001:db8::10"], "services": 2,
         "backends": 3, "packets": 1250, "bytes": 1023, "newFlows": 1500, "flows": {"used": 12, "max": 65536},
         "activeFlows": {"estimated": 31234, "error": 0.0571, "seconds": 60.0, "peak": 40100, "peakAt": ago(90)},
         "drops": 0, "l7": {"requests": 1250, "answers": {"5xx": 3}, "p99Ms": 12.5}},
        {"name": "bulk", "id": 0, "addresses": [], "services": 0, "backends": 0, "packets": 999950,
         "bytes": 1048576, "newFlows": 0, "flows": {"used": 0, "max": 512},
         "activeFlows": {"estimated": None, "error": 0.0, "seconds": 0.0, "peak": 0, "peakAt": None},
         "drops": 18446744073},
    ),
    "/v1/vips": items(
        {"address": "192.0.2.10", "port": 80, "protocol": "TCP", "tenant": "acme", "service": "web",
         "members": 2, "slots": 65537, "generation": 123456},
        {"address": "2001:db8::10", "port": 443, "protocol": "UDP", "tenant": "acme", "service": "quic",
         "members": 2, "slots": 65537, "generation": 3},
    ),
    "/v1/services": items(
        {"tenant": "acme", "name": "web", "protocol": "TCP", "vips": ["192.0.2.10:80", "[2001:db8::10]:80"],
         "pool": "web", "forward": "dsr", "track": "changed",
         "members": {"up": 2, "down": 1, "drain": 0, "gone": 0}, "slots": 65537, "changedSlots": 0,
         "packets": 1, "bytes": 1, "newFlows": 1, "idleTimeout": 900},
        {"tenant": "bulk", "name": "acme", "protocol": "UDP", "vips": ["192.0.2.11:53"], "pool": "dns",
         "forward": "ipip", "track": "always", "members": {"up": 0, "down": 0, "drain": 0, "gone": 0},
         "slots": 0, "changedSlots": 0, "packets": 0, "bytes": 0, "newFlows": 0, "idleTimeout": 90},
    ),
    "/v1/pools": items(
        {"tenant": "acme", "name": "web", "services": ["web", "quic"],
         "members": {"up": 2, "down": 1, "drain": 0, "gone": 0},
         "health": {"type": "tcp", "interval": 2000, "timeout": 500, "rise": 2, "fall": 3, "port": 8080}},
        {"tenant": "bulk", "name": "dns", "services": [], "members": {}},
    ),
    "/v1/backends": items(
        backend("acme", "web", "10.1.0.21", "up"),
        backend("acme", "web", "2001:db8:1::22", "down",
                health={"state": "down", "since": None, "lastError": "evil \x1b[31m\x07 \u009b \u202e \u00e9", "probes": 1}),
        backend("bulk", "dns", "10.1.0.53", "drain", port=0),
    ),
    "/v1/node/drift": {"changes": ["~ tenant acme: limits", "+ vip 192.0.2.66:80 tcp: which record it leads to"]},
    "/v1/health": items(
        {"tenant": "acme", "pool": "web", "address": "10.1.0.21", "port": 0, "type": "http", "asked": 80, "via": "vip",
         "vip": "192.0.2.10", "source": "10.1.0.1", "viaReason": "",
         "state": "up", "since": ago(60), "streak": 1, "needed": 3, "probes": 1250, "failures": 3, "took": 0.002,
         "next": None, "lastError": "status 503 instead of 200-399", "failedAt": ago(5), "heldFor": 0,
         "panic": False},
        {"tenant": "acme", "pool": "web", "address": "2001:db8:1::22", "port": 8080, "type": "http", "asked": 8080, "via": "direct",
         "vip": "", "source": "", "viaReason": "evil \x1b[31m",
         "state": "down", "since": ago(7510), "streak": 0, "needed": 2, "probes": 7, "failures": 7, "took": 0.0,
         "next": None, "lastError": "evil \x1b[31m", "failedAt": ago(1), "heldFor": 17, "panic": True},
    ),
    "/v1/acls": items(
        {"tenant": "acme", "prefix": "203.0.113.0/24", "action": "deny", "hits": 1250},
        {"tenant": "acme", "prefix": "203.0.113.7", "action": "allow", "hits": 3},
        {"tenant": "bulk", "prefix": "default", "action": "deny", "hits": 0},
    ),
    "/v1/routes": items(
        {"tenant": "acme", "name": "orders", "listener": "http", "hosts": ["api.acme.example"],
         "paths": ["/orders", "=/o"], "targets": ["orders:95", "canary:5"], "requests": 1250, "errors": 3,
         "answers": {"2xx": 1240, "4xx": 7, "5xx": 3}, "p50Ms": 1.25, "p99Ms": 1500.0},
        {"tenant": "bulk", "name": "evil \x1b[31m", "listener": "http", "hosts": ["*.bulk.example"], "paths": ["/"],
         "targets": [], "requests": 0, "errors": 0, "answers": {"4xx": 0, "5xx": 0}, "p50Ms": None,
         "p99Ms": None},
    ),
    "/v1/proxy": items(
        {"worker": 0, "pid": 4711, "state": "runs", "restarts": 1, "generation": 3, "connections": 12,
         "upstreams": 4, "accepted": 1250, "shed": 0, "requests": 99950, "refused": 2, "retries": 1,
         "lastEnd": "was ended by signal 9 (Killed)"},
        {"worker": 1, "pid": None, "state": "away", "restarts": 0, "generation": 0, "connections": 0,
         "upstreams": 0, "accepted": 0, "shed": 0, "requests": 0, "refused": 0, "retries": 0, "lastEnd": None},
    ),
    "/v1/feeds": items(
        {"name": "drop", "file": "/etc/mtlb/drop.txt", "type": "prefixes", "state": "kept", "entries": 1250,
         "badLines": 2, "loadedAt": None, "error": "evil \x1b[31m", "hits": 7},
        {"name": "amp", "file": "/etc/mtlb/amp", "type": "udpSourcePorts", "state": "loaded", "entries": 8,
         "badLines": 0, "loadedAt": None, "error": "", "hits": 0},
    ),
    "/v1/flows": items(
        {"tenant": "acme", "service": "web", "protocol": "TCP", "source": "198.51.100.7", "sourcePort": 40000,
         "destination": "192.0.2.10", "destinationPort": 80, "backend": "10.1.0.21", "state": "established",
         "idle": 5, "age": 90061},
    ),
    "/v1/meters": items(
        {"tenant": "acme", "meter": "packets", "rate": 50000, "burst": 5000, "fill": 0.25, "dropped": 1234},
        {"tenant": "acme", "meter": "share", "rate": 12000, "burst": 0, "fill": 0.0, "dropped": 0},
    ),
    "/v1/drops": items(
        {"tenant": "-", "reason": "not_vip", "verdict": "pass", "packets": 5, "bytes": 500,
         "sentence": "Its destination is no VIP."},
        {"tenant": "acme", "reason": "no_member", "verdict": "drop", "packets": 7, "bytes": 700,
         "sentence": "No member of the pool is usable."},
    ),
    "/v1/events": items(
        {"id": 1, "at": ago(7510), "kind": "member-down", "tenant": "acme", "pool": "web", "address": "10.1.0.21",
         "port": 80, "error": "timeout", "sentence": "backend 10.1.0.21:80 of acme/web is down: timeout"},
        {"id": 2, "at": ago(30), "kind": "attack-begins", "tenant": "bulk",
         "sentence": "attack on bulk: udp flood \x1b[2J"},
    ),
    "/v1/node": {
        "name": "edge-1", "version": "0.1.0", "abi": 1, "created": ago(100000), "started": ago(60),
        "adopted": True, "hashSecret": "file",
        "interfaces": [{"name": "eth0", "ifindex": 2, "mode": "native", "mtu": 1500, "up": True}],
        "capacity": {"tenants": {"used": 2, "max": 1024}, "flows": {"used": 0, "max": 0}},
        "health": {"probes": 3, "prober": {"state": "runs", "restarts": 1, "pid": 4711, "since": ago(60),
                                           "lastEnd": "was ended by signal 9 (Killed)"}},
        "config": {"path": "/etc/mtlb", "loadedAt": ago(60), "generation": 4},
        "counters": [{"reason": "not_ip", "verdict": "pass", "packets": 9, "bytes": 900}],
    },
}



def usage(tenant, start, end, count):
    return {"tenant": tenant, "from": start, "to": end, "packetsIn": count, "bytesIn": 100 * count,
            "packetsOut": 0, "bytesOut": 0, "newFlows": 2, "droppedByLimits": 0, "droppedOtherwise": 1,
            "peakActiveFlows": 12, "requests": 3, "requestBytesIn": 300, "requestBytesOut": 4096, "approximate": count == 1500}


# In two pages, but for what is damaged.
USAGE = {
    "": {"items": [usage("acme", "2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z", 1000),
                   usage("acme", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 1500)],
         "readAt": "2026-01-02T08:00:00.000Z", "next": "2026-01-01T00:00:00Z/acme"},
    "2026-01-01T00:00:00Z/acme": {"items": [usage("bulk", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 7)],
                                  "readAt": "2026-01-02T08:00:00.000Z"},
}

# What the streams say before the agent goes away.
LINES = {
    "/v1/events": [ANSWERS["/v1/events"]["items"][1]],
    "/v1/drops": [
        {"at": "2026-01-31T12:00:00.123Z", "tenant": "acme", "reason": "over_new_flows", "service": "web",
         "protocol": "TCP", "source": "198.51.100.7", "sourcePort": 40000, "destination": "192.0.2.10",
         "destinationPort": 80, "length": 60, "packets": 8, "interface": "eth0", "flags": ["SYN", "ACK"]},
        {"missed": 5},
        {"at": "2026-01-31T12:00:01.000Z", "tenant": "acme", "reason": "fragment", "service": "",
         "protocol": "UDP", "source": "2001:db8:c::7", "sourcePort": 0, "destination": "2001:db8::10",
         "destinationPort": 0, "length": 100, "packets": 1, "interface": "\x1b]0;x\x07"},
    ],
}

PROBLEM = {
    "type": "about:blank", "title": "Invalid configuration", "status": 400,
    "detail": "2 errors \x1b[2J",
    "errors": [{"file": "a.yaml", "line": 3, "column": 5, "text": "unknown key \x1b]0;x\x07"},
               {"file": "b.yaml", "line": 0, "column": 0, "text": "is empty"}],
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, lines):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            data = (json.dumps(line, ensure_ascii=False) + "\n").encode()
            for part in (data[:7], data[7:]):  # lines need not come whole
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.close_connection = True

    def record(self, body=""):
        with open(sys.argv[2], "a", encoding="utf-8") as log:
            print(self.command, self.path, body, file=log)

    def do_GET(self):
        self.record()
        path = self.path.split("?")[0]
        if "tenant=broken" in self.path:
            self.reply(200, b"<html>no JSON</html>")
        elif "tenant=odd" in self.path:
            self.reply(200, {})
        elif "tenant=gone" in self.path:
            self.close_connection = True
        elif "tenant=plain" in self.path:
            self.reply(503, b"busy", "text/plain")
        elif "watch=true" in self.path and "tenant=nobody" in self.path:
            self.reply(404, {"title": "No such tenant", "detail": "nobody", "status": 404},
                       "application/problem+json")
        elif "watch=true" in self.path:
            self.stream(LINES[path])
        elif path == "/v1/usage" and "tenant=hurt" in self.path:
            self.reply(200, {"items": [], "readAt": "2026-01-02T08:00:00.000Z", "unreadable": 1})
        elif path == "/v1/usage":
            query = urllib.parse.parse_qs(self.path.partition("?")[2])
            self.reply(200, USAGE[query.get("after", [""])[0]])
        elif path in ANSWERS:
            self.reply(200, ANSWERS[path])
        else:
            self.reply(404, {"title": "Not Found", "status": 404}, "application/problem+json")

    def do_DELETE(self):
        self.record()
        self.reply(404, {"title": "Not Found", "detail": "tenant.acne.yaml: it does not exist", "status": 404},
                   "application/problem+json")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self.record(body)
        path = json.loads(body).get("path", "")
        if self.path == "/v1/config/diff" and path.endswith("bad.yaml"):
            self.reply(400, PROBLEM, "application/problem+json")
        elif self.path == "/v1/config/diff" and path:
            self.reply(200, {"changes": []})
        elif self.path == "/v1/node/repair":
            self.reply(200, {"changes": ["~ tenant acme: limits"]})
        elif self.path == "/v1/config/diff":
            self.reply(200, {"changes": ["+ tenant acme", "~ member acme/web 10.1.0.21: weight 1 -> 3"]})
        else:
            self.reply(200, {"changes": ["+ tenant acme"], "generation": 5})

    def address_string(self):
        return "unix"

    def log_message(self, format, *args):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


if __name__ == "__main__":
    server = Server(sys.argv[1] + ".new", Handler)
    os.rename(sys.argv[1] + ".new", sys.argv[1])  # once it is there, it answers
    server.serve_forever()
