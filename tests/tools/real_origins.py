# SPDX-License-Identifier: MIT
"""Origins of real libraries that run in threads of a test, and what onehop's admin endpoint says of
them: shared by the scripts here that need WebSockets."""

import asyncio
import hashlib
import http.client
import http.server
import json
import queue
import socket
import struct
import sys
import threading
import time

from onehop_proxy import skip

try:
    import websockets
except ImportError:
    skip("python3-websockets is not installed")

PATIENCE = 30  # seconds until what a test waits for has failed to come


class App(http.server.BaseHTTPRequestHandler):
    """Answers a POST with the SHA-256 of its body, and a GET with a word."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"plain")

    def do_POST(self):
        self.answer(hashlib.sha256(self.body()).hexdigest().encode())

    def body(self):
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        body = b""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return body
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, body, kind="text/plain", more=()):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class HttpOrigin(http.server.ThreadingHTTPServer):
    """A context manager: this handler in a thread of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # those of peers are expected
            super().handle_error(request, client_address)

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()


class WebSocketOrigin:
    """A context manager: a WebSocket server of HTTP/1.1 that sends every message back, but for the
    commands of `answer`. A handshake of another origin than these is refused with 403."""

    def __init__(self, origins=None):
        self.origins = origins
        self.gone = queue.Queue()  # (path, close code) of each that has ended
        self.opened = 0
        self.address = ""
        self.loop = None
        self.stopping = None
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)

    def __enter__(self):
        self.thread.start()
        if not self.ready.wait(PATIENCE):
            raise RuntimeError("the WebSocket server did not start")
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join()

    async def serve(self):
        self.loop, self.stopping = asyncio.get_running_loop(), asyncio.Event()
        async with websockets.serve(self.handle, "127.0.0.1", 0, origins=self.origins,
                                    max_size=None) as server:
            bound = next(iter(server.sockets)).getsockname()
            self.address = f"127.0.0.1:{bound[1]}"
            self.ready.set()
            await self.stopping.wait()

    async def handle(self, peer):
        self.opened += 1
        # Where the library keeps it has changed with its version 13.
        path = peer.path if hasattr(peer, "path") else peer.request.path
        try:
            async for message in peer:
                await self.answer(peer, message)
        except websockets.ConnectionClosed:
            pass
        finally:
            self.gone.put((path, peer.close_code))

    async def answer(self, peer, message):
        word = message.split(" ") if isinstance(message, str) else [""]
        if word[0] == "close":
            await peer.close(int(word[1]), word[2])
        elif word[0] == "ping":
            await (await peer.ping(word[1]))
            await peer.send("ponged")
        elif word[0] == "break":  # a reset instead of an end
            raw = peer.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.transport.abort()
        elif word[0] == "pour":  # more than all windows and buffers on the way hold
            for _ in range(int(word[1])):
                await peer.send(bytes(65536))
        else:
            await peer.send(message)

    def wait_gone(self):
        """The next that has ended, as (path, close code)."""
        return self.gone.get(timeout=PATIENCE)


def routes(app, sockets, listener):
    """A configuration that sends /socket to the one and all else to the other."""
    return f"""[server]
workers = 1
drain = "2s"
drain_idle = "1ms"
[[listener]]
address = "127.0.0.1:0"
{listener}
[[route]]
path = "/socket"
upstream = "sockets"
[[route]]
upstream = "app"
[upstream.app]
endpoints = ["{app}"]
[upstream.sockets]
endpoints = ["{sockets}"]
[admin]
listen = "127.0.0.1:0"
"""


class Stats:
    """The document of /stats of a Proxy that has just started."""

    def __init__(self, proxy):
        self.address = ""
        for line in proxy.process.stdout:
            if line.startswith("admin on "):
                self.address = line.split()[2]
                break

    def read(self):
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        connection.request("GET", "/stats")
        document = json.loads(connection.getresponse().read())
        connection.close()
        return document

    def wait(self, what, condition):
        """The first document of which the condition is true."""
        end, pause = time.monotonic() + PATIENCE, threading.Event()
        while True:
            document = self.read()
            if condition(document):
                return document
            if time.monotonic() > end:
                raise AssertionError(f"{what}: {json.dumps(document)}")
            pause.wait(0.01)


def endpoint(document, upstream):
    """What /stats says of the only endpoint of an upstream."""
    return next(iter(document["upstreams"][upstream]["endpoints"].values()))


def is_quiet(document):
    """Whether nothing is in flight, on either side."""
    return document["downstream"]["requests"]["in_flight"] == 0 and all(
        endpoint(document, name)["requests"]["in_flight"] == 0 for name in document["upstreams"])
