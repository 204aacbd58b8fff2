# SPDX-License-Identifier: MIT
"""polyglot: one little API in four languages, and two opinions on how long it took.

The one idea: ab and onehop's `/stats` measure the same requests in the same run, so their
percentiles must agree. They can where time is spent behind onehop, so that is what the paced load
is for. With a hundred in flight on two cores, most of the time passes in the kernel's queues and
inside ab, where no proxy can see it; that is shown too, and not judged. Each service and path is
an upstream of its own, since `/stats` keeps one histogram for each endpoint.
"""
import csv
import os
import re
import sys
import time

from lib import beside, kernel, tools
from lib.processes import BenchError, free_port, listens, wait_until
from lib.scenario_runner import SEVERAL_SERVICES, bar
from lib.tables import Section, Table

TITLE = "polyglot: the same API in Python, Node, Go and C++ (ab)"
TOOLS = ("ab", "node", "go", "g++")
PROXIES = ("direct", "onehop", "nginx", "haproxy")
CONFIGURED = SEVERAL_SERVICES[:5]
REPORT = Table("What the report says", ["", "Python", "Go", "Node", "Rust"], [
    ["/health p50 ms", 6, 3, 9, 2], ["/health p95 ms", 10, 8, 14, 4],
    ["/health p99 ms", 15, 12, 20, 7], ["/health/all requests/s", 244.7, 320.0, 230.0, None],
    ["/health/all p50 ms", 350, 280, 380, None]],
    "60,000 requests, 100 at a time. Its Python is FastAPI; here all four use what their language "
    "brings, and C++ stands where Rust does.")
SCALE = {
    "full": {"concurrency": 100, "health_requests": 60000, "all_requests": 10000,
             "paced_concurrency": 20, "paced_requests": 20000},
    "short": {"concurrency": 100, "health_requests": 4000, "all_requests": 600,
              "paced_concurrency": 20, "paced_requests": 1500},
    "smoke": {"concurrency": 10, "health_requests": 200, "all_requests": 50,
              "paced_concurrency": 10, "paced_requests": 200},
}
LANGUAGES = ("python", "node", "go", "cpp")
AGGREGATING = ("python", "node", "go")
SHOWN = ("p50", "p66", "p75", "p80", "p90", "p95", "p98", "p99", "max")
PATIENCE_S = 300
WARM_UP = 2000  # requests
PACED_MS = 30      # on average, of 10 to 50
# By how much of ab's figure they may differ in the paced load; TOLERANCE_US where that is more. Of
# p99 more, since it is made of a handful of requests, and those are the ones that met a busy core.
TOLERANCES = {"p50": 0.10, "p90": 0.10, "p95": 0.10, "p99": 0.25}
TOLERANCE_US = 2500


def seconds(scale):
    """About how long one run takes, of one proxy of five that is onehop."""
    paced = scale["paced_requests"] * PACED_MS / 1000 / scale["paced_concurrency"]
    return 9 + (len(LANGUAGES) * (scale["health_requests"] / 4000 + paced / 5) +
                len(AGGREGATING) * scale["all_requests"] / 400)


# --- the services --------------------------------------------------------------------------------


def start(context):
    context.commands = {name: _command(context, name) for name in LANGUAGES}


def start_replicas(context):
    """Anew for each proxy: what a service uses when idle must not hold what it kept of the load
    before."""
    context.services = {}
    ports = {name: free_port() for name in context.commands}
    peers = ",".join(f"{name}={port}" for name, port in ports.items())
    for name, port in ports.items():
        command = [*context.commands[name], "--port", str(port)]
        if name in AGGREGATING:
            command += ["--peers", peers]
        context.services[name] = context.supervisor.start(name, command)
    context.routes = {}
    for name, child in context.services.items():
        address = ("127.0.0.1", ports[name])
        wait_until(lambda: child.exited() or listens(address), 20, f"{name} listens")
        if child.exited():
            raise BenchError(f"the service in {name} did not start: {child.log_tail()}")
        context.routes[f"/{name}/health"] = [address]
        context.routes[f"/{name}/paced"] = [address]
        if name in AGGREGATING:
            context.routes[f"/{name}/health/all"] = [address]
    context.endpoints = [("127.0.0.1", port) for port in ports.values()]
    _warm_up(context)
    return context.routes


def _warm_up(context):
    """Else whoever is measured first would pay for Node's compiler, and the tables would blame it
    for that."""
    scale = {"concurrency": 20, "health_requests": WARM_UP, "all_requests": WARM_UP // 4}
    for name in context.services:
        for path in ("health", "health/all") if name in AGGREGATING else ("health",):
            _load(context, name, context.routes[f"/{name}/health"][0], scale, path)


def _command(context, name):
    source = os.path.join(context.folder, "service.")
    target = context.supervisor.path(f"service-{name}")
    if name == "python":
        return [sys.executable, source + "py"]
    if name == "node":
        return [context.tool("node"), source + "js"]
    build = {"go": [context.tool("go"), "build", "-o", target],
             "cpp": [context.tool("g++"), "-std=c++20", "-O2", "-pthread", "-o", target]}[name]
    tools.run([*build, source + {"go": "go", "cpp": "cc"}[name]], f"building service-{name}")
    return [target]


# --- the load ------------------------------------------------------------------------------------


def run(context, target, scale):
    loads = {}
    for name in context.services:
        address = context.routes[f"/{name}/health"][0] if context.proxy == "direct" else target
        paths = ["health", "health/all"] if name in AGGREGATING else ["health"]
        if context.proxy == "onehop":
            paths.append("paced")
        loads[name] = {path: _load(context, name, address, scale, path) for path in paths}
    every = [load for one in loads.values() for load in one.values()]
    rows = {}
    for name, one in loads.items():
        for path in ("health", "health/all"):
            if path in one:
                rows[f"{name} /{path} requests/s"] = one[path]["requests_per_s"]
                for key in ("p50", "p95", "p99"):
                    rows[f"{name} /{path} {key} ms"] = one[path]["percentiles_us"][key] / 1000
    return {"rows": rows, "loads": loads,
            "requests": sum(load["requests"] for load in every),
            "errors": {"failed": sum(load["failed"] for load in every)},
            "percentiles_us": loads[next(iter(loads))]["health"]["percentiles_us"]}


def _load(context, name, address, scale, path):
    """ab on one path of one service."""
    count = scale[f"{path.rpartition('/')[2]}_requests"]
    together = scale["paced_concurrency" if path == "paced" else "concurrency"]
    curve = context.supervisor.path(f"ab-{context.next_number()}.csv")
    service = context.services[name]
    before, began = sum(kernel.cpu_seconds(kernel.family(service.pid))), time.monotonic()
    child = context.run_tool(
        "ab", [context.tool("ab"), "-q", "-l", "-r", "-s", "30", "-n", str(count),
               "-c", str(min(together, count)), "-e", curve,
               f"http://{address[0]}:{address[1]}/{name}/{path}"], PATIENCE_S + count / 50)
    wall = time.monotonic() - began
    used = sum(kernel.cpu_seconds(kernel.family(service.pid))) - before
    return {**_understood(child.log_tail(), curve, count), "cores": used / wall,
            "memory_mib": kernel.memory_bytes(kernel.family(service.pid), "VmRSS") / 2**20}


def _understood(output, curve, count):
    """ab's figures. Its table has whole milliseconds, its file microseconds but no maximum."""
    def figure(pattern, default=None):
        found = re.search(pattern, output)
        return float(found.group(1)) if found else default

    rate = figure(r"Requests per second:\s+([\d.]+)")
    longest = figure(r"100%\s+(\d+)")
    if rate is None or longest is None or not os.path.exists(curve):
        raise BenchError(f"ab did not finish: {output}")
    with open(curve, newline="") as file:
        times = {int(row[0]): float(row[1]) for row in list(csv.reader(file))[1:]}
    percentiles = {key: times[int(key[1:])] * 1000 for key in SHOWN if key != "max"}
    percentiles["max"] = max(longest * 1000, percentiles["p99"])
    failed = figure(r"Failed requests:\s+(\d+)", 0) + figure(r"Non-2xx responses:\s+(\d+)", 0)
    return {"requests": count, "failed": int(failed), "requests_per_s": rate,
            "percentiles_us": percentiles}


# --- the verdict ---------------------------------------------------------------------------------


JUDGED = "The agreement of percentiles is asked of onehop alone, as the others report none."


def check(context, record):
    bars = [bar("failed requests", record["errors"]["failed"], "=", 0)]
    for what, ab, own in compared(record, ("paced",)):
        for key, share in TOLERANCES.items():
            allowed = max(share * ab[key], TOLERANCE_US)
            bars.append(bar(f"{what} {key}: apart, % of what is allowed",
                            100 * abs(ab[key] - own[key]) / allowed, "<=", 100))
    return bars


def compared(record, paths):
    """(service and path, ab's percentiles, onehop's) of a run through onehop."""
    found = []
    for name, one in record["loads"].items() if record.get("stats") else ():
        for path, load in one.items():
            if path in paths:
                upstream = f"{name}-{path.replace('/', '-')}"
                found.append((f"{name} /{path}", load["percentiles_us"],
                              beside.percentiles_us(record["stats"], upstream)))
    return found


def sections(records):
    rows = list(dict.fromkeys(row for record in records for row in record["rows"]))
    reported = _reported()
    beside_ours = beside.rows_table("", Table("", ["", "report"], [
        [row, reported.get(row)] for row in rows]), records, REPORT.note)
    found = [Section("the rows of the report beside ours", [], [beside_ours])]
    found.append(Section("each service", [
        "CPU is in cores and memory resident, both of the service's process."],
        [_services_table(record) for record in records]))
    for record in records:
        if record.get("stats"):
            found.append(Section("onehop's own figures beside those of ab", [
                "The paced load is judged: each answer takes the service 10 to 50 ms, few are in "
                "flight, and nobody waits for a core. There, percentiles agree when they differ by "
                f"at most {100 * TOLERANCES['p50']:.0f} % of ab's figure (p99: "
                f"{100 * TOLERANCES['p99']:.0f} %), or {TOLERANCE_US / 1000:.1f} ms where that is "
                "more. Of the other loads the difference is what passes in the "
                "kernel's queues and inside ab."],
                [beside.table("Paced: must agree", "ab", compared(record, ("paced",))),
                 beside.table("At full load: what onehop cannot see", "ab",
                              compared(record, ("health", "health/all")))]))
    return found


def _reported():
    """The report's figures by the names of our rows; Rust stands for what C++ is here."""
    found = {}
    for column, language in enumerate(REPORT.columns[1:], 1):
        name = {"Rust": "cpp"}.get(language, language.lower())
        for row in REPORT.rows:
            found[f"{name} {row[0]}"] = row[column]
    return found


def _services_table(record):
    rows = [[f"{name} /{path}", load["requests_per_s"],
             *(load["percentiles_us"][key] / 1000 for key in SHOWN), load["cores"],
             load["memory_mib"]]
            for name, one in record["loads"].items() for path, load in one.items()]
    return Table(record["proxy"], ["", "requests/s", *SHOWN[:-1], "p100", "CPU", "MiB"], rows,
                 "Percentiles in ms.")
