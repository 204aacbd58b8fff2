# SPDX-License-Identifier: MIT
"""The timed loads, with and without TLS, and one measurement of each: all proxies in turn, again
and again.

The one idea: a figure is only compared with its neighbour of the same round (A B C D, B C D A,
...), since a shared machine is another machine a minute later. A handshake is measured like a
request, but none comes of it, so what was made is checked by the client's own count of how many
were resumed.
"""
import dataclasses

from lib import generators, observe
from lib.certificates import SUITE

MIB = 1 << 20
HANDSHAKERS = 8  # processes that make handshakes
LONGEST_S = 16  # of a run that is made again because nothing was completed in it


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
    streams: int = 1       # at a time on a connection
    tool: str = "wrk"      # a function of generators.py
    certificate: str = ""  # over TLS, with this kind of it
    handshake: str = ""    # "full" or "resumed": nothing but these
    most: float = 0        # over TLS, the bar: CPU over that of the best peer


ALL = ("nginx-stock", "nginx", "onehop-against", "onehop", "haproxy", "haproxy-tcp", "envoy",
       "caddy", "direct")
LARGE_ONLY = ("nginx-large", "haproxy-large")  # references for bodies of 1 MiB
# New connections alone: those that accept a client with its first bytes (TCP_DEFER_ACCEPT).
DEFERRED = ("nginx-deferred", "onehop-deferred", "haproxy-deferred")
# The access log as JSON lines in a file.
LOGGING = ("nginx-logging", "onehop-logging")
# Nobody's proxy, or nobody's default, but something to hold the others against.
REFERENCES = (*LARGE_ONLY, *DEFERRED, *LOGGING, "floor")
LARGE = (*LARGE_ONLY, *ALL[1:])  # of nginx as installed, 1 MiB bodies go through files
PLAIN = (
    Load("keepalive", "keep-alive, 64 connections, 256-byte answers", "request", 64,
         (*ALL, "floor")),
    Load("newconn", "a new client connection for each request, 64 at a time", "request", 64,
         (*ALL, *DEFERRED), close=True),
    Load("download", "1 MiB answers, 8 connections", "MiB", 8, LARGE, path=f"/size/{MIB}"),
    Load("upload", "1 MiB uploads, 8 connections", "MiB", 8, LARGE, upload_bytes=MIB),
    Load("post", "POST with bodies of 16 KiB, 64 connections", "request", 64, ALL,
         upload_bytes=16 << 10),
    Load("access-log", "keepalive, without and with a line of JSON for each request", "request", 64,
         ("nginx", "nginx-logging", "onehop", "onehop-logging")),
)
TLS_PEERS = ("nginx", "haproxy", "nghttpx", "envoy")
TLS_ALL = (*TLS_PEERS, "onehop", "onehop-against")
WITH_FLOOR = (*TLS_ALL, "floor")  # it knows no HTTP/2, and nothing but small messages


def handshakes(kind, certificate, title):
    return Load(f"{kind}-{certificate}", f"{kind} handshakes, {title}, {HANDSHAKERS} at a time",
                "handshake", HANDSHAKERS, WITH_FLOOR, tool="handshakes", certificate=certificate,
                handshake=kind, most=1.05)


TLS = (
    Load("h2", "HTTP/2 over TLS, 100 streams on 10 connections, 256-byte answers", "request", 10,
         TLS_ALL, streams=10, tool="h2load", certificate="ecdsa", most=1.00),
    Load("tls-keepalive", "HTTPS, keep-alive, 64 connections, 256-byte answers", "request", 64,
         WITH_FLOOR, certificate="ecdsa", most=1.00),
    handshakes("full", "ecdsa", "ECDSA P-256"), handshakes("resumed", "ecdsa", "ECDSA P-256"),
    handshakes("full", "rsa", "RSA 2048"), handshakes("resumed", "rsa", "RSA 2048"),
    Load("tls-bulk", "1 MiB answers over TLS, 8 connections", "MiB", 8, TLS_ALL,
         path=f"/size/{MIB}", certificate="ecdsa", most=1.05),
)
BY_NAME = {load.name: load for load in (*PLAIN, *TLS)}


def measure(context, load, running, round_number, seconds):
    """One run of one load on one proxy, as a record for the results. On a busy machine a short run
    may complete nothing, which says nothing: it is made again, longer."""
    record = run_once(context, load, running, round_number, seconds)
    while not record["requests"] and seconds < LONGEST_S:
        seconds *= 4
        record = run_once(context, load, running, round_number, seconds)
    return record


def run_once(context, load, running, round_number, seconds):
    counted = own_handshakes(running) if load.handshake else None
    before = observe.Snapshot(context, running, [context.origin])
    with observe.Counting(context.origin) as counting:
        result = getattr(generators, load.tool)(context, load, running.address, seconds)
    wall = result.pop("duration_us") / 1e6
    record = {
        "load": load.name, "proxy": running.name, "round": round_number, "tool": load.tool,
        "wall_s": wall, **result, "requests_per_s": result["requests"] / wall,
        "timeline": [] if load.handshake else counting.rows(),
        **observe.difference(context, running, [context.origin], before, result["requests"], wall),
    }
    if counted:
        record["counted"] = {key: late - early for (key, late), early in
                             zip(own_handshakes(running).items(), counted.values())}
    record["problems"] = (handshake_problems if load.handshake else problems)(load, record)
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


def own_handshakes(running):
    """What onehop itself has counted, None for others."""
    stats = running.stats()
    if not stats:
        return None
    counts = [one["tls"]["handshakes"] for one in stats["listeners"].values() if "tls" in one]
    return {"full": sum(one["full"]["count"] for one in counts),
            "resumed": sum(one["resumed"]["count"] for one in counts),
            "failed": sum(sum(one["failures_by_reason"].values()) for one in counts)}


def handshake_problems(load, record):
    """Why these were not the handshakes that the load is named after."""
    found = [f"{count} {kind} errors" for kind, count in record["errors"].items() if count]
    made, resumed = record["requests"], record["resumed"]
    if not made:
        found.append("no handshake completed")
    wanted = made if load.handshake == "resumed" else 0
    if resumed != wanted:
        found.append(f"{resumed} of {made} handshakes were resumed, wanted were {wanted}")
    if made and record["suites"] != [SUITE]:
        found.append(f"the cipher suite was {', '.join(record['suites'])}, not {SUITE}")
    if record["origin_requests"] != record["first_connections"]:
        found.append(f"the origin counted {record['origin_requests']} requests, "
                     f"the client made {record['first_connections']}")
    own = {"full": record["first_connections"] + made - resumed, "resumed": resumed, "failed": 0}
    if record.get("counted", own) != own:
        found.append(f"onehop counted {record['counted']}, the client {own}")
    if record["client_connections"] < made:
        found.append(f"{record['client_connections']} connections for {made} handshakes")
    return found
