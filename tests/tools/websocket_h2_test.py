#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""WebSockets on streams of HTTP/2 (RFC 8441), to a WebSocket server that knows HTTP/1.1 only: a
client of Python's h2 and wsproto, onehop, and Python's websockets, in the clear and over TLS."""

import hashlib
import socket
import ssl
import sys
import tempfile
import time

from onehop_proxy import (Proxy, arguments, make_certificate, need_programs, skip, tls_listener)
from real_origins import (PATIENCE, App, HttpOrigin, Stats, WebSocketOrigin, endpoint, is_quiet,
                          routes)

try:
    import h2.connection
    import h2.errors
    import h2.events
except ImportError:
    skip("python3-h2 is not installed")
try:
    import wsproto.connection
    import wsproto.events
    from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
except ImportError:
    skip("python3-wsproto is not installed")

LARGE = bytes(range(256)) * 4096  # 1 MiB
MANY = 20
FRIEND, STRANGER = "https://localhost", "https://elsewhere.example"  # origins of pages


class Stream:
    """What has come on a stream; with a WebSocket on it when its CONNECT was agreed to."""

    def __init__(self, number, is_socket):
        self.number = number
        self.is_socket = is_socket
        self.ends_with_data = not is_socket  # when all that waits to be sent has been
        self.head = {}
        self.body = b""
        self.ended = False
        self.reset = None  # the code of a RST_STREAM
        self.web = None
        self.parts = []
        self.messages = []
        self.pings = []
        self.pongs = []
        self.closed = None  # (code, reason) of the other side's Close
        self.unread = False  # its window is not opened again
        self.held = 0

    def finished(self):
        return self.ended or self.reset is not None

    def status(self):
        return self.head.get(":status")


class Client:
    """One connection of HTTP/2, driven by whoever waits for something on it."""

    def __init__(self, address, cert):
        host, port = address.split(":")
        self.scheme = "https" if cert else "http"
        self.sock = socket.create_connection((host, int(port)), PATIENCE)
        if cert:
            context = ssl.create_default_context(cafile=cert)
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
            assert self.sock.selected_alpn_protocol() == "h2"
        self.conn = h2.connection.H2Connection()
        self.conn.initiate_connection()
        self.streams = {}
        self.left = {}  # what waits for a window: stream -> bytes
        self.settled = False
        self.wait("SETTINGS", lambda: self.settled)

    def open(self, fields, is_socket):
        stream = Stream(self.conn.get_next_available_stream_id(), is_socket)
        self.streams[stream.number] = stream
        self.conn.send_headers(stream.number, fields, end_stream=False)
        return stream

    def post(self, path, body):
        stream = self.open([(":method", "POST"), (":scheme", self.scheme),
                            (":authority", "localhost"), (":path", path)], False)
        self.left[stream.number] = body
        self.go_on()
        return stream

    def connect(self, path, origin=FRIEND):
        return self.open([(":method", "CONNECT"), (":protocol", "websocket"),
                          (":scheme", self.scheme), (":authority", "localhost"), (":path", path),
                          ("sec-websocket-version", "13"), ("origin", origin)], True)

    def websocket(self, path):
        stream = self.connect(path)
        self.wait("the answer to a CONNECT", lambda: stream.head)
        assert stream.status() == "200", stream.head
        return stream

    def say(self, stream, event):
        self.left[stream.number] = self.left.get(stream.number, b"") + stream.web.send(event)
        self.go_on()

    def cancel(self, stream):
        self.conn.reset_stream(stream.number, h2.errors.ErrorCodes.CANCEL)
        self.left.pop(stream.number, None)
        self.flush()

    def close(self):
        self.conn.close_connection()
        self.flush()
        self.sock.close()

    def go_on(self):
        """Sends what the windows allow; a request ends with its body, a WebSocket does not."""
        for number, body in list(self.left.items()):
            while body:
                size = min(self.conn.local_flow_control_window(number),
                           self.conn.max_outbound_frame_size, len(body))
                if size <= 0:
                    break
                last = size == len(body) and self.streams[number].ends_with_data
                self.conn.send_data(number, body[:size], end_stream=last)
                body = body[size:]
            self.left[number] = body
            if not body:
                del self.left[number]

    def flush(self):
        self.sock.sendall(self.conn.data_to_send())

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.flush()
            if condition():
                return
            self.sock.settimeout(max(end - time.monotonic(), 0.001))
            try:
                data = self.sock.recv(65536)
            except TimeoutError as error:
                raise AssertionError(f"waited in vain for {what}") from error
            assert data, f"the connection ended before {what}"
            for event in self.conn.receive_data(data):
                self.handle(event)
            self.go_on()
            self.flush()

    def handle(self, event):
        assert not isinstance(event, h2.events.ConnectionTerminated), event
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.settled = True
        stream = self.streams.get(getattr(event, "stream_id", None))
        if stream is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            stream.head = {name.decode(): value.decode() for name, value in event.headers}
            if stream.is_socket and stream.status() == "200":
                stream.web = wsproto.connection.Connection(wsproto.connection.ConnectionType.CLIENT)
        elif isinstance(event, h2.events.DataReceived):
            self.take(stream, event)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset = event.error_code
            self.left.pop(stream.number, None)

    def take(self, stream, event):
        size = event.flow_controlled_length
        if stream.unread:
            stream.held += size
            self.conn.increment_flow_control_window(size)  # of the connection alone
        elif size:
            self.conn.acknowledge_received_data(size, stream.number)
        if stream.web is None:
            stream.body += event.data
            return
        if not event.data:
            return  # END_STREAM alone
        stream.web.receive_data(event.data)
        for each in stream.web.events():
            self.hear(stream, each)

    def hear(self, stream, event):
        if isinstance(event, Ping):
            stream.pings.append(bytes(event.payload))
            self.say(stream, event.response())
        elif isinstance(event, Pong):
            stream.pongs.append(bytes(event.payload))
        elif isinstance(event, CloseConnection):
            stream.closed = (int(event.code), event.reason)
            if stream.web.state == wsproto.connection.ConnectionState.REMOTE_CLOSING:
                self.say(stream, event.response())
            stream.ends_with_data = True
            if stream.number not in self.left:
                self.conn.end_stream(stream.number)
        else:
            stream.parts.append(event.data)
            if event.message_finished:
                empty = "" if isinstance(event, TextMessage) else b""
                stream.messages.append(empty.join(stream.parts))
                stream.parts = []

    def heard(self, stream, message):
        """Waits for the next message and wants it to be this one."""
        self.wait("a message", lambda: stream.messages or stream.finished())
        assert stream.messages, (stream.ended, stream.reset)
        got = stream.messages.pop(0)
        assert type(got) is type(message) and got == message, (len(got), len(message))

    def ends(self, stream):
        """Waits for END_STREAM, which no RST_STREAM may come instead of."""
        self.wait("END_STREAM", stream.finished)
        assert stream.ended and stream.reset is None, stream.reset


def check_messages(client, origin):
    stream = client.websocket("/socket/messages")
    # A 101 has become the 200 of a stream: nothing of HTTP/1.1's framing goes with it.
    for name in ("connection", "upgrade", "transfer-encoding", "content-length"):
        assert name not in stream.head, stream.head
    for message in ("hello", "grüße, ☃", "", b"", b"\x00\xff" * 100):
        client.say(stream, (TextMessage if isinstance(message, str) else BytesMessage)(message))
        client.heard(stream, message)
    text = LARGE.hex()[:len(LARGE)]
    client.say(stream, BytesMessage(LARGE))
    client.say(stream, TextMessage(text))
    client.heard(stream, LARGE)
    client.heard(stream, text)
    # Fragments, with a Ping between them.
    client.say(stream, TextMessage("one, ", message_finished=False))
    client.say(stream, Ping(b"between"))
    client.say(stream, TextMessage("two", message_finished=True))
    client.heard(stream, "one, two")
    assert stream.pongs == [b"between"], stream.pongs
    client.say(stream, TextMessage("ping from-the-server"))
    client.heard(stream, "ponged")
    assert stream.pings == [b"from-the-server"], stream.pings
    # The client closes; the server's Close answers with the same code.
    client.say(stream, CloseConnection(4000, "goodbye"))
    client.ends(stream)
    assert stream.closed == (4000, "goodbye"), stream.closed
    assert origin.wait_gone() == ("/socket/messages", 4000)


def check_server_closes(client, origin):
    stream = client.websocket("/socket/closed?by=server")
    client.say(stream, TextMessage("close 4001 enough"))
    client.ends(stream)
    assert stream.closed == (4001, "enough"), stream.closed
    assert origin.wait_gone() == ("/socket/closed?by=server", 4001)


def check_many(client, origin):
    """WebSockets and requests at a time, their frames mixed."""
    streams = [client.websocket(f"/socket/{each}") for each in range(MANY)]
    bodies = [LARGE[each:each + 200000] for each in range(MANY)]
    posts = []
    for stream, body in zip(streams, bodies):
        client.say(stream, BytesMessage(body))
        posts.append(client.post("/echo", body))
        client.say(stream, TextMessage(f"number {stream.number}"))
    for stream, post, body in zip(streams, posts, bodies):
        client.heard(stream, body)
        client.heard(stream, f"number {stream.number}")
        client.ends(post)
        assert post.status() == "200", post.head
        assert post.body.decode() == hashlib.sha256(body).hexdigest()
    for stream in streams:
        client.say(stream, CloseConnection(1000))
    for stream in streams:
        client.ends(stream)
        assert stream.closed[0] == 1000, stream.closed
    gone = {origin.wait_gone() for _ in streams}
    assert gone == {(f"/socket/{each}", 1000) for each in range(MANY)}, gone


def check_stalled(client, origin):
    """One whose client does not read holds up its own server, and nobody else."""
    stalled = client.websocket("/socket/stalled")
    stalled.unread = True
    client.say(stalled, TextMessage("pour 1024"))  # 64 MiB
    client.wait("a full window", lambda: stalled.held == 65535)
    other = client.websocket("/socket/other")
    client.say(other, BytesMessage(LARGE))
    client.heard(other, LARGE)
    assert stalled.held == 65535, stalled.held
    client.say(other, CloseConnection(1000))
    client.ends(other)
    assert origin.wait_gone() == ("/socket/other", 1000)
    client.cancel(stalled)
    assert origin.wait_gone() == ("/socket/stalled", 1006)


def check_refused(client):
    # The second: an answer without a switch is no WebSocket, however content it sounds.
    for path, origin, status in (("/socket/refused", STRANGER, "403"),
                                 ("/plain", FRIEND, "502")):
        stream = client.connect(path, origin)
        client.wait("an answer in full", stream.finished)
        assert stream.ended and stream.status() == status, (stream.head, stream.reset)
        assert stream.body, "an error says what it is"
        # The client's half is still open, and not wanted any more (RFC 9113 8.1).
        client.wait("the end of both halves", lambda: stream.reset is not None)
        assert stream.reset == h2.errors.ErrorCodes.NO_ERROR, stream.reset


def check_breaks(client, origin):
    stream = client.websocket("/socket/cancelled")
    client.say(stream, TextMessage("hello"))
    client.heard(stream, "hello")
    client.cancel(stream)
    assert origin.wait_gone() == ("/socket/cancelled", 1006)
    stream = client.websocket("/socket/broken")
    client.say(stream, TextMessage("break"))
    client.wait("RST_STREAM", stream.finished)
    assert stream.reset is not None and not stream.ended, "a reset has become an end"
    assert origin.wait_gone() == ("/socket/broken", 1006)
    for each in range(3):
        client.websocket(f"/socket/left/{each}")
    client.sock.close()
    gone = {origin.wait_gone() for _ in range(3)}
    assert gone == {(f"/socket/left/{each}", 1006) for each in range(3)}, gone


def check_stats(stats, origin):
    document = stats.wait("everything ends", lambda now: is_quiet(now)
                          and now["downstream"]["connections"]["open"] == 0)
    connections = document["downstream"]["connections"]
    assert connections["accepted_total"] == connections["h2_total"] == 2, connections
    sockets, app = endpoint(document, "sockets"), endpoint(document, "app")
    tunnels = sockets["requests"]["by_class"]
    assert tunnels["1xx"] == origin.opened, (tunnels, origin.opened)
    assert tunnels["4xx"] == 1, tunnels
    assert app["requests"]["by_class"]["2xx"] >= MANY, app["requests"]
    assert sockets["connections"]["open"] == 0, sockets["connections"]
    total = sockets["requests"]["total"] + app["requests"]["total"]
    assert document["downstream"]["requests"]["total"] == total, document["downstream"]["requests"]


def check(binary, listener, cert):
    with HttpOrigin(App) as app, WebSocketOrigin([FRIEND]) as origin:
        with Proxy(binary, routes(app.address, origin.address, listener)) as proxy:
            stats = Stats(proxy)
            client = Client(proxy.address, cert)
            assert client.conn.remote_settings.enable_connect_protocol == 1
            check_messages(client, origin)
            check_server_closes(client, origin)
            check_many(client, origin)
            check_stalled(client, origin)
            check_refused(client)
            client.close()
            check_breaks(Client(proxy.address, cert), origin)
            check_stats(stats, origin)


def main():
    binary = arguments()
    need_programs("openssl")
    check(binary, "", None)
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(folder)
        check(binary, tls_listener(cert, key), cert)
    print("WebSockets over HTTP/2 went through as they should")


if __name__ == "__main__":
    sys.exit(main())
