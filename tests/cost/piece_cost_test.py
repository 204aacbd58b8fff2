#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A byte that comes alone, as a chunk or as a frame of DATA, costs little more than its framing.

Counted are instructions, by callgrind, so that the result does not depend on the machine's load.
piece_cost.cc sends the pieces and calls onehop_measured() for each kind.

    piece_cost_test.py build/.../piece_cost [--all]     --all: also what is within
"""

import sys

import callgrind

# Instructions for each piece, in an optimised build; measured are about two thirds of it.
MOST = {
    "chunks of one byte of a request": 160,
    "chunks of one byte of a response": 160,
    "chunks of one byte of a response, to HTTP/2": 160,
    "chunks with padded sizes": 440,
    "DATA frames of one byte": 1500,
}


def main() -> int:
    failed = 0
    for line, cost in callgrind.calls(sys.argv[1]):
        pieces, name = line.split(" ", 1)
        each = cost / int(pieces)
        most = MOST[name]
        failed += each > most
        if each > most or "--all" in sys.argv:
            print(f"{'FAILED' if each > most else 'ok':6} {each:8.1f} of {most:6} {name}")
    print(f"{failed} kinds of small pieces cost too much")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
