# SPDX-License-Identifier: MIT
"""HTTP/2 without TLS on the second hop: several requests share one send and one receive there.

The one idea: `bench_origin` speaks HTTP/1.1 alone, so here an nginx is the origin of all, with a
port for each protocol and the same answer behind both; a proxy over the one is compared with itself
over the other. Its own count of requests is what wrk's is held against.
"""
import re

from lib import generators, kernel, loads, syscalls, tools
from lib.nginx_origin import NginxOrigin
from lib.proxies import get

PROXIES = ("onehop", "haproxy", "nghttpx")
PROTOCOLS = ("h2c", "http/1.1")  # to the origin
CALLS_SECONDS = (1, 2)
SECOND_HOP = {"writes": ("write", "writev", "sendto", "sendmsg"),
              "reads": ("read", "readv", "recvfrom", "recvmsg")}


def chosen(arguments):
    """Those that can be started, of the ones that were asked for."""
    wanted = arguments.proxies or (PROXIES[:2] if arguments.short else PROXIES)
    return [name for name in PROXIES if name in wanted and
            (name == "onehop" or tools.find(name))]


class Stage:
    """The origin and the proxies before it, started at the first use."""

    def __init__(self, body_bytes):
        self.body_bytes = body_bytes
        self.origin = None
        self.running = {}

    def proxy(self, context, name, protocol):
        if not self.origin:
            self.origin = NginxOrigin(
                context, f'location / {{ return 200 "{"x" * self.body_bytes}"; }} '
                         'location /counts { stub_status; }')
        if (name, protocol) not in self.running:
            h2 = protocol == "h2c"
            running = context.proxies.start(name, self.origin.h2 if h2 else self.origin.h1,
                                            context.proxy_core, h2_upstream=h2)
            running.name = f"{name}, {protocol}"
            self.running[name, protocol] = running
        return self.running[name, protocol]

    def counts(self):
        """(connections accepted, requests) of the origin so far."""
        _, body = get(self.origin.h1, "/counts", "the origin")
        numbers = re.search(r"requests\s+(\d+)\s+\d+\s+(\d+)", body.decode())
        return int(numbers[1]), int(numbers[2])


def measure(context, stage, name, protocol, round_number, seconds):
    """One round of the keep-alive load through `name` over `protocol`."""
    load = loads.BY_NAME["keepalive"]
    running = stage.proxy(context, name, protocol)
    accepts, requests = stage.counts()
    before = sum(kernel.cpu_seconds(running.pids()))
    result = generators.wrk(context, load, running.address, seconds)
    used = sum(kernel.cpu_seconds(running.pids())) - before
    after_accepts, after_requests = stage.counts()
    done, wall = result["requests"], result["duration_us"] / 1e6
    # Of the origin's counts one request and one connection are those that asked for them.
    surplus = after_requests - requests - 1 - done
    problems = [f"{count} {kind} errors" for kind, count in result["errors"].items() if count]
    if not done or not 0 <= surplus <= load.connections:
        problems.append(f"the origin counted {surplus} requests more than wrk's {done}")
    return {"kind": "h2c", "proxy": running.name, "round": round_number, "requests": done,
            "requests_per_s": done / wall, "cpu_us": used / max(done, 1) * 1e6,
            "latency_us": result["latency_us"],
            "origin_accepts": after_accepts - accepts - 1, "problems": problems}


def calls(context, stage, name, protocol):
    """System calls for each request, and how many of them write and read."""
    running = stage.proxy(context, name, protocol)
    record = syscalls.system_calls(context, loads.BY_NAME["keepalive"], running, CALLS_SECONDS)
    counted = {way: sum(record["by_name"].get(call, 0) for call in names)
               for way, names in SECOND_HOP.items()}
    return {**record, "kind": "h2c-calls", **counted}
