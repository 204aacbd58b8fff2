#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Linux tells a client whose request met the end of its connection: one row per way in which
that can happen. Settles when it is proven that the application saw nothing of the request
(docs/decisions/0049-what-proves-a-request-unseen.md).

As root:  unseen.py [CASE]

Over a wire that this program holds (tests/tools/held_wire.py): no frame moves before it says so."""

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys
import termios
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/tools"))
from held_wire import CLIENT, SERVER, SERVER_IP, inside, network  # pylint: disable=C0413

REQUEST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PATIENCE = 5
STATES = ("", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
          "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING")


class Seen:
    """What the kernel says of the client's socket. Reading SO_ERROR clears it, so that is last."""

    def __init__(self, client):
        raw = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        self.state = STATES[raw[0]]
        self.unacked, = struct.unpack_from("I", raw, 24)
        self.rtt, = struct.unpack_from("I", raw, 68)
        self.bytes_acked, = struct.unpack_from("Q", raw, 120)
        self.notsent, = struct.unpack_from("I", raw, 144)
        self.retransmits, = struct.unpack_from("I", raw, 100)
        outq = ctypes.create_string_buffer(4)
        fcntl.ioctl(client, termios.TIOCOUTQ, outq)
        self.outq, = struct.unpack("i", outq.raw)


def name_of(number):
    return errno.errorcode.get(number, "0") if number else "0"


def try_to(act):
    try:
        result = act()
        return str(len(result)) if isinstance(result, (bytes, tuple)) else str(result)
    except OSError as error:
        return name_of(error.errno)


class Connection:
    """A pooled connection: one request has been answered on it."""

    def __init__(self, wire):
        self.wire = wire
        with inside(SERVER):
            listener = socket.socket()
            listener.bind((SERVER_IP, 0))
            listener.listen()
        with inside(CLIENT):
            self.client = socket.socket()
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
        self.client.setblocking(False)
        self.client.connect_ex(listener.getsockname())
        listener.setblocking(False)
        end = time.monotonic() + PATIENCE
        self.server = None
        while self.server is None and time.monotonic() < end:
            wire.both()
            with contextlib.suppress(BlockingIOError):
                self.server, _ = listener.accept()
        listener.close()
        self.server.setblocking(False)
        self.fresh = Seen(self.client).bytes_acked
        self.sent = 0
        for _ in range(2):
            self.send()
            wire.both()
            self.server.recv(65536)
            self.server.send(ANSWER)
            wire.both()
            self.client.recv(65536)
        wire.both(0.1)  # delayed acknowledgements
        self.before = Seen(self.client)
        self.begun_at = self.sent
        wire.seen.clear()
        self.failed_send = "-"

    def send(self, data=REQUEST):
        try:
            self.sent += self.client.send(data)
        except OSError as error:
            self.failed_send = name_of(error.errno)

    def read_by_app(self):
        """What the application gets."""
        self.wire.both()
        return self.server.recv(65536)

    def reset_by_app(self):
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.close()

    def close(self):
        self.client.close()
        self.server.close()


# Each case: what happens after the warm-up; whether the application read something of the request.
def closed_before(c):
    """a: FIN came before the request was sent"""
    c.server.close()
    c.wire.both()
    c.send()
    c.wire.both()
    return False


def closed_before_early(c):
    """a: the same, looked at before the answer to the request has come"""
    c.server.close()
    c.wire.both()
    c.send()
    return False


def crossing(c):
    """b: FIN and request cross, looked at when FIN has come"""
    c.server.close()
    c.send()
    c.wire.from_server()
    return False


def crossing_answered(c):
    """b: FIN and request cross, then the answer to the request"""
    c.server.close()
    c.send()
    c.wire.from_server()
    c.wire.both()
    return False


def crossing_two_sends(c):
    """b: the same, and a second write of the request after it"""
    crossing_answered(c)
    c.send(b"more")
    return False


def socket_gone(c):
    """c: the socket was closed with RST before, which was lost; RST answers the request"""
    c.reset_by_app()
    c.wire.from_server(lose=True)
    c.send()
    c.wire.both()
    return False


def fin_lost(c):
    """c: closed, its FIN was lost; RST answers the request"""
    c.server.close()
    c.wire.from_server(lose=True)
    c.send()
    c.wire.from_client()
    c.wire.both()
    return False


def read_and_exit(c):
    """d: the application read the request and exited (FIN)"""
    c.send()
    c.read_by_app()
    c.server.close()
    c.wire.both()
    return True


def read_and_reset(c):
    """d: the application read the request and closed with RST"""
    c.send()
    c.wire.from_client()
    c.server.recv(65536)
    c.reset_by_app()
    c.wire.from_server()
    return True


def read_and_reset_two_writes(c):
    """d: the same, and the client notices by a write"""
    read_and_reset(c)
    c.send(b"more")
    return True


def read_half_and_exit(c):
    """d: the application read half of the request and exited (RST)"""
    c.send()
    c.wire.from_client()
    c.server.recv(10)
    c.server.close()
    c.wire.from_server()
    return True


def received_never_read(c):
    """e: the kernel had the request, acknowledged it; the application closed without reading"""
    c.send()
    c.wire.both(0.3)
    c.server.close()
    c.wire.both()
    return False


def received_never_read_early(c):
    """e: the same before it was acknowledged"""
    c.send()
    c.wire.from_client()
    c.server.close()
    c.wire.from_server()
    return False


def half_closed_early(c):
    """f: shutdown(SHUT_WR), looked at when FIN has come; the application reads on"""
    c.server.shutdown(socket.SHUT_WR)
    c.send()
    c.wire.from_server()
    seen = Seen(c.client)
    c.read_by_app()
    c.early = seen
    return True


def half_closed_late(c):
    """f: shutdown(SHUT_WR), the application reads on, looked at 0.3 s later"""
    c.server.shutdown(socket.SHUT_WR)
    c.send()
    c.wire.from_server()
    c.read_by_app()
    c.wire.both(0.3)
    return True


def half_closed_then_closed(c):
    """f: shutdown(SHUT_WR), reads, closes in order; then the client writes more"""
    c.server.shutdown(socket.SHUT_WR)
    c.send()
    c.wire.both()
    c.server.recv(65536)
    c.server.close()
    c.wire.both()
    c.send(b"more")
    c.wire.both()
    return True


def half_closed_then_reset(c):
    """f: shutdown(SHUT_WR), reads, closes with RST before it has acknowledged"""
    c.server.shutdown(socket.SHUT_WR)
    c.wire.both()
    c.send()
    c.wire.from_client()
    c.server.recv(65536)
    c.reset_by_app()
    c.wire.from_server()
    return True


def half_closed_crossing_then_reset(c):
    """f: the same, FIN and request cross"""
    c.server.shutdown(socket.SHUT_WR)
    c.send()
    c.wire.from_client()
    c.server.recv(65536)
    c.reset_by_app()
    c.wire.from_server()
    return True


def request_lost(c):
    """g: the request is lost, FIN comes, the request is sent again"""
    c.send()
    c.wire.from_client(lose=True)
    c.server.close()
    c.wire.both(1.0)
    return False


def request_lost_then_read(c):
    """g: the request is lost once, comes, is read, and then FIN"""
    c.send()
    c.wire.from_client(lose=True)
    c.wire.both(1.0)
    c.server.recv(65536)
    c.server.close()
    c.wire.both()
    return True


def fin_lost_then_half(c):
    """g: shutdown(SHUT_WR) whose FIN is lost; the request is read; FIN is sent again"""
    c.server.shutdown(socket.SHUT_WR)
    c.wire.from_server(lose=True)
    c.send()
    c.wire.from_client()
    c.server.recv(65536)
    c.wire.from_server(lose=True)
    c.wire.both(1.0)
    return True


CASES = (closed_before_early, closed_before, crossing, crossing_answered, crossing_two_sends,
         socket_gone, fin_lost, read_and_exit, read_and_reset, read_and_reset_two_writes,
         read_half_and_exit, received_never_read, received_never_read_early, half_closed_early,
         half_closed_late, half_closed_then_closed, half_closed_then_reset,
         half_closed_crossing_then_reset, request_lost, request_lost_then_read,
         fin_lost_then_half)


def observe(wire, case):
    c = Connection(wire)
    c.early = None
    app_read = case(c)
    seen = c.early or Seen(c.client)
    queue = try_to(lambda: c.client.recvmsg(1, 256, socket.MSG_ERRQUEUE))
    read = try_to(lambda: c.client.recv(65536))
    pending = name_of(c.client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    row = [case.__doc__, "yes" if app_read else "no", ", ".join(wire.seen) or "-", seen.state,
           str(seen.bytes_acked - c.before.bytes_acked), f"{seen.outq} of {c.sent - c.begun_at}",
           str(seen.unacked), str(seen.notsent), str(seen.retransmits), c.failed_send, read,
           pending, queue]
    extra = f"{c.fresh}, {c.before.bytes_acked - c.begun_at}, rtt {c.before.rtt} us"
    c.close()
    wire.both(0.05)
    return row, extra


def main():
    wanted = sys.argv[1:]
    print(f"Linux {os.uname().release}")
    print("| what happens | app read | the peer sent | tcpi_state | acknowledged | SIOCOUTQ | "
          "unacked | notsent | retransmits | send | recv | SO_ERROR | error queue |")
    print("|" + " --- |" * 13)
    with network() as wire:
        for case in CASES:
            if wanted and case.__name__ not in wanted:
                continue
            row, extra = observe(wire, case)
            print("| " + " | ".join(row) + " |", flush=True)
            print(f"{case.__name__}: {extra}", file=sys.stderr)


if __name__ == "__main__":
    main()
