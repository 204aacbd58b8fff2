#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client made of Python's h2 library, over TLS with ALPN, and an origin made of it, too: onehop
speaks HTTP/2 with both."""

import socket
import ssl
import sys
import tempfile
import threading

from onehop_proxy import (Proxy, arguments, config, make_certificate, need_programs, skip,
                          tls_listener)

try:
    import h2.config
    import h2.connection
    import h2.events
except ImportError:
    skip("python3-h2 is not installed")

STREAMS = 50
BODY = b"0123456789abcdef" * 20000  # 320 KB, larger than a first window


def pump(sock, conn, handle):
    """Hands events to `handle` until it returns True or the connection ends."""
    while True:
        sock.sendall(conn.data_to_send())
        data = sock.recv(65536)
        if not data:
            return False
        for event in conn.receive_data(data):
            if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if handle(event):
                sock.sendall(conn.data_to_send())
                return True


class Sender:
    """Bodies that wait for their windows."""

    def __init__(self, conn):
        self.conn = conn
        self.left = {}

    def send(self, stream, body):
        self.left[stream] = body
        self.go_on()

    def go_on(self):
        for stream, body in list(self.left.items()):
            while body:
                size = min(self.conn.local_flow_control_window(stream),
                           self.conn.max_outbound_frame_size, len(body))
                if size <= 0:
                    break
                self.conn.send_data(stream, body[:size], end_stream=size == len(body))
                body = body[size:]
            self.left[stream] = body
            if not body:
                del self.left[stream]


def serve_connection(sock):
    """Sends back what it gets, with a trailer's worth of fields in the head."""
    conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    conn.initiate_connection()
    sender, bodies = Sender(conn), {}

    def handle(event):
        if isinstance(event, h2.events.RequestReceived):
            bodies[event.stream_id] = b""
        elif isinstance(event, h2.events.DataReceived):
            bodies[event.stream_id] += event.data
        elif isinstance(event, h2.events.StreamEnded):
            body = bodies.pop(event.stream_id)
            conn.send_headers(event.stream_id, [(":status", "200"), ("x-origin", "h2")],
                              end_stream=not body)
            if body:
                sender.send(event.stream_id, body)
        sender.go_on()

    try:
        pump(sock, conn, handle)
    except OSError:
        return


def serve(listener):
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve_connection, args=(sock,), daemon=True).start()


def ask(address, cert):
    host, port = address.split(":")
    context = ssl.create_default_context(cafile=cert)
    context.set_alpn_protocols(["h2"])
    sock = context.wrap_socket(socket.create_connection((host, int(port)), 20),
                               server_hostname="localhost")
    assert sock.selected_alpn_protocol() == "h2"
    conn = h2.connection.H2Connection()
    conn.initiate_connection()
    sender, bodies, heads = Sender(conn), {}, {}
    for number in range(STREAMS):
        stream = conn.get_next_available_stream_id()
        conn.send_headers(stream, [(":method", "POST"), (":scheme", "https"),
                                   (":authority", "localhost"), (":path", f"/{number}")])
        bodies[stream] = b""
        sender.send(stream, BODY[number:])
    left = set(bodies)

    def handle(event):
        assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)), event
        if isinstance(event, h2.events.ResponseReceived):
            heads[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            bodies[event.stream_id] += event.data
        elif isinstance(event, h2.events.StreamEnded):
            left.discard(event.stream_id)
        sender.go_on()
        return not left

    assert pump(sock, conn, handle), "the connection ended early"
    for number, stream in enumerate(sorted(bodies)):
        assert heads[stream][b":status"] == b"200" and heads[stream][b"x-origin"] == b"h2"
        assert bodies[stream] == BODY[number:], number
    conn.close_connection()
    sock.sendall(conn.data_to_send())
    sock.close()


def main():
    binary = arguments()
    need_programs("openssl")
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    endpoint = f"127.0.0.1:{listener.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(folder)
        text = config(endpoint, listener=tls_listener(cert, key), upstream='protocol = "h2"')
        with Proxy(binary, text) as proxy:
            for _ in range(2):
                ask(proxy.address, cert)
    print(f"{STREAMS} streams at a time came back as they were sent")


if __name__ == "__main__":
    sys.exit(main())
