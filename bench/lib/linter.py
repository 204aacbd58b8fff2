# SPDX-License-Identifier: MIT
"""Says of each proxy whether it reuses connections to the origin and, if not, why.

The one idea: the verdict comes from what an origin saw, never from a configuration. A second
instance of each proxy gets a few requests, each on a client connection of its own, in front of an
origin that keeps their heads: a proxy that pools needs one connection for all of them. The
configuration and the version only explain what was seen.
"""
import re

from lib import memory
from lib.processes import wait_until
from lib.witness import Witness

PROBES = 4
POOLS_BY_DEFAULT = (1, 29, 7)  # nginx, in an `upstream` block


def measure(context, name, version):
    """One record for the results."""
    with Witness(context.network) as origin, context.proxy(name, origin.address) as running:
        for _ in range(PROBES):
            with memory.connect_from(None, running.address) as client:
                memory.ask([client])
        wait_until(lambda: len(origin.seen) >= PROBES, 5, f"{name} sends on what it got")
        last = origin.seen[-1]
    connection = last.fields.get("connection", "").lower()
    reuses = origin.connections < len(origin.seen)
    return {"kind": "linter", "proxy": name, "reuses": reuses, "requests": len(origin.seen),
            "connections": origin.connections, "http_version": last.version,
            "connection_field": connection,
            "why": [] if reuses else reasons(name, last.version, connection,
                                             running.configuration, version)}


def reasons(name, asked_in, connection, configuration, version):
    """Why proxy `name`, which was seen to open a connection for each request, does so."""
    found = []
    if name.startswith("nginx"):
        configured = re.sub(r"#.*", "", configuration)
        upstream = re.search(r"\bupstream\s+\S+\s*{([^}]*)}", configured)
        numbers = re.search(r"(\d+)\.(\d+)\.(\d+)", version or "0.0.0")
        if not upstream:
            found.append("`proxy_pass` names the origin itself: without an `upstream` block nginx "
                         "has nowhere to keep connections")
        elif tuple(map(int, numbers.groups())) < POOLS_BY_DEFAULT and not re.search(
                r"\bkeepalive\s+\d+\s*;", upstream[1]):
            found.append("nginx before 1.29.7 keeps no connections unless the `upstream` block has "
                         "`keepalive`")
    if name in ("haproxy-tcp", "floor"):
        found.append("it relays bytes: a connection of a client is a connection to the origin; it "
                     "cannot be handed to the next client")
    if asked_in == "HTTP/1.0":
        found.append("it asks the origin in HTTP/1.0, where a connection ends with its answer")
    if "close" in connection:
        found.append("it sends the origin `Connection: close`")
    return found or ["the origin saw nothing that would forbid it"]
