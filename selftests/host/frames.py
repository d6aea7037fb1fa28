#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Every text of a frame (selftests/bpf/packet.h) in the preprocessed C on stdin, as FRAME("...")
lines: seeds for the fuzzers and for the differential test, so that a new scenario becomes one
by itself. Texts in which printf fills something in are left out.
"""
import re
import sys

STRING = r'"(?:[^"\\]|\\.)*"'
FEWEST = 100  # fewer means that something is wrong with this script

frames = set()
for run in re.findall(rf"{STRING}(?:\s*{STRING})*", sys.stdin.read()):
    text = "".join(part[1:-1] for part in re.findall(STRING, run))
    if re.match(r"eth($| )", text) and "%" not in text:
        frames.add(text)
if len(frames) < FEWEST:
    sys.exit(f"frames.py: only {len(frames)} texts of frames were found")
print("/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */")
for text in sorted(frames):
    print(f'FRAME("{text}")')
