#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Node's http2 module as the client of onehop over TLS, and as its origin."""

import os
import subprocess
import sys
import tempfile

from onehop_proxy import (Proxy, arguments, config, make_certificate, need_programs, tls_listener)

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    binary = arguments()
    need_programs("node", "openssl")
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(folder)
        origin = subprocess.Popen(["node", os.path.join(HERE, "node_origin.js")], text=True,
                                  stdout=subprocess.PIPE)
        try:
            endpoint = f"127.0.0.1:{origin.stdout.readline().split()[1]}"
            text = config(endpoint, listener=tls_listener(cert, key), upstream='protocol = "h2"')
            with Proxy(binary, text) as proxy:
                port = proxy.address.split(":")[1]
                subprocess.run(["node", os.path.join(HERE, "node_client.js"),
                                f"https://localhost:{port}", cert], check=True, timeout=40)
        finally:
            origin.kill()
            origin.wait()
            origin.stdout.close()


if __name__ == "__main__":
    sys.exit(main())
