# SPDX-License-Identifier: MIT
"""A network of a client, a server and a wire between them that is held by the test: a namespace
each, joined by veth pairs, and no frame moves before the wire says so. What netem does by time is
so done exactly. Needs root."""

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time

CLIENT, WIRE, SERVER = (f"onehop-{os.getpid()}-{name}" for name in ("client", "wire", "server"))
CLIENT_IP, SERVER_IP = "10.211.0.1", "10.211.0.2"
FIN, RST, ACK = 0x01, 0x04, 0x10


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def inside(namespace):
    """Sockets made in here belong to the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net", encoding="utf-8") as home, open(
            f"/run/netns/{namespace}", encoding="utf-8") as there:
        if libc.setns(there.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(home.fileno(), 0)


def without_offloads(device):
    """Frames are whole segments with their checksums, as another host would get them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in (0x17, 0x1F, 0x24):  # ETHTOOL_STXCSUM, STSO, SGSO
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP", device.encode(), ctypes.addressof(value))
            with contextlib.suppress(OSError):
                fcntl.ioctl(any_socket, 0x8946, request)  # SIOCETHTOOL


class Wire:
    """Frames that each side has sent wait here until pass_on(); `lose` drops them instead."""

    def __init__(self):
        self.of = {}
        with inside(WIRE):
            for name in ("to-client", "to-server"):
                end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                end.bind((name, 0))
                end.setblocking(False)
                self.of[name] = end
        self.seen = []  # the flags of segments that reached the client

    def frames(self, name):
        """Those that came from the host beyond `name`."""
        while True:
            try:
                frame, origin = self.of[name].recvfrom(65536)
            except BlockingIOError:
                return
            if origin[2] != socket.PACKET_OUTGOING:
                yield frame

    def from_client(self, lose=False):
        for frame in self.frames("to-client"):
            if not lose:
                self.of["to-server"].send(frame)

    def from_server(self, lose=False):
        for frame in self.frames("to-server"):
            self.note(frame)
            if not lose:
                self.of["to-client"].send(frame)

    def note(self, frame):
        if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_TCP:
            return
        flags = frame[14 + (frame[14] & 15) * 4 + 13]
        names = [name for bit, name in ((FIN, "FIN"), (RST, "RST")) if flags & bit]
        if names:
            self.seen.append("+".join(names + ["ACK"] * bool(flags & ACK)))

    def waits_from_client(self, seconds):
        """Whether something of the client comes to wait here within this time."""
        return bool(select.select([self.of["to-client"]], [], [], seconds)[0])

    def both(self, seconds=0.0):
        """Passes on whatever comes, for so long, and then until nothing does."""
        end = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select(list(self.of.values()), [], [], 0.01)
            self.from_client()
            self.from_server()
            if not ready and time.monotonic() >= end:
                return


class Flowing:
    """A context manager: frames move both ways by themselves."""

    def __init__(self, wire):
        self.wire = wire
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.over.is_set():
            self.wire.both()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@contextlib.contextmanager
def network():
    for name in (CLIENT, WIRE, SERVER):
        ip("netns", "add", name)
    try:
        for name, device, address in ((CLIENT, "to-client", CLIENT_IP),
                                      (SERVER, "to-server", SERVER_IP)):
            ip("link", "add", "veth0", "netns", name, "type", "veth", "peer", "name", device,
               "netns", WIRE)
            ip("-n", WIRE, "link", "set", device, "up")
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "veth0")
            ip("-n", name, "link", "set", "veth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
            with inside(name):
                without_offloads("veth0")
        yield Wire()
    finally:
        for name in (CLIENT, WIRE, SERVER):
            ip("netns", "del", name)
