#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A replica to put behind onehop: says which one it is, and keeps its connections open.

    replica.py HOST:PORT [NAME]     NAME is the machine's own name if not given

The one idea: HTTP/1.1 with Content-Length and no idle timeout, so that every connection that ends
was ended by the proxy.
"""
import http.server
import signal
import socket
import sys


class Replica(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one write
    name = ""

    def do_GET(self):
        body = f"{self.name} answers {self.path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_request(self, code="-", size="-"):
        pass  # the proxy counts


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # of 5, a few clients at once would fill it


def main():
    if len(sys.argv) not in (2, 3) or ":" not in sys.argv[1]:
        sys.exit("usage: replica.py HOST:PORT [NAME]")
    host, _, port = sys.argv[1].rpartition(":")
    Replica.name = sys.argv[2] if len(sys.argv) == 3 else socket.gethostname()
    # The first process of a container has no default action for SIGTERM: without a handler it
    # would not stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server((host, int(port)), Replica).serve_forever()


if __name__ == "__main__":
    main()
