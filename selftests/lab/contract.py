#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Drives every operation that an agent's OpenAPI document lists, as every role, and holds the answers
against the document: who may, with which status, and what kind of body. Another tenant's things must
look as if they were not there.

contract.py SOCKET TENANT OTHER ROLE=TOKEN...: a line of TAP-like text for each operation and role,
"ok WHAT" or "not ok WHAT: why"; TENANT is the tenant of the role of that name, OTHER is another.
"""

import http.client
import json
import socket
import sys


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


SOCKET, TENANT, OTHER = sys.argv[1:4]
TOKENS = dict(word.split("=", 1) for word in sys.argv[4:])
TOKENS["nobody"] = "not-a-token"
failures = 0

# What exists, so that a granted request finds something; every write is refused by its condition
# before it changes anything.
PARAMETERS = {"pool": "web", "service": "web", "vip": "acme-v4", "tier": "standard", "address": "10.20.1.11"}
NEVER = {"If-Match": '"0000000000000000"'}


def ask(method, path, token=None, body=None, headers=None):
    connection = Connection(SOCKET)
    headers = dict(headers or {})
    if token:
        headers["Authorization"] = "Bearer " + token
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, text


def tell(good, what, why=""):
    global failures
    failures += not good
    print(("ok " if good else "not ok ") + what + ("" if good else ": " + why))


def fill(path, tenant):
    path = path.replace("{tenant}", tenant)
    for name, value in PARAMETERS.items():
        path = path.replace("{%s}" % name, value)
    return path


def check_kind(what, answer, text, operation):
    kind = answer.getheader("Content-Type") or ""
    described = operation["responses"].get(str(answer.status), {}).get("content", {})
    if answer.status >= 400:
        problem = json.loads(text)
        tell(kind == "application/problem+json" and problem["status"] == answer.status and problem["detail"] != "",
             what + " has a problem document", kind + " " + text.decode()[:200])
    elif text and "application/json" in described:
        json.loads(text)
        tell(kind == "application/json", what + " has JSON", kind)
    elif text:
        tell(kind.split(";")[0] in described, what + " has what is described", kind)


def check_items(what, role, text):
    items = json.loads(text).get("items")
    if role == "tenant" and "tenants" in json.loads(text):
        tell(list(json.loads(text)["tenants"]) == [TENANT], what + " counts its own things only", text.decode()[:200])
    if role != "tenant" or items is None:
        return
    owners = {item.get("tenant", item.get("name")) for item in items}
    tell(owners <= {TENANT}, what + " shows its own things only", repr(owners))


def try_one(method, path, operation, role, tenant):
    write = method in ("put", "delete")
    what = "%s %s as %s" % (method.upper(), fill(path, tenant), role)
    answer, text = ask(method.upper(), fill(path, tenant), TOKENS[role],
                       "{}" if method in ("put", "post") else None, NEVER if write else None)
    status = answer.status
    if role == "nobody":
        wanted = status == 401
    elif role == "tenant" and tenant == OTHER and "{tenant}" in path:
        wanted = status in (403, 404)
    elif role in operation["x-mtlb-roles"]:
        wanted = status in (404, 409, 412) if write else status < 300 or status in (404, 409, 412)
    else:
        wanted = status == 403
    tell(wanted, what, "%d %s" % (status, text.decode()[:200]))
    tell(str(status) in operation["responses"] or status in (401, 403), what + " answers as described",
         "%d is not in %s" % (status, sorted(operation["responses"])))
    check_kind(what, answer, text, operation)
    if status == 200 and not path.startswith("/metrics"):
        check_items(what, role, text)
    return status


def walk(node, where=""):
    """Every $ref must lead somewhere."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def main():
    answer, text = ask("GET", "/v1/openapi.json", TOKENS["viewer"])
    document = json.loads(text)
    tell(answer.status == 200 and document["openapi"].startswith("3.1."), "the document is served")
    names = set(document["components"]["schemas"])
    lost = {ref for ref in walk(document) if ref.rsplit("/", 1)[1] not in names}
    tell(not lost, "every reference in it leads somewhere", repr(lost))
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    tell(len(ids) == len(set(ids)), "every operation has a name of its own")
    granted = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path.endswith(("/adopt", "/release")):
                continue  # they have no condition that stops them; the scenario tries them
            for role in ("operator", "viewer", "tenant", "nobody"):
                granted += try_one(method, path, operation, role, TENANT) < 300
                if "{tenant}" in path:
                    try_one(method, path, operation, role, OTHER)
        answer, text = ask("PATCH", fill(path, TENANT), TOKENS["operator"])
        allowed = {word.strip().lower() for word in (answer.getheader("Allow") or "").split(",")}
        tell(answer.status == 405 and allowed - {"head"} == set(operations), "PATCH %s tells what it allows" % path,
             "%d %s" % (answer.status, allowed))
    tell(granted > 20, "requests were granted, too", str(granted))
    return failures > 0


sys.exit(main())
