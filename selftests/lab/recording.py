#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes a recording for mtlb-top: a node with busy, limited, attacked and idle tenants.

recording.py SAMPLES MS: so many samples, so many milliseconds apart. Always the same.
"""

import sys

SAMPLES, MS = int(sys.argv[1]), int(sys.argv[2])
BEGIN = 1764201600000  # 2025-11-27 00:00 UTC
FLOWS = 16384

# packets a second, bytes of a packet, new flows a second, active flows, limits, drops a second
TENANTS = {
    "acme": (125000, 1000, 2400, 9000, (0, 0, 0), {}),
    "bulk": (9990, 1400, 3, 40, (10000, 0, 0), {"over_packets": 4200, "bad_l4": 1}),
    "globex": (3000, 200, 100, 16000, (0, 10000000, 1000), {"over_new_flows": 96000, "no_member": 20}),
    "initech": (12, 80, 1, 7, (0, 0, 0), {}),
    "a-tenant-with-a-name-that-is-far-too-long-for-a-column": (2, 60, 0, 1, (0, 0, 0), {}),
}
for number in range(1, 36):
    TENANTS["t%02d" % number] = (0, 0, 0, 0, (1000, 0, 0), {})

SERVICES = {
    ("acme", "web", "TCP", "dsr"): ((3, 0, 0, 0), 0.9),
    ("acme", "dns", "UDP", "ipip"): ((2, 1, 1, 0), 0.1),
    ("globex", "web", "TCP", "nat"): ((0, 2, 0, 0), 1.0),
}
MEMBERS = {
    ("acme", "web", "10.1.0.21:8080", "up"): (0.5, 2, 667),
    ("acme", "web", "10.1.0.22:8080", "up"): (0.25, 1, 333),
    ("acme", "web", "[2001:db8:1::23]:8080", "drain"): (0.15, 1, 0),
    ("globex", "web", "10.2.0.1:80", "down"): (0, 1, 0),
}
# requests a second, answers of 5xx and of 4xx, p50 and p99 in microseconds
ROUTES = {
    ("acme", "orders"): (2400, 24, 120, (1250, 180000)),
    ("acme", "site"): (500, 0, 4, (310, 2100)),
    ("globex", "all"): (40, 40, 0, (0, 0)),
}


def per_sample(rate):
    return rate * MS // 1000


def line(*words):
    print(" ".join(str(word) for word in words))


def counters(rates, share, number):
    """Packets, bytes and flows after so many samples; every fourth sample is a lull."""
    busy = sum(1 if step % 4 else 0.5 for step in range(1, number + 1))
    packets = int(per_sample(rates[0]) * share * busy)
    return packets, packets * rates[1], int(per_sample(rates[2]) * share * busy)


def sample(number):
    line("at", BEGIN + number * MS, "node cpu fill tenant drop service member route")
    line("node edge-1 0.1.0", 4)
    for cpu, busy, softirq in (("cpu0", 50, 45), ("cpu1", 97, 96)):
        line("cpu", cpu, 100 * number, busy * number, softirq * number)
    for name, used, limit in (("flows", 25000, 131072), ("members", 1015, 1024), ("tenants", 40, 1024)):
        line("fill", name, used, limit)
    for name, rates in sorted(TENANTS.items()):
        line("tenant", name, *counters(rates, 1, number), rates[3], FLOWS, *rates[4])
    drops = {("-", "not_vip"): 50}
    for name, rates in TENANTS.items():
        drops.update({(name, reason): rate for reason, rate in rates[5].items()})
    for key, rate in sorted(drops.items()):
        line("drop", *key, per_sample(rate) * number)
    for key, (states, share) in sorted(SERVICES.items()):
        line("service", *key, *counters(TENANTS[key[0]], share, number), *states)
    for key, (share, weight, permille) in sorted(MEMBERS.items()):
        line("member", *key, *counters(TENANTS[key[0]], share, number), weight, permille)
    for key, (rate, failing, slow, times) in sorted(ROUTES.items()):
        line("route", *key, per_sample(rate) * number, per_sample(failing) * number, per_sample(slow) * number, *times)
    print("end")


print("mtlb-top recording 1")
for at in range(SAMPLES):
    sample(at)
