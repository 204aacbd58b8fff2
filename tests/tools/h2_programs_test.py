#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""curl, nghttp and h2load through onehop: with prior knowledge and by ALPN over TLS, to an origin
of HTTP/1.1 and, through a second onehop, of HTTP/2."""

import hashlib
import http.server
import os
import re
import subprocess
import sys
import tempfile
import threading

from onehop_proxy import Proxy, arguments, config, make_certificate, need_programs, tls_listener

BODY = bytes(range(251)) * 8000  # 2 MB


class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(BODY if self.path == "/large" else b"small")

    def do_POST(self):
        if "Content-Length" in self.headers:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        else:
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        self.answer(hashlib.sha256(body).hexdigest().encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # more than h2load has streams, each of which may dial


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, timeout=40,
                          stdin=subprocess.DEVNULL).stdout


def check_curl(base, flag, cert, folder):
    curl = ["curl", "-s", "-S", "--fail", "--max-time", "30", flag, "--cacert", cert]
    version = run(*curl, "-o", os.devnull, "-w", "%{http_version}", base + "/small")
    assert version == b"2", version
    assert run(*curl, base + "/large") == BODY
    upload = os.path.join(folder, "upload")
    with open(upload, "wb") as file:
        file.write(BODY)
    digest = hashlib.sha256(BODY).hexdigest().encode()
    assert run(*curl, "--data-binary", "@" + upload, base + "/") == digest
    empty = hashlib.sha256(b"").hexdigest().encode()
    assert run(*curl, "-X", "POST", "-T", "-", base + "/") == empty
    if base.startswith("http:"):
        return  # with prior knowledge curl 7.88 cannot use a connection twice, whoever serves it
    assert run(*curl, base + "/small", base + "/small") == b"smallsmall"
    # Many at a time on one connection.
    urls = [base + "/large"] * 10
    assert len(run(*curl, "--parallel", *urls)) == 10 * len(BODY)


def check_nghttp(base):
    out = run("nghttp", "-v", "--no-verify-peer", base + "/small").decode()
    assert ":status: 200" in out and "small" in out, out
    assert run("nghttp", "--no-verify-peer", base + "/large") == BODY
    # Trailers, padding, and a small window.
    out = run("nghttp", "-v", "--no-verify-peer", "-w", "14", "-b", "20", "-d", __file__,
              "--trailer", "x-tail: 1", base + "/").decode()
    assert ":status: 200" in out, out


def check_h2load(base):
    out = run("h2load", "-n", "2000", "-c", "10", "-m", "50", base + "/small").decode()
    found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", out)
    assert found and found.groups() == ("2000", "0", "0"), out
    assert "2000 2xx" in out, out


def main():
    binary = arguments()
    need_programs("curl", "nghttp", "h2load", "openssl")
    server = Server(("127.0.0.1", 0), App)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"127.0.0.1:{server.server_address[1]}"
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(folder)
        tls = tls_listener(cert, key)
        up = f'[upstream.app.tls]\nca = "{cert}"\n'
        with Proxy(binary, config(origin, listener=tls)) as inner, \
                Proxy(binary, config(origin)) as plain, \
                Proxy(binary, config(inner.address, listener=tls, upstream='protocol = "h2"',
                                     more=up)) as secure:
            for base, flag in ((f"http://{plain.address}", "--http2-prior-knowledge"),
                               (f"https://{secure.address}", "--http2")):
                check_curl(base, flag, cert, folder)
                check_nghttp(base)
                check_h2load(base)
    server.shutdown()
    print("curl, nghttp and h2load were served as they should be")


if __name__ == "__main__":
    sys.exit(main())
