#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bench over TLS and HTTP/2: requests, handshakes and bulk over onehop and its peers.

It is run.py with the loads and proxies of TLS. bench/README.md says what is measured and how to
read it.
"""
import sys

import run

if __name__ == "__main__":
    sys.exit(run.main("tls"))
