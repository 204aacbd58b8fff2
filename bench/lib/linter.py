# SPDX-License-Identifier: MIT
"""Says of each proxy whether it reuses connections to the origin and, if not, why.

The one idea: the verdict comes from what an origin saw, never from a configuration. A second
instance of each proxy gets a few requests over one client connection, in front of an origin that
keeps their heads; the configuration and the version only explain what was seen.
"""
import dataclasses
import re
import socket
import threading

from lib import memory
from lib.processes import BenchError, wait_until

PROBES = 4
POOLS_BY_DEFAULT = (1, 29, 7)  # nginx, in an `upstream` block
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclasses.dataclass(frozen=True)
class Seen:
    """By the probing origin: connections, and of the last request its version and `Connection`."""
    connections: int
    requests: int
    version: str
    connection: str


class ProbeOrigin:
    """Answers and keeps every head. It never closes first, so whoever closes is the proxy."""

    def __init__(self, network):
        host = network.listen_address("origin")
        with network.inside("origin"):
            self.listener = socket.create_server((host, 0))
        self.address = (network.origin_host(), self.listener.getsockname()[1])
        self.heads = []
        self.connections = 0
        self.open = []
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            connection.close()
        self.thread.join(5)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # closed: the probe is over
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        first = True
        try:
            while True:
                head = memory.receive_head(connection)
                self.connections += first  # one that brings no request is somebody's health check
                first = False
                self.heads.append(head)
                connection.sendall(ANSWER)
                if head.split("\r\n", 1)[0].endswith("HTTP/1.0") or "close" in field(
                        head, "connection"):
                    connection.shutdown(socket.SHUT_WR)  # as it was asked to
        except (OSError, BenchError):
            connection.close()


def field(head, name):
    """The value of a field in a head, lower case; "" without it."""
    match = re.search(rf"^{name}: *(.*?)\s*$", head, re.IGNORECASE | re.MULTILINE)
    return match[1].lower() if match else ""


def probe(context, name):
    """What an origin sees of proxy `name` when one client sends a few requests on as many
    connections, one after another: a proxy that pools needs one connection for all of them."""
    with ProbeOrigin(context.network) as origin:
        running = context.proxies.start(name, origin.address, context.proxy_core)
        try:
            for _ in range(PROBES):
                client = socket.create_connection(running.address, 10)
                with client:
                    memory.ask([client])
            wait_until(lambda: len(origin.heads) >= PROBES, 5, f"{name} sends on what it got")
        finally:
            context.supervisor.stop(running.child)
        head = origin.heads[-1]
        return Seen(origin.connections, len(origin.heads), head.split("\r\n", 1)[0].split()[-1],
                    field(head, "connection"))


def nginx_version(text):
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", text or "")
    return tuple(int(part) for part in match.groups()) if match else (0, 0, 0)


def reasons(name, seen, configuration, version):
    """Why proxy `name`, which was seen to open a connection for each request, does so."""
    found = []
    if name.startswith("nginx"):
        configured = re.sub(r"#.*", "", configuration)
        upstream = re.search(r"\bupstream\s+\S+\s*{([^}]*)}", configured)
        if not upstream:
            found.append("`proxy_pass` names the origin itself: without an `upstream` block nginx "
                         "has nowhere to keep connections")
        elif nginx_version(version) < POOLS_BY_DEFAULT and not re.search(
                r"\bkeepalive\s+\d+\s*;", upstream[1]):
            found.append("nginx before 1.29.7 keeps no connections unless the `upstream` block has "
                         "`keepalive`")
    if name in ("haproxy-tcp", "floor"):
        found.append("it relays bytes: a connection of a client is a connection to the origin; it "
                     "cannot be handed to the next client")
    if seen.version == "HTTP/1.0":
        found.append("it asks the origin in HTTP/1.0, where a connection ends with its answer")
    if "close" in seen.connection:
        found.append("it sends the origin `Connection: close`")
    return found or ["the origin saw nothing that would forbid it"]


def finding(name, seen, configuration, version):
    """One record for the results."""
    reuses = seen.connections < seen.requests
    return {"kind": "linter", "proxy": name, "reuses": reuses, "requests": seen.requests,
            "connections": seen.connections, "http_version": seen.version,
            "connection_field": seen.connection,
            "why": [] if reuses else reasons(name, seen, configuration, version)}


def measure(context, name, configuration, version):
    return finding(name, probe(context, name), configuration, version)
