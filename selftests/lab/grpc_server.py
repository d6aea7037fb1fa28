#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A gRPC server with grpc.health.v1.Health/Check, and nothing else.

  grpc_server.py PORT STATUSES    a line of the file STATUSES: SERVICE STATUS, such as acme.Orders 1

The protocol is that of gRPC's own library; the two messages are made by hand, byte by byte.
"""
import sys
from concurrent import futures

import grpc


def statuses(path):
    with open(path) as file:
        return dict(line.split() for line in file)


class Health(grpc.GenericRpcHandler):
    def __init__(self, path):
        self.path = path

    def check(self, request, context):
        name = request[2:].decode()  # field 1, a short text
        known = statuses(self.path)
        if name not in known:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return bytes([8, int(known[name])])

    def service(self, details):
        if details.method != "/grpc.health.v1.Health/Check":
            return None
        return grpc.unary_unary_rpc_method_handler(self.check)


def main(port, path):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2), handlers=[Health(path)])
    server.add_insecure_port("[::]:" + port)
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


main(*sys.argv[1:])
