#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What l7_hostile.sh needs: backends of eight tenants, each of which answers with its tenant's name,
and which lie when they are asked to; and clients, honest and not.

    hostile.py serve TENANTS PORT     a server for each tenant, on ports from PORT on
    hostile.py matrix VIP COUNT       requests of all tenants, mixed on shared connections
    hostile.py victim VIP STOP OUT    one tenant's requests until the file STOP is there
    hostile.py abuse VIP NAME         one kind of abuse; prints what came of it
"""

import asyncio
import http.client
import json
import os
import random
import re
import select
import socket
import struct
import sys
import time

TENANTS = 8
seen = {"begun": 0, "whole": 0, "cut": 0, "smuggled": 0}


# --- backends

async def read_body(reader, headers):
    """Bytes of the body; raises when it breaks off."""
    if "chunked" in headers.get("transfer-encoding", ""):
        total = 0
        while True:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            if size:
                await reader.readexactly(size)
            await reader.readexactly(2)
            total += size
            if not size:
                return total
    length = int(headers.get("content-length", 0))
    await reader.readexactly(length)
    return length


LIES = {
    "/lie/short": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
    "/lie/long": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfourHTTP/1.1 200 OK\r\n"
                 b"Content-Length: 6\r\n\r\npoison",
    "/lie/two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "/lie/both": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"0\r\n\r\n",
    "/lie/chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "/lie/no-http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "/lie/name": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "/lie/silent": b"",
}


def reset(writer):
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def answer(tenant, path, headers, total, writer):
    body = json.dumps({"tenant": tenant, "path": path, "body": total,
                       "host": headers.get("host")}).encode()
    if path.startswith("/seen"):
        body = json.dumps(seen).encode()
    if path.startswith("/big"):
        # in pieces: asyncio moves all that waits with each that goes, and the others would wait
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (4 << 20))
        for _ in range(64):
            writer.write(b"x" * (64 << 10))
            await writer.drain()
        return True
    if path.startswith("/reset"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer)
        return False
    if path.startswith("/drip"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        for byte in body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.005)
        return True
    if random.random() < 0.5:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    else:
        cut = random.randrange(1, len(body))
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in (body[:cut], body[cut:]):
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


def serve_tenant(tenant):
    async def serve(reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = head.split("\r\n")
                path = lines[0].split(" ")[1]
                headers = {}
                for line in lines[1:-2]:
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                seen["smuggled"] += "smuggled" in path
                seen["begun"] += path == "/up"
                try:
                    total = await read_body(reader, headers)
                except (asyncio.IncompleteReadError, ConnectionError):
                    seen["cut"] += 1
                    break
                seen["whole"] += 1
                if path in LIES:
                    writer.write(LIES[path])
                    await writer.drain()
                    break
                if not await answer(tenant, path, headers, total, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
    return serve


async def serve(count, port):
    for number in range(count):
        await asyncio.start_server(serve_tenant(f"t{number}"), "0.0.0.0", port + number,
                                   backlog=512)
    print("ready", flush=True)
    await asyncio.Event().wait()


# --- clients

async def read_answer(reader):
    """Status, headers, body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = [line.partition(":") for line in head[1:-2]]
    fields = {name.lower(): value.strip() for name, _, value in headers}
    if "chunked" in fields.get("transfer-encoding", ""):
        body = b""
        while True:
            size = int(await reader.readuntil(b"\r\n"), 16)
            body += await reader.readexactly(size)
            await reader.readexactly(2)
            if not size:
                break
    else:
        body = await reader.readexactly(int(fields.get("content-length", 0)))
    return int(head[0].split(" ")[1]), fields, body


def make_request(draw, number, cookies):
    """A request, and whose answer it must get; None: nobody's."""
    tenant = draw.randrange(TENANTS)
    name = f"t{tenant}"
    path, extra, host = f"/r{number}", "", f"{name}.test"
    way = draw.randrange(7)
    if way == 1:
        host = f"Deep.er.{name.upper()}.test:80"
    elif way == 2:  # by X-Tenant-ID, of a peer that is trusted
        host, extra = "192.0.2.60", f"X-Tenant-ID: {name}\r\n"
    elif way == 3:  # which must not say otherwise than the host does
        extra, name = f"X-Tenant-ID: t{(tenant + 1) % TENANTS}\r\n", None
    elif way == 4:  # with the session of somebody else
        cookie = cookies.get(draw.randrange(TENANTS))
        path = f"/kept/r{number}"
        extra = f"Cookie: lb={cookie}\r\n" if cookie else ""
    elif way == 5:  # the names of others, where they mean nothing
        other = f"t{(tenant + 3) % TENANTS}"
        path = f"/{other}.test/..%2fr{number}?host={other}.test" if draw.random() < 0.1 else \
            f"/{other}/r{number}?tenant={other}"
        name = None if ".." in path else name
        extra = f"X-Forwarded-Host: {other}.test\r\nX-Host: {other}.test\r\n"
    elif way == 6:
        host, name = "nobody.test", None
    body = b"b" * draw.randrange(1, 3000) if draw.random() < 0.2 else b""
    method = "POST" if body else "GET"
    if body:
        extra += f"Content-Length: {len(body)}\r\n"
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n"
    return head.encode() + body, name, f"r{number}", tenant


def paths_of_nobody(draw, name, other, mark):
    """Beginnings that one server or another may take for a tenant's, and what they are not."""
    return draw.choice([
        f"/{name.upper()}/{mark}", f"//{name}/{mark}", f"/{name}x/{mark}", f"/{name}%2f{mark}",
        f"/{name};x/{mark}", f"/{other}/..%2f{name}/{mark}", f"/{other}/..;/{name}/{mark}",
        f"/{other}//../{name}/{mark}", f"/{name}%00/{mark}", f"/../{name}/{mark}",
        f"/{other}/%2e%2e%5c{name}/{mark}", f"/{other}/%252e%252e/{name}%2e/..%2f{mark}",
        f"/{other}/..%5c{name}/{mark}", f"/%2f{name}/{mark}", f"/{name}\\{mark}", f"/x/{name}/{mark}"])


def make_path_request(draw, number):
    """As make_request(), where paths say whose it is; the last item is the path that the tenant sees."""
    tenant = draw.randrange(TENANTS)
    name, mark = f"t{tenant}", f"r{number}"
    other = f"t{(tenant + draw.randrange(1, TENANTS)) % TENANTS}"
    host, extra, path, told = "192.0.2.60", "", f"/{name}/{mark}", f"/{mark}"
    way = draw.randrange(8)
    if way == 1:  # all say the same
        host, extra = f"www.{name}.test", f"X-Tenant-ID: {name}\r\n"
    elif way == 2:
        host, name = f"{other}.test", None
    elif way == 3:
        extra, name = f"X-Tenant-ID: {other}\r\n", None
    elif way == 4:  # where it leads in the end counts
        path = draw.choice([f"/{other}/../{name}/{mark}", f"/{other}/%2e%2E/{name}/{mark}",
                            f"/./{name}/./{mark}", f"/{other}/x/../.%2e/{name}/{mark}"])
    elif way == 5:
        path = f"/%74{tenant}/%72{number}"
    elif way == 6:  # the names of others behind it, and empty segments, are its own affair
        rest = draw.choice([f"{other}/{mark}", f"/{other}//{mark}", f"%2f{other}/{mark}"])
        path, told = f"/{name}/{rest}", "/" + rest.replace("%2f", "%2F")
    elif way == 7:
        path, name = paths_of_nobody(draw, name, other, mark), None
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n"
    return head.encode(), name, mark, tenant, told


def judge(wanted, answer, cookies):
    """What is wrong with it; None: nothing."""
    status, fields, body = answer
    request, name, mark, tenant = wanted[:4]
    if name is None:
        return None if status in (400, 404, 421) else f"{status} for {request!r}"
    if status != 200:
        return f"{status} {body!r} for {request!r}"
    told = json.loads(body)
    if told["tenant"] != name or mark not in told["path"]:
        return f"{body!r} for {request!r}"
    if wanted[4:] and told["path"] != wanted[4]:
        return f"{body!r} for {request!r}, without its beginning"
    if "set-cookie" in fields:
        cookies[tenant] = fields["set-cookie"].partition("=")[2].partition(";")[0]
    return None


async def one_connection(vip, number, count, wrong, tally, cookies):
    draw = random.Random(number)
    reader = writer = None
    done = 0
    by_path = number % 3 == 0
    while done < count:
        if not writer:
            reader, writer = await asyncio.open_connection(vip, 81 if by_path else 80)
        numbers = range(number * 100000 + done, number * 100000 + done + draw.randrange(1, 9))
        batch = [make_path_request(draw, i) if by_path else make_request(draw, i, cookies)
                 for i in numbers]
        # what is refused before its body was read ends the connection, so it comes last
        for end, wanted in enumerate(batch):
            if wanted[1] is None:
                batch = batch[:end + 1]
                break
        writer.write(b"".join(wanted[0] for wanted in batch))
        closed = False
        for wanted in batch:
            answer = await asyncio.wait_for(read_answer(reader), 20)
            problem = judge(wanted, answer, cookies)
            if problem:
                wrong.append(problem)
            tally[wanted[1] is not None] += 1
            tally[2 + (wanted[1] is not None)] += by_path
            closed = answer[1].get("connection") == "close"
        done += len(batch)
        if closed:
            writer.close()
            writer = None


async def matrix(vip, count):
    wrong, tally, cookies = [], [0] * 4, {}
    await asyncio.gather(*(one_connection(vip, n, count // 16, wrong, tally, cookies)
                           for n in range(16)))
    for problem in wrong[:5]:
        print(problem, file=sys.stderr)
    print(json.dumps({"served": tally[1], "refused": tally[0], "wrong": len(wrong),
                      "by_path": tally[3], "not_by_path": tally[2], "sessions": len(cookies)}))


def open_connection(vip, timeout=14):
    return socket.create_connection((vip, 80), timeout)


def ask(vip, host, path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


def receive(sock):
    """All until the end; and whether that was a reset."""
    data = b""
    while True:
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            return data, True
        except TimeoutError:
            return data, False
        if not part:
            return data, False
        data += part


def joined(data):
    """Without what is between chunks."""
    return re.sub(rb"\r\n[0-9a-f]+\r\n", b"", data)


def status_of(data):
    return int(data.split(b" ")[1]) if data.startswith(b"HTTP/1.") else 0


def victim(vip, stop, out):
    good, bad, slowest = 0, [], 0.0
    link = http.client.HTTPConnection(vip, 80, timeout=14)
    while not os.path.exists(stop):
        begin = time.monotonic()
        try:
            link.request("GET", "/v", headers={"Host": "t0.test"})
            reply = link.getresponse()
            body = reply.read()
            if reply.status != 200 or json.loads(body)["tenant"] != "t0":
                raise ValueError(f"{reply.status} {body!r}")
            good += 1
        except (OSError, ValueError, http.client.HTTPException) as problem:
            bad.append(repr(problem))
            link.close()
        slowest = max(slowest, time.monotonic() - begin)
        time.sleep(0.005)
    with open(out, "w", encoding="ascii") as file:
        json.dump({"good": good, "bad": len(bad), "first": bad[:3],
                   "slowest": round(slowest, 3)}, file)


# --- abuse

def slowloris(vip):
    """A byte now and then: each gets its 408, ten seconds after its first byte."""
    socks = [open_connection(vip, 20) for _ in range(200)]
    for sock in socks:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: t1.test\r\n")
    end = time.monotonic() + 9
    while time.monotonic() < end:
        for sock in socks:
            try:
                sock.sendall(b"X-a: b\r\n")
            except OSError:
                pass  # it was told already
        time.sleep(1)
    return sum(status_of(receive(sock)[0]) == 408 for sock in socks)


def hoard(vip):
    """Far more connections than a worker can have: all are taken, and older ones made room."""
    socks = [open_connection(vip) for _ in range(2000)]
    print("ready", flush=True)
    sys.stdin.read()
    closed = 0
    for sock in socks:
        sock.setblocking(False)
        try:
            closed += sock.recv(1) == b""
        except BlockingIOError:
            pass
        except OSError:
            closed += 1
    return closed


def slow_read(vip):
    """Answers that nobody reads: how many of them were cut, as soon as it is all but two times 32."""
    socks = [open_connection(vip) for _ in range(300)]
    watched = select.poll()
    for sock in socks:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(ask(vip, "t1.test", "/big"))
        watched.register(sock, 0)  # of resets alone
    cut = 0
    end = time.monotonic() + 20
    while time.monotonic() < end and cut < len(socks) - 2 * 32:
        for fd, _ in watched.poll(100):
            watched.unregister(fd)
            cut += 1
    return cut


def half_closed(vip):
    good = 0
    for _ in range(20):
        sock = open_connection(vip)
        sock.sendall(ask(vip, "t1.test", "/half"))
        sock.shutdown(socket.SHUT_WR)
        data, cut = receive(sock)
        whole = status_of(data) == 200 and not cut and b'"t1"' in joined(data)
        if not whole:
            print("half closed:", data, "cut" if cut else "ended", file=sys.stderr)
        good += whole
    return good


def begun(vip):
    asking = http.client.HTTPConnection(vip, timeout=10)
    asking.request("GET", "/seen", headers={"Host": "t1.test"})
    return json.load(asking.getresponse())["begun"]


def client_reset(vip):
    """Clients that go when a part of their uploads is at the backend."""
    for number in range(20):
        sock = open_connection(vip)
        sock.sendall(b"POST /up HTTP/1.1\r\nHost: t1.test\r\nContent-Length: 100000\r\n\r\n" +
                     b"x" * 20000)
        end = time.monotonic() + 10
        while begun(vip) <= number and time.monotonic() < end:
            pass
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


def backend_reset(vip):
    cut = 0
    for _ in range(20):
        sock = open_connection(vip)
        sock.sendall(ask(vip, "t1.test", "/reset"))
        cut += receive(sock)[1]
    return cut


def lies(vip):
    told = {}
    for path in LIES:
        sock = open_connection(vip)
        both = ask(vip, "t2.test", path) + ask(vip, "t2.test", "/after", "Connection: close\r\n")
        sock.sendall(both)
        data, cut = receive(sock)
        told[path[5:]] = [status_of(data), "cut" if cut else
                          "poisoned" if b"poison" in data else
                          "ok" if b"/after" in joined(data) else "ended"]
    return told


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: t0.test\r\n\r\n"
POST = b"POST /s HTTP/1.1\r\nHost: t3.test\r\n"
CORPUS = {
    "CL.TE": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two CL": POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + SMUGGLED,
    "CL list": POST + b"Content-Length: 0, 44\r\n\r\n" + SMUGGLED,
    "CL plus": POST + b"Content-Length: +0\r\n\r\n" + SMUGGLED,
    "CL hex": POST + b"Content-Length: 0x0\r\n\r\n" + SMUGGLED,
    "CL space": POST + b"Content-Length : 44\r\n\r\n" + SMUGGLED,
    "TE space": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "TE xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "TE twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"
                + SMUGGLED,
    "TE tab": POST + b"Transfer-Encoding:\tchunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "TE in 1.0": b"POST /s HTTP/1.0\r\nHost: t3.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"0\r\n\r\n" + SMUGGLED,
    "bare LF": b"GET /s HTTP/1.1\nHost: t3.test\n\n" + SMUGGLED,
    "bare CR": b"GET /s HTTP/1.1\r\nHost: t3.test\r\nX: a\rContent-Length: 44\r\n\r\n" + SMUGGLED,
    "fold": b"GET /s HTTP/1.1\r\nHost: t3.test\r\nX: a\r\n Content-Length: 44\r\n\r\n" + SMUGGLED,
    "NUL": b"GET /s HTTP/1.1\r\nHost: t3.test\r\nX: a\0b\r\n\r\n" + SMUGGLED,
    "two Host": b"GET /s HTTP/1.1\r\nHost: t3.test\r\nHost: t4.test\r\n\r\n" + SMUGGLED,
    "no Host": b"GET /s HTTP/1.1\r\n\r\n" + SMUGGLED,
    "chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n" + SMUGGLED,
    "chunk LF": POST + b"Transfer-Encoding: chunked\r\n\r\n5\nabcde\n0\n\n" + SMUGGLED,
    "chunk large": POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc" + SMUGGLED,
    "CONNECT": b"CONNECT t0.test:80 HTTP/1.1\r\nHost: t0.test:80\r\n\r\n" + SMUGGLED,
    "h2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "head bomb": b"GET /s HTTP/1.1\r\nHost: t3.test\r\n" + b"X-Bomb: b\r\n" * 5000 + b"\r\n",
    "long line": b"GET /s HTTP/1.1\r\nHost: t3.test\r\nX: " + b"a" * 70000 + b"\r\n\r\n",
}


def smuggling(vip):
    """Each is refused, its connection closed, and nothing behind it is taken for a request."""
    told = {}
    for name, data in CORPUS.items():
        sock = open_connection(vip, 5)
        try:
            sock.sendall(data)
        except OSError:
            pass  # the answer came first, and then a reset
        answer_data, _ = receive(sock)
        told[name] = [status_of(answer_data), len(re.findall(rb"HTTP/1\.[01] \d{3} ", answer_data))]
    return told


def odd(smuggled):
    """What RFC 9110 and 9112 allow, and few clients send: PATH is where it goes."""
    large = smuggled * 40
    return {
        "trailers": b"POST PATH HTTP/1.1\r\nHost: acme.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                    b"5;a=b;c=\"d\"\r\nhello\r\n0\r\nX-Trailer: t\r\n\r\n",
        "case": b"POST PATH HTTP/1.1\r\nhOST: acme.test\r\ntRANSFER-eNCODING: CHUNKED\r\n\r\n"
                b"0005\r\nhello\r\n000\r\n\r\n",
        "absolute": b"GET http://acme.testPATH HTTP/1.1\r\nHost: acme.test\r\n\r\n",
        "empty line": b"\r\nGET PATH HTTP/1.1\r\nHost: acme.test\r\n\r\n",
        "spaces": b"GET PATH HTTP/1.1\r\nHost:\tacme.test \t\r\nX-Empty:\r\nX-Tab: \ta\tb\t\r\n\r\n",
        "tokens": b"GET PATH HTTP/1.1\r\nHost: acme.test\r\n!#$%&'*+-.^_`|~: x\r\n\r\n",
        "obs-text": b"GET PATH HTTP/1.1\r\nHost: acme.test\r\nX: \xff\xfe\r\n\r\n",
        "a request as a body": b"POST PATH HTTP/1.1\r\nHost: acme.test\r\nContent-Length: %d\r\n\r\n" %
                               len(large) + large,
        "a request in a chunk": b"POST PATH HTTP/1.1\r\nHost: acme.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                                b"%x\r\n0\r\n\r\n%s\r\n0\r\n\r\n" % (len(smuggled) + 5, smuggled),
        "a body of GET": b"GET PATH HTTP/1.1\r\nHost: acme.test\r\nContent-Length: %d\r\n\r\n" %
                         len(smuggled) + smuggled,
        "continue": b"POST PATH HTTP/1.1\r\nHost: acme.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
                    b"hello",
    }


def peers(vip):
    """Behind /n and /h are servers of other making: what each must have heard, and nothing else."""
    told, heard = {}, []
    for peer in ("n", "h"):
        smuggled = b"/%s/smuggled" % peer.encode()
        for number, (name, data) in enumerate(odd(SMUGGLED.replace(b"/smuggled", smuggled)).items()):
            path, after = "/%s/odd-%d" % (peer, number), "/%s/after-%d" % (peer, number)
            sock = open_connection(vip)
            sock.sendall(data.replace(b"PATH", path.encode()) +
                         ask(vip, "acme.test", after, "Connection: close\r\n"))
            statuses = [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d{3}) ", receive(sock)[0])]
            told["%s %s" % (peer, name)] = [s for s in statuses if s != 100]
            heard += [path, after]
        for number, (name, data) in enumerate(CORPUS.items()):
            data = re.sub(rb"t\d\.test", b"acme.test", data).replace(b"/smuggled", smuggled)
            sock = open_connection(vip, 5)
            try:
                sock.sendall(data.replace(b" /s ", b" /%s/refused-%d " % (peer.encode(), number)))
            except OSError:
                pass
            told["%s refused %s" % (peer, name)] = status_of(receive(sock)[0])
    return {"odd": sorted(k for k, v in told.items() if isinstance(v, list) and v != [200, 200]),
            "refused": sorted(k for k, v in told.items() if isinstance(v, int) and not 400 <= v <= 505),
            "heard": sorted(heard)}


ABUSE = {f.__name__: f for f in (slowloris, hoard, slow_read, half_closed, client_reset, backend_reset, lies,
                                 smuggling, peers)}


def main():
    verb = sys.argv[1]
    if verb == "serve":
        asyncio.run(serve(int(sys.argv[2]), int(sys.argv[3])))
    elif verb == "matrix":
        asyncio.run(matrix(sys.argv[2], int(sys.argv[3])))
    elif verb == "victim":
        victim(*sys.argv[2:5])
    else:
        print(json.dumps(ABUSE[sys.argv[3]](sys.argv[2])))


main()
