#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No head within the limits costs more than four times what an ordinary head of its size costs.

An ordinary head has the fields that a browser sends, or an application answers with, and grows by
what grows in practice: cookies and tokens. Targets are compared with each other: what is ordinary
there is a path in a script that is not Latin, of which every character is three escapes; looking at
a path that is not plain costs up to 260 instructions a byte, at most 2 million for the 8 KB that a
request line may have, in proportion to it. What is quadratic costs hundreds of times as much.

Counted are instructions, by callgrind, so that the result does not depend on the machine's load.
head_cost.cc makes the heads and calls onehop_measured() for each.

    head_cost_test.py build/.../head_cost [--all]     --all: also what is within the limit
"""

import sys

import callgrind

MOST = 4.0
# What HTTP/2 spares, as nghttp2 has looked at every byte, is not to be made up for.
BESIDE = {"h2": "request", "to-h2": "request", "h2-response": "response"}


def measured(program: str) -> list[tuple[str, int, str, str, int]]:
    """(kind, size, name, verdict, instructions) of each call, in order."""
    rows = []
    for line, cost in callgrind.calls(program):
        head, verdict = line.split("|")
        kind, size, name = head.split(" ", 2)
        rows.append((kind, int(size), name, verdict, cost))
    return rows


def expected(points: list[tuple[int, int]], size: int) -> float:
    """What an ordinary head of that size costs: on the line between the two measured beside it."""
    points = sorted(points)
    if size <= points[0][0]:
        return points[0][1]
    for (low, low_cost), (high, high_cost) in zip(points, points[1:]):
        if size <= high:
            return low_cost + (high_cost - low_cost) * (size - low) / (high - low)
    return points[-1][1] * size / points[-1][0]


def main() -> int:
    rows = measured(sys.argv[1])
    ordinary: dict[str, list[tuple[int, int]]] = {}
    for kind, size, name, _, cost in rows:
        if name == "ordinary":
            ordinary.setdefault(kind, []).append((size, cost))
    failed = 0
    for kind, size, name, verdict, cost in rows:
        times = cost / expected(ordinary[BESIDE.get(kind, kind)], size)
        failed += times > MOST
        if times > MOST or "--all" in sys.argv:
            print(f"{'FAILED' if times > MOST else 'ok':6} {times:6.2f} {cost:9} {kind:8} "
                  f"{size:6} {verdict:8} {name}")
    print(f"{len(rows)} heads, {failed} cost more than {MOST} times an ordinary one")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
