#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Digests of what is in pinned array maps, byte for byte.

  maps.py FILE...        a line for each that is an array: DIGEST FILE

Needs root, and x86-64 or arm64.
"""

import ctypes
import hashlib
import mmap
import os
import platform
import struct
import sys

BPF_OBJ_GET = 7
ARRAY = 2
SYSCALL = {"x86_64": 321, "aarch64": 280}[platform.machine()]


def open_pin(path):
    name = ctypes.create_string_buffer(os.fsencode(path))
    attributes = struct.pack("QII", ctypes.addressof(name), 0, 0)
    fd = ctypes.CDLL(None, use_errno=True).syscall(SYSCALL, BPF_OBJ_GET, attributes, len(attributes))
    if fd < 0:
        sys.exit(f"{path}: {os.strerror(ctypes.get_errno())}")
    return fd


def facts(fd):
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as lines:
        return dict(line.split(":", 1) for line in lines)


for path in sys.argv[1:]:
    fd = open_pin(path)
    info = facts(fd)
    if int(info["map_type"]) == ARRAY:
        size = int(info["value_size"]) * int(info["max_entries"])
        with mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ) as memory:
            print(hashlib.sha256(memory).hexdigest(), os.path.basename(path))
    os.close(fd)
