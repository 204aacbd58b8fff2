# SPDX-License-Identifier: MIT
"""two-hop: does a proxy in front of two replicas hold the rate that one replica held alone?

The one idea: each request comes on a connection of its own and would pay for a second one behind
the proxy; the replicas count what was really opened, so the second hop's price is seen, not argued.
"""
import os

from lib import beside, k6
from lib.origin import Origin
from lib.scenario_runner import bar
from lib.tables import Section, Table, number

TITLE = "two-hop: constant arrival, a new connection for each request (k6)"
TOOLS = ("k6",)
PROXIES = ("direct", "onehop", "nginx-stock", "nginx", "haproxy")
SINGLE = "report, one process"
BEHIND = "report, two replicas behind nginx"
# By target: what the report measured with one process; the last with two replicas behind nginx.
REPORTED = {
    100: {"actual requests/s": 100, "average CPU cores, app": 0.12, "peak CPU cores, app": 0.19,
          "average duration ms": 0.83, "p95 duration ms": 2.13},
    1000: {"actual requests/s": 1000, "average CPU cores, app": 0.83, "peak CPU cores, app": 1.36,
           "average duration ms": 1.06, "p95 duration ms": 2.39},
    4000: {"actual requests/s": 4000, "average CPU cores, app": 2.07, "peak CPU cores, app": 3.49,
           "average duration ms": 8.81, "p95 duration ms": 61.37},
    10000: {"actual requests/s": 8000, "average CPU cores, app": 2.59, "peak CPU cores, app": 5.18,
            "average duration ms": 987.48, "p95 duration ms": 3743.36},
}
REPORTED_BEHIND = {4000: {"actual requests/s": 1000, "average CPU cores, app": 0.79,
                          "average CPU cores, all": 2.36, "average duration ms": 1.56,
                          "p95 duration ms": 2.98}}
ROWS = ("actual requests/s", "average CPU cores, app", "peak CPU cores, app",
        "average CPU cores, proxy", "average CPU cores, all", "average duration ms",
        "p95 duration ms", "connections client to proxy", "connections proxy to app",
        "requests per connection to app", "errors", "not sent in time")
REPORT = Table(
    "What the report says", ["", *(f"{rate:,}/s" for rate in REPORTED), "4,000/s behind nginx"],
    [[row, *(number(REPORTED[rate].get(row)) for rate in REPORTED),
      number(REPORTED_BEHIND[4000].get(row))]
     for row in ROWS if row in REPORTED[100] or row in REPORTED_BEHIND[4000]],
    "One app process alone, then two replicas of it behind nginx in containers. That chain stalled "
    "at about 1,000 sessions a second with four cores free: it was bound by setting up two "
    "connections for each request.")
SCALE = {
    "full": {"seconds": 30, "steps": [{"rate": rate} for rate in REPORTED]},
    "short": {"seconds": 6, "steps": [{"rate": rate} for rate in (100, 1000, 4000)]},
    "smoke": {"seconds": 1, "steps": [{"rate": 50}]},
}
REPLICAS = 2
BODY_BYTES = 256
REACHED = 0.97        # of the target, which tells "reached" from "stalled"
ERROR_SHARE = 0.001
REQUESTS_PER_CONNECTION = 10  # to the app, at least, for a proxy that keeps connections


def seconds(scale):
    """About how long one run takes."""
    return scale["seconds"] + 4


def start_replicas(context):
    context.endpoints = [Origin(context, ["--body", str(BODY_BYTES)]).address
                         for _ in range(REPLICAS)]
    return context.endpoints


def run(context, target, scale):
    metrics = k6.run(context, os.path.join(context.folder, "arrival.js"),
                     {"TARGET": f"http://{target[0]}:{target[1]}/", "RATE": scale["rate"],
                      "SECONDS": scale["seconds"]}, scale["seconds"])
    errors = k6.errors(metrics)
    percentiles = k6.percentiles_us(metrics)
    requests = k6.count(metrics, "http_reqs")
    return {"requests": requests, "errors": errors, "percentiles_us": percentiles,
            "dropped": k6.count(metrics, "dropped_iterations"),
            "rows": {"actual requests/s": (requests - sum(errors.values())) / scale["seconds"],
                     "average duration ms": percentiles["mean"] / 1000,
                     "p95 duration ms": percentiles["p95"] / 1000}}


def check(context, record):
    complete_rows(record)
    target, actual = record["step"]["rate"], record["rows"]["actual requests/s"]
    failed = sum(record["errors"].values())
    bars = [bar("requests/s, % of the target", 100 * actual / target, ">=", 100 * REACHED),
            bar("failed requests, %", 100 * failed / max(record["requests"], 1), "<=",
                100 * ERROR_SHARE)]
    if record["proxy"] != "direct" and record["requests"] > REQUESTS_PER_CONNECTION ** 2:
        bars.append(bar("requests per connection to the app",
                        record["rows"]["requests per connection to app"], ">=",
                        REQUESTS_PER_CONNECTION))
    return bars


def complete_rows(record):
    """The rows that come from outside of k6: CPU, and the connections of both hops."""
    usage, counts = record["usage"], record["counts"]
    app = usage.get("origin", {})
    proxy = usage.get("proxy", {})
    opened = counts["accepts"]
    record["rows"].update({
        "average CPU cores, app": app.get("average"), "peak CPU cores, app": app.get("peak"),
        "average CPU cores, proxy": proxy.get("average"),
        "average CPU cores, all": sum(one["average"] for one in usage.values()),
        "connections client to proxy":
            None if record["proxy"] == "direct" else record["clients"],
        "connections proxy to app": opened,
        "requests per connection to app": counts["requests"] / max(opened, 1),
        "errors": sum(record["errors"].values()), "not sent in time": record["dropped"]})


def sections(records):
    rates = list(dict.fromkeys(record["step"]["rate"] for record in records))
    tables = []
    for rate in rates:
        ours = [record for record in records if record["step"]["rate"] == rate]
        tables.append(Table(
            f"Target {rate:,} requests/s", ["", SINGLE, BEHIND, *(one["proxy"] for one in ours)],
            [[row, *(shown(row, figures.get(row)) for figures in (
                REPORTED.get(rate, {}), REPORTED_BEHIND.get(rate, {}),
                *(one["rows"] for one in ours)))] for row in ROWS]))
    return [Section("the rows of the report beside ours", [
        "`direct` is one replica without a proxy. CPU is in cores, \"all\" has k6 in it, which "
        "the report's may not. Connections to the app are counted by the replicas, those to the "
        "proxy by the kernel (onehop's by itself). \"Not sent in time\" are requests whose moment "
        "came when k6 had no virtual user free. Durations are without the time to connect."],
        tables), *beside.own_section(records, "k6")]


def shown(row, value):
    """Rows of very different size, so each cell is printed by itself."""
    return f"{value:.2f}" if "CPU" in row and value is not None else number(value)
