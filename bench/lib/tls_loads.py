# SPDX-License-Identifier: MIT
"""The loads over TLS, and one measurement of each.

The one idea: a request load is one of timed.py with another tool or scheme; a handshake is measured
the same way, but no request comes of it, so what was made is checked by the client's own count of
how many were resumed.
"""
import dataclasses
import json
import os
import subprocess
import sys

from lib import h2load, observe, timed, wrk
from lib.certificates import SUITE
from lib.processes import BenchError
from lib.timed import MIB, Load

CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "handshake_client.py")
PEERS = ("nginx", "haproxy", "nghttpx", "envoy")
ALL = (*PEERS, "onehop", "onehop-against")
WITH_FLOOR = (*ALL, "floor")  # it knows no HTTP/2, and nothing but small messages
HANDSHAKERS = 8  # processes that make handshakes


@dataclasses.dataclass(frozen=True)
class TlsLoad(Load):
    scheme: str = "https"
    certificate: str = "ecdsa"
    most: float = 1.00   # the bar: CPU over that of the best peer
    handshake: str = ""  # "full" or "resumed": nothing but these


def handshakes(kind, certificate, title):
    return TlsLoad(f"{kind}-{certificate}", f"{kind} handshakes, {title}, {HANDSHAKERS} at a time",
                   "handshake", HANDSHAKERS, WITH_FLOOR, tool="handshake_client", most=1.05,
                   certificate=certificate, handshake=kind)


LOADS = (
    TlsLoad("h2", "HTTP/2 over TLS, 100 streams on 10 connections, 256-byte answers", "request", 10,
            ALL, streams=10, tool="h2load"),
    TlsLoad("tls-keepalive", "HTTPS, keep-alive, 64 connections, 256-byte answers", "request", 64,
            WITH_FLOOR),
    handshakes("full", "ecdsa", "ECDSA P-256"),
    handshakes("resumed", "ecdsa", "ECDSA P-256"),
    handshakes("full", "rsa", "RSA 2048"),
    handshakes("resumed", "rsa", "RSA 2048"),
    TlsLoad("tls-bulk", "1 MiB answers over TLS, 8 connections", "MiB", 8, ALL,
            path=f"/size/{MIB}", most=1.05),
)
BY_NAME = {load.name: load for load in LOADS}


def measure(context, load, running, round_number, seconds):
    """One run of one load; `running` is the proxy with the certificate that it wants."""
    if load.handshake:
        return measure_handshakes(context, load, running, round_number, seconds)
    run = h2load.run if load.tool == "h2load" else wrk.run
    return timed.measure(context, load, running, round_number, seconds, run)


def measure_handshakes(context, load, running, round_number, seconds):
    counted = own_counts(running)
    before = observe.Snapshot(context, running, [context.origin])
    result = run_client(context, load, running.address, seconds)
    wall = result.pop("duration_us") / 1e6
    record = {
        "load": load.name, "proxy": running.name, "round": round_number, "tool": load.tool,
        "connections": load.connections, "wall_s": wall,
        "requests_per_s": result["requests"] / wall, **result,
        **observe.difference(context, running, [context.origin], before, result["requests"], wall),
    }
    if counted:
        record["counted"] = {key: late - early for (key, late), early in
                         zip(own_counts(running).items(), counted.values())}
    record["problems"] = problems(load, record)
    return record


def own_counts(running):
    """What onehop itself has counted of handshakes, None for others."""
    stats = running.stats()
    if not stats:
        return None
    counts = [one["tls"]["handshakes"] for one in stats["listeners"].values() if "tls" in one]
    return {"full": sum(one["full"]["count"] for one in counts),
            "resumed": sum(one["resumed"]["count"] for one in counts),
            "failed": sum(sum(one["failures_by_reason"].values()) for one in counts)}


def run_client(context, load, address, seconds):
    """What handshake_client.py printed, the latencies by themselves as in wrk.run."""
    command = [sys.executable, CLIENT, address[0], str(address[1]), "--kind", load.handshake,
               "--connections", str(load.connections), "--seconds", str(seconds)]
    child = context.supervisor.start("handshakes", command, context.load_core,
                                     stdout=subprocess.PIPE, env=context.client_environment)
    try:
        output, _ = child.process.communicate(timeout=seconds + 30)
        said = child.log_tail()
    except subprocess.TimeoutExpired:
        raise BenchError("the handshakes did not end") from None
    finally:
        context.supervisor.stop(child)
    for line in output.decode(errors="replace").splitlines():
        if line.startswith("BENCH "):
            result = json.loads(line[len("BENCH "):])
            result["latency_us"] = {name: result.pop(f"{name}_us") for name in wrk.LATENCIES}
            return result
    raise BenchError(f"the handshakes failed: {said or child.process.returncode}")


def problems(load, record):
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
    fresh = record["first_connections"] + made - resumed
    own = {"full": fresh, "resumed": resumed, "failed": 0}
    if record.get("counted", own) != own:
        found.append(f"onehop counted {record['counted']}, the client {own}")
    if record["client_connections"] < made:
        found.append(f"{record['client_connections']} connections for {made} handshakes")
    return found
