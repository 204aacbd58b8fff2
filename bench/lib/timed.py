# SPDX-License-Identifier: MIT
"""The timed loads: all proxies in turn, again and again.

The one idea: a figure is only compared with its neighbour of the same round (A B C D, B C D A,
...), since a shared machine is another machine a minute later.
"""
import dataclasses

from lib import observe, timeline, wrk

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
    scheme: str = "http"
    streams: int = 1  # at a time on a connection
    tool: str = "wrk"


ALL = ("nginx-stock", "nginx", "onehop-against", "onehop", "haproxy", "haproxy-tcp", "envoy",
       "caddy", "direct")
LARGE_ONLY = ("nginx-large", "haproxy-large")  # references for bodies of 1 MiB
# New connections alone: those that accept a client with its first bytes (TCP_DEFER_ACCEPT).
DEFERRED = ("nginx-deferred", "onehop-deferred", "haproxy-deferred")
# Nobody's proxy, or nobody's default, but something to hold the others against.
REFERENCES = (*LARGE_ONLY, *DEFERRED, "floor")
LARGE = (*LARGE_ONLY, *ALL[1:])  # of nginx as installed, 1 MiB bodies go through files
LOADS = (
    Load("keepalive", "keep-alive, 64 connections, 256-byte answers", "request", 64,
         (*ALL, "floor")),
    Load("newconn", "a new client connection for each request, 64 at a time", "request", 64,
         (*ALL, *DEFERRED), close=True),
    Load("download", "1 MiB answers, 8 connections", "MiB", 8, LARGE, path=f"/size/{MIB}"),
    Load("upload", "1 MiB uploads, 8 connections", "MiB", 8, LARGE, upload_bytes=MIB),
    Load("post", "POST with bodies of 16 KiB, 64 connections", "request", 64, ALL,
         upload_bytes=16 << 10),
)
BY_NAME = {load.name: load for load in LOADS}


def measure(context, load, running, round_number, seconds, run=wrk.run):
    """One run of one load on one proxy, as a record for the results; `run` is that of the load's
    tool."""
    before = observe.Snapshot(context, running, [context.origin])
    with timeline.Counting(context.origin) as counting:
        result = run(context, load, running.address, seconds)
    wall = result["duration_us"] / 1e6
    record = {
        "load": load.name, "proxy": running.name, "round": round_number, "tool": load.tool,
        "connections": load.connections, "wall_s": wall, "requests": result["requests"],
        "requests_per_s": result["requests"] / wall, "errors": result["errors"],
        "latency_us": result["latency_us"], "timeline": counting.rows(),
        **observe.difference(context, running, [context.origin], before, result["requests"], wall),
    }
    record["problems"] = problems(load, record)
    return record


def problems(load, record):
    """Why the figures of a run are not to be trusted. None of this is about time."""
    found = [f"{count} {kind} errors" for kind, count in record["errors"].items() if count]
    surplus = record["origin_requests"] - record["requests"]
    if not record["requests"]:
        found.append("no request completed")
    if not 0 <= surplus <= load.connections * load.streams:
        found.append(f"the origin counted {record['origin_requests']} requests, "
                     f"{load.tool} {record['requests']}")
    if load.close and record["client_connections"] < record["requests"]:
        found.append(f"{record['client_connections']} client connections for "
                     f"{record['requests']} requests")
    least = record["requests"] * load.upload_bytes
    if record["origin_bytes_received"] < least:
        found.append(f"the origin received {record['origin_bytes_received']} of {least} bytes")
    return found
