# SPDX-License-Identifier: MIT
"""Origins that say what reached them: one for HTTP/1.1, one for HTTP/2 that may refuse.

The one idea: a few requests each, so they are threads of this process and their counts are plain
attributes. What is to be loaded is `bench_origin`.
"""
import contextlib
import dataclasses
import http.server
import socket
import threading

from lib import h2_frames, netns

PATIENCE_S = 10


@dataclasses.dataclass(frozen=True)
class Seen:
    target: str
    fields: object  # an email.message.Message: [(name, value), ...] by items()
    version: str


class Witness:
    """Answers every request with 200 and keeps what it was in `seen`. It never closes first, but
    where it is asked to. `connections` are those that brought a request."""

    def __init__(self, network=netns.Loopback()):
        witness = self
        self.seen, self.connections = [], 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            first = True

            def do_GET(self):
                witness.connections += self.first
                self.first = False
                witness.seen.append(Seen(self.path, self.headers, self.request_version))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a proxy that is stopped leaves connections behind

        with network.inside("origin"):
            self.server = Server((network.listen_address("origin"), 0), Handler)
        self.address = (network.origin_host(), self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class H2Origin:
    """Speaks HTTP/2 with prior knowledge. Answers each stream with 200, or refuses it unseen."""

    def __init__(self, refuses):
        self.refuses = refuses
        self.streams = 0  # requests that came
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.settimeout(PATIENCE_S)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        received = bytearray()
        with connection, contextlib.suppress(OSError):
            connection.sendall(h2_frames.settings())
            while piece := connection.recv(65536):
                received += piece
                if received.startswith(h2_frames.PREFACE):
                    del received[:len(h2_frames.PREFACE)]
                for kind, flags, stream, payload in h2_frames.frames_of(received):
                    connection.sendall(self._answer(kind, flags, stream, payload))

    def _answer(self, kind, flags, stream, payload):
        acknowledged = flags & h2_frames.ACK
        if kind == h2_frames.SETTINGS and not acknowledged:
            return h2_frames.frame(h2_frames.SETTINGS, h2_frames.ACK)
        if kind == h2_frames.PING and not acknowledged:
            return h2_frames.frame(h2_frames.PING, h2_frames.ACK, 0, payload)
        if kind != h2_frames.HEADERS:
            return b""
        self.streams += 1
        if self.refuses:
            return h2_frames.reset(stream, h2_frames.REFUSED_STREAM)
        return h2_frames.frame(h2_frames.HEADERS, h2_frames.END_STREAM | h2_frames.END_HEADERS,
                               stream, h2_frames.STATUS_200)
