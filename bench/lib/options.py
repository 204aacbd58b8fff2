# SPDX-License-Identifier: MIT
"""The arguments of the two-hop bench and of the one over TLS, and what --short and --smoke make of
them.

The one idea: after `parse`, every number that a measurement needs is in the arguments; nothing else
asks whether a run is short.
"""
import argparse
import os

from lib import loads
from lib.results import BUILD

PARTS = {
    "two-hop": ("keepalive", "newconn", "download", "upload", "post", "access-log", "arrival",
                "slow-replica", "linter", "own", "syscalls", "h2c", "instructions", "idle",
                "large", "churn", "scale"),
    "tls": tuple(load.name for load in loads.TLS),
}
PROXIES = {
    "two-hop": ("nginx-stock", "nginx-large", "nginx", "onehop-against", "onehop", "haproxy",
                "nginx-deferred", "onehop-deferred", "haproxy-deferred", "nginx-logging",
                "onehop-logging", "haproxy-tcp", "haproxy-large", "envoy", "caddy", "floor",
                "direct"),
    "tls": ("nginx", "onehop-against", "onehop", "haproxy", "nghttpx", "envoy", "floor"),
}
RATES = "1000,4000,10000"  # requests/s of the published report
SHORT_LEAVES_OUT = {       # parts -> proxies that --short does not measure there
    "download": ("envoy", "caddy"), "upload": ("envoy", "caddy"), "post": ("envoy", "caddy"),
    "arrival": ("haproxy-tcp", "envoy", "caddy"), "slow-replica": ("envoy", "caddy"),
    "syscalls": ("envoy", "caddy"),
    "idle": ("envoy", "caddy"), "large": ("nginx", "haproxy", "envoy", "caddy"),
    "churn": ("onehop",), "scale": ("onehop",),
}
# What each kind of run is scaled to: full, --short, --smoke.
SCALES = {
    "rounds": (5, 3, 1), "seconds": (3, 1, 1), "body_rounds": (5, 2, 1),
    "arrival_rounds": (3, 1, 1), "arrival_seconds": (5, 2, 1), "timeout_ms": (5000, 2000, 2000),
    "slow_rate": (3000, 3000, 100), "slow_rounds": (3, 1, 1), "idle_connections": (10000,) * 2 +
    (200,), "large_mib": (1024, 256, 32),
    "churn_rounds": (5, 3, 1), "upstreams": (1000, 1000, 20),
}
TLS_SCALES = {"rounds": (5, 3, 1), "seconds": (2, 1, 1)}


def programs(made):
    made.add_argument("--onehop", default=os.path.join(BUILD, "onehop"), metavar="BINARY")
    made.add_argument("--origin", default=os.path.join(BUILD, "bench", "bench_origin"),
                      metavar="BINARY")


def common(made, name):
    """The arguments of every bench with results. `name` is that of their file."""
    programs(made)
    add = made.add_argument
    add("--name", default=name, help="of the results file")
    add("--json", metavar="FILE", help="instead of bench/results/DATE-NAME.json; the Markdown goes "
        "beside it")


def choice(made, words, known):
    """The list of names in `words`, all of which must be known."""
    found = list(filter(None, words.split(",")))
    for name in found:
        if name not in known:
            made.error(f"'{name}' is none of {', '.join(known)}")
    return found


def parser(bench, description):
    made = argparse.ArgumentParser(
        prog="./dev bench" + (" tls" if bench == "tls" else ""), description=description)
    add = made.add_argument
    add("--rounds", type=int, help="rounds of every timed load (5; with --short 3, bodies 2)")
    add("--seconds", type=int, help="of every timed run (3, over TLS 2; with --short 1)")
    add("--short", action="store_true", help="under four minutes")
    add("--smoke", action="store_true", help="does every part still work? a second each")
    add("--only", default="", metavar="PART,...", help="of: " + ", ".join(PARTS[bench]))
    add("--proxies", default="", metavar="NAME,...", help="of: " + ", ".join(PROXIES[bench]))
    add("--against", metavar="BINARY", help="another onehop to compare with, interleaved")
    add("--no-admin", action="store_true", help="start onehop without its admin endpoint")
    add("--load", metavar="BINARY", help="bench_load (beside the origin)")
    common(made, bench)
    if bench == "tls":
        return made
    add("bench", nargs="?", choices=("two-hop",), default="two-hop", help="this one, the default")
    add("--rates", default=RATES, metavar="N,...", help=f"arrivals per second ({RATES})")
    add("--arrival-seconds", type=int, help="of every run at a constant rate (5; with --short 2)")
    add("--delay-ms", type=int, default=50, help="what the slow replica waits (50)")
    add("--instructions", action="store_true", help="also count instructions, with valgrind (slow)")
    add("--onehop-args", default="", metavar="TEXT", help="more arguments for `onehop proxy`")
    add("--against-args", default="", metavar="TEXT", help="more arguments for that one")
    add("--idle-connections", type=int, help="10000")
    add("--large-mib", type=int, help="1024; with --short 256")
    add("--netns", action="store_true",
        help="client, proxy and origin in network namespaces of their own (root)")
    add("--bandwidth", default="", metavar="RATE", help="with --netns: such as 100mbit")
    add("--queue", default="", metavar="BYTES", help="with --bandwidth: such as 64kb")
    add("--loss", default="", metavar="SHARE", help="with --netns: such as 1%%")
    add("--delay", default="", metavar="TIME", help="with --netns: such as 5ms, each way")
    return made


def parse(bench, description, words=None):
    made = parser(bench, description)
    arguments = made.parse_args(words)
    arguments.only = choice(made, arguments.only, PARTS[bench])
    arguments.proxies = choice(made, arguments.proxies, PROXIES[bench])
    if arguments.smoke and not arguments.proxies:
        arguments.proxies = ["onehop", "floor"] + ["direct"] * (bench == "two-hop")
    given_rounds = arguments.rounds
    scale = 2 if arguments.smoke else 1 if arguments.short else 0
    for name, values in (SCALES if bench == "two-hop" else TLS_SCALES).items():
        if getattr(arguments, name, None) is None:
            setattr(arguments, name, values[scale])
        elif getattr(arguments, name) < 1:
            made.error(f"--{name.replace('_', '-')} wants at least 1")
    beside = os.path.dirname(arguments.origin)
    arguments.load = arguments.load or os.path.join(beside, "bench_load")
    arguments.floor = os.path.join(beside, "bench_floor")
    if bench == "tls":
        arguments.bench, arguments.netns, arguments.idle_connections = "tls", False, 0
        arguments.onehop_args = arguments.against_args = ""
        return arguments
    arguments.body_rounds = given_rounds or arguments.body_rounds
    check_network(made, arguments)
    try:
        arguments.rates = [int(rate) for rate in
                           ("200" if arguments.smoke else arguments.rates).split(",")]
    except ValueError:
        made.error(f"--rates wants whole numbers with commas between, not '{arguments.rates}'")
    if min(arguments.rates) < 1:
        made.error("--rates wants at least 1 request per second")
    return arguments


def check_network(made, arguments):
    for name in ("bandwidth", "loss", "delay"):
        if getattr(arguments, name) and not arguments.netns:
            made.error(f"--{name} shapes the links of --netns, which is not given")
    if arguments.queue and not arguments.bandwidth:
        made.error("--queue is the queue of --bandwidth, which is not given")


def rounds_of(arguments, load):
    bodies = load.upload_bytes or load.path != "/"
    return arguments.body_rounds if bodies and not load.certificate else arguments.rounds
