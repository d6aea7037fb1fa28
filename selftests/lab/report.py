#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the demo did, in tables: report.py DIRECTORY KILLED FOUND BOUND.

DIRECTORY holds the attempts (loop.*, as request_loop of lib.sh writes them) and what mtlb said
({tenants,backends,routes,drops}.json). KILLED and FOUND are when a backend died and when the agent said
so, in ms; attempts that overlap KILLED..KILLED+BOUND may fail. Exits 1 when any other attempt
failed, or when a tenant was answered by a backend that is not its own.
"""

import glob
import json
import sys
from collections import Counter, defaultdict

TENANTS = {"10": "acme", "20": "globex", "53": "initech"}
SITES = {"https://acme.test/": "acme, HTTPS", "https://globex.test/": "globex, HTTPS"}
BACKENDS = {"acme": {"be1", "be2", "be3"}, "acme, HTTPS": {"be1", "be2", "be3"},
            "globex, HTTPS": {"be4", "be5", "be6"}}
ALL = {"be%d" % number for number in range(1, 7)}


def tenant_of(target):
    if target in SITES:
        return SITES[target]
    host = target.replace("http://", "").split("/")[0].split(",")[0].lstrip("@")
    if host.startswith("["):
        host = host[1:host.index("]")]
    elif "." in host:
        host = host.split(":")[0]
    return TENANTS[host.replace(":", ".").split(".")[-1]]


def attempts(directory):
    for name in glob.glob(directory + "/loop.*"):
        with open(name) as file:
            for line in file:
                _, code, start, end, backend, target, number = line.split()
                yield code == "200", int(start), int(end), backend, tenant_of(target), int(number)


def said(directory, name):
    with open("%s/%s.json" % (directory, name)) as file:
        answer = json.load(file)
    return answer["items"] if isinstance(answer, dict) else answer


def table(head, rows):
    rows = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for number, row in enumerate(rows):
        print("  " + "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))
    print()


def main(directory, killed, found, bound):
    killed, found, bound = int(killed), int(found), int(bound)
    requests, meanwhile, failed, wrong = Counter(), Counter(), Counter(), Counter()
    lost, retried = [], 0
    for good, start, end, backend, tenant, number in attempts(directory):
        requests[tenant] += number == 1
        if good:
            wrong[tenant] += backend not in BACKENDS.get(tenant, ALL)
        elif start < killed + bound and end > killed:
            meanwhile[tenant] += 1
            lost.append(start)
            retried += number == 1
        else:
            failed[tenant] += 1

    print("\nRequests, as the clients saw them")
    table(["tenant", "requests", "failed during failover", "failed otherwise", "wrong backend"],
          [[tenant, requests[tenant], meanwhile[tenant], failed[tenant], wrong[tenant]]
           for tenant in sorted([*TENANTS.values(), *SITES.values()])])

    print("The dataplane's own account (mtlb -j tenant list)")
    table(["tenant", "packets", "bytes", "new flows", "flows kept", "dropped"],
          [[t["name"], t["packets"], t["bytes"], t["newFlows"],
            "%d of %d" % (t["flows"]["used"], t["flows"]["max"]), t["drops"]]
           for t in said(directory, "tenants")])

    print("New flows per backend (mtlb -j backend list)")
    flows = defaultdict(Counter)
    for backend in said(directory, "backends"):
        flows[backend["tenant"]]["be" + backend["address"][-1]] += backend["newFlows"]
    table(["tenant"] + sorted(ALL),
          [[tenant] + ["%.1f %%" % (100 * flows[tenant][name] / max(flows[tenant].total(), 1))
                       if name in flows[tenant] else "-" for name in sorted(ALL)]
           for tenant in sorted(flows)])

    print("Requests of HTTP, as the workers counted them since the agent came back (mtlb -j route list)")
    table(["route", "requests", "2xx", "5xx", "p50 ms", "p99 ms"],
          [["%s/%s" % (r["tenant"], r["name"]), r["requests"], r["answers"]["2xx"], r["answers"]["5xx"],
            r["p50Ms"], r["p99Ms"]] for r in said(directory, "routes")])

    drops = said(directory, "drops")
    print("Packets not forwarded, by reason (mtlb -j drop list)")
    table(["tenant", "reason", "verdict", "packets"],
          [[d["tenant"], d["reason"], d["verdict"], d["packets"]] for d in drops])

    last = "no request was lost" if not lost else "last lost request began %d ms after" % (
        max(lost) - killed)
    print("Failover: the agent said \"down\" %d ms after the kill; %s (bound: %d ms).\n" %
          (found - killed, last, bound))
    if failed.total() or wrong.total() or not requests.total():
        print("FAILED: %d requests failed that must succeed, %d were answered by a stranger." %
              (failed.total(), wrong.total()))
        return 1
    print("All %d requests that must succeed succeeded; %d met the failover and were tried again." %
          (requests.total() - retried, retried))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
