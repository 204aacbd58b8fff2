# SPDX-License-Identifier: MIT
"""The timed loads: all proxies in turn, again and again.

The one idea: a figure is only compared with its neighbour of the same round (A B C D A B C D ...),
since a shared machine is another machine a minute later.
"""
import dataclasses

from lib import kernel, wrk

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Load:
    name: str
    title: str
    unit: str  # what one request is, as the figures are for each of them
    connections: int
    proxies: tuple
    path: str = "/"
    close: bool = False
    upload_bytes: int = 0


LOADS = (
    Load("keepalive", "keep-alive, 64 connections, 256-byte answers", "request", 64,
         ("nginx-stock", "nginx", "onehop-against", "onehop", "haproxy", "haproxy-tcp", "direct")),
    Load("newconn", "a new client connection for each request, 64 at a time", "request", 64,
         ("nginx-stock", "nginx", "onehop-against", "onehop", "haproxy", "direct"), close=True),
    Load("download", "1 MiB answers, 8 connections", "MiB", 8,
         ("nginx-large", "nginx", "onehop-against", "onehop", "haproxy", "haproxy-tcp", "direct"),
         path=f"/size/{MIB}"),
    Load("upload", "1 MiB uploads, 8 connections", "MiB", 8,
         ("nginx-large", "nginx", "onehop-against", "onehop", "haproxy", "haproxy-tcp", "direct"),
         upload_bytes=MIB),
)


class Snapshot:
    def __init__(self, running, origin, core):
        self.counts = origin.counts()
        self.accepted = kernel.accepted_connections()
        self.core_busy = kernel.core_busy_seconds(core) if core is not None else 0
        self.user, self.system = kernel.cpu_seconds(running.pids())


def measure(context, load, running, round_number, seconds):
    """One run of one load on one proxy, as a record for the results."""
    before = Snapshot(running, context.origin, context.proxy_core)
    result = wrk.run(context.supervisor, load, running.address, seconds, context.load_core)
    after = Snapshot(running, context.origin, context.proxy_core)
    requests = max(result["requests"], 1)
    wall = result["duration_us"] / 1e6
    user, system = after.user - before.user, after.system - before.system
    accepts = after.counts["accepts"] - before.counts["accepts"]
    accepted = after.accepted - before.accepted  # the origin's and, before it, the proxy's
    record = {
        "load": load.name, "proxy": running.name, "round": round_number,
        "connections": load.connections, "wall_s": wall, "requests": result["requests"],
        "requests_per_s": requests / wall, "p50_us": result["p50_us"], "p99_us": result["p99_us"],
        "max_us": result["max_us"], "errors": result["errors"],
        "origin_requests": after.counts["requests"] - before.counts["requests"],
        "origin_accepts": accepts,
        "origin_bytes_received": after.counts["bytes_received"] - before.counts["bytes_received"],
        "client_connections": accepted - accepts if running.child else accepts,
    }
    if running.child:
        record.update(user_us=user / requests * 1e6, system_us=system / requests * 1e6,
                      cpu_us=(user + system) / requests * 1e6, busy=(user + system) / wall)
        if context.proxy_core is not None:
            others = after.core_busy - before.core_busy - user - system
            record["foreign"] = max(others, 0) / wall
    record["problems"] = problems(load, record)
    return record


def problems(load, record):
    """Why the figures of a run are not to be trusted. None of this is about time."""
    found = [f"{count} {kind} errors" for kind, count in record["errors"].items() if count]
    surplus = record["origin_requests"] - record["requests"]
    if not record["requests"]:
        found.append("no request completed")
    if not 0 <= surplus <= load.connections:
        found.append(f"the origin counted {record['origin_requests']} requests, "
                     f"wrk {record['requests']}")
    if load.close and record["client_connections"] < record["requests"]:
        found.append(f"{record['client_connections']} client connections for "
                     f"{record['requests']} requests")
    least = record["requests"] * load.upload_bytes
    if record["origin_bytes_received"] < least:
        found.append(f"the origin received {record['origin_bytes_received']} of {least} bytes")
    return found


def run_load(context, load, proxies, rounds, seconds):
    """Yields the records of all rounds."""
    for round_number in range(1, rounds + 1):
        for running in proxies:
            if running.name in load.proxies:
                yield measure(context, load, running, round_number, seconds)
