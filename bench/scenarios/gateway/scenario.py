# SPDX-License-Identifier: MIT
"""gateway: an API with a service level, kept up while its replicas now and then fail.

The one idea: the replicas inject 502s and resets at exact rates and count them, so the scenario
knows of each error that a client saw whether it was made by a replica, hidden by the proxy, or
made by the proxy itself. The latter must be none.
"""
import csv
import json
import os
import statistics

from lib import beside, k6
from lib.processes import BenchError
from lib.scenario_runner import bar
from lib.tables import Section, Table

TITLE = "gateway: a service level under injected failures (Locust and k6)"
TOOLS = ("locust", "k6", "node")
PROXIES = ("direct", "onehop", "nginx-stock", "nginx", "haproxy")
REPORT = Table("What the report says", ["", "report, Locust", "report, k6"], [
    ["requests/s", 1040, 980], ["median ms", 118, 94], ["p95 ms", 301, 276],
    ["p99 ms", 612, 441], ["errors %", 0.21, 0.12], ["cache hit ratio %", None, 72],
], "1,200 users of Locust for 20 minutes, with transient 502s of the upstreams; k6 with 50 to 600 "
   "users for 15 minutes and spikes of twice as many. Nothing is cached here.")
SCALE = {  # hold_s is what comes after the ramp, without the spikes
    "full": {"steps": [
        {"tool": "locust", "users": 1200, "ramp_s": 10, "hold_s": 1190, "spike_s": 0},
        {"tool": "k6", "users": 600, "ramp_s": 300, "hold_s": 600, "spike_s": 30}]},
    "short": {"steps": [
        {"tool": "locust", "users": 240, "ramp_s": 2, "hold_s": 10, "spike_s": 0},
        {"tool": "k6", "users": 120, "ramp_s": 3, "hold_s": 6, "spike_s": 2}]},
    "smoke": {"steps": [
        {"tool": "locust", "users": 20, "ramp_s": 1, "hold_s": 3, "spike_s": 0},
        {"tool": "k6", "users": 12, "ramp_s": 1, "hold_s": 3, "spike_s": 1}]},
}
REPLICAS = 3
FAIL_RATE = 0.0015   # of requests a replica answers 502, and
RESET_RATE = 0.0006  # resets the connection: together what the report saw, 0.21 %
P95_MS = 350
P99_MS = 650
ERRORS_PERCENT = 0.5
HELD_PER_S = {"locust": 900 / 1200, "k6": 900 / 600}  # by each user: they think less with k6
LEAST_REQUESTS = 1000  # of a run too small for a rate of errors or of requests to mean anything
START_S = 60           # what a tool may need beyond its load, to start and to stop
SPIKE_RAMPS_S = 4      # up and down, twice
LOCUST_PERCENTILES = {"p50": "50%", "p66": "66%", "p75": "75%", "p80": "80%", "p90": "90%",
                      "p95": "95%", "p98": "98%", "p99": "99%", "p999": "99.9%", "max": "100%"}


def seconds(scale):
    """About how long one run takes."""
    spikes = 2 * scale["spike_s"] + SPIKE_RAMPS_S if scale["tool"] == "k6" else 0
    return scale["ramp_s"] + scale["hold_s"] + spikes + 4


def start_replicas(context):
    """Anew for each proxy, so that all of them meet the same faults from the first request on."""
    program = os.path.join(context.folder, "replica.js")
    # Out of step, so that they do not all fail at once.
    context.endpoints = [
        context.start_replica("replica", [
            context.tool("node"), program, "--fail-rate", str(FAIL_RATE), "--reset-rate",
            str(RESET_RATE), "--phase", str(number / REPLICAS)]) for number in range(REPLICAS)]
    return context.endpoints


def run(context, target, scale):
    load = _locust if scale["tool"] == "locust" else _k6
    record = load(context, f"http://{target[0]}:{target[1]}", scale)
    percentiles = record["percentiles_us"]
    record["rows"] = {
        "median ms": percentiles["p50"] / 1000, "p95 ms": percentiles["p95"] / 1000,
        "p99 ms": percentiles["p99"] / 1000,
        "errors %": 100 * record["errors"]["failed"] / max(record["requests"], 1)}
    return record


def _k6(context, url, scale):
    metrics = k6.run(context, os.path.join(context.folder, "spikes.js"),
                     {"SCALE": json.dumps(scale), "TARGET": url}, seconds(scale) + START_S)
    return {"requests": k6.count(metrics, "http_reqs"),
            "errors": {"failed": int(metrics["http_req_failed"]["passes"])},
            "percentiles_us": k6.percentiles_us(metrics)}


def _locust(context, url, scale):
    prefix = context.supervisor.path(f"locust-{context.next_number()}")
    child = context.run_tool(
        "locust",
        [context.tool("locust"), "--headless", "--only-summary", "--loglevel", "ERROR",
         "-f", os.path.join(context.folder, "locustfile.py"), "--host", url,
         "-u", str(scale["users"]), "-r", str(scale["users"] / scale["ramp_s"]),
         "-t", f"{scale['ramp_s'] + scale['hold_s']}s", "--stop-timeout", "2", "--csv", prefix,
         "--exit-code-on-error", "0"],
        seconds(scale) + START_S, {"PYTHONDONTWRITEBYTECODE": "1"})
    try:
        with open(f"{prefix}_stats.csv", newline="") as file:
            total = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
        return {"requests": int(total["Request Count"]),
                "errors": {"failed": int(total["Failure Count"])},
                "percentiles_us": {key: float(total[name]) * 1000
                                   for key, name in LOCUST_PERCENTILES.items()}}
    except (OSError, StopIteration, ValueError, KeyError, TypeError) as error:
        raise BenchError(f"Locust left no usable summary ({error!r}): {child.log_tail()}") from None


def held_per_s(record):
    """Requests a second once the users are there: the median of the busier half of the run."""
    rates = sorted(completed for _, completed in record["timeline"])
    return statistics.median(rates[len(rates) // 2:]) if rates else 0.0


def check(context, record):
    step, rows = record["step"], record["rows"]
    rows["requests/s"] = held_per_s(record)
    failed, injected = record["errors"]["failed"], injected_failures(record)
    bars = [bar("p95 ms", rows["p95 ms"], "<=", P95_MS),
            bar("p99 ms", rows["p99 ms"], "<=", P99_MS),
            bar("failures beyond those injected", max(failed - injected, 0), "=", 0)]
    if record["requests"] < LEAST_REQUESTS:
        return bars
    return [*bars, bar("errors, %", rows["errors %"], "<", ERRORS_PERCENT),
            bar("requests/s held", rows["requests/s"], ">=",
                HELD_PER_S[step["tool"]] * step["users"])]


def injected_failures(record):
    return record["counts"]["injected_502"] + record["counts"]["injected_resets"]


def sections(records):
    tables = []
    for tool, name in (("locust", "Locust"), ("k6", "k6")):
        ours = [record for record in records if record["step"]["tool"] == tool]
        if not ours:
            continue
        column = REPORT.columns.index(f"report, {name}")
        tables.append(beside.rows_table(f"{name}: {ours[0]['step']['users']:,} users", Table(
            "", ["", REPORT.columns[column]], [[row[0], row[column]] for row in REPORT.rows]),
            ours))
    tables.append(failures_table(records))
    return [Section("the rows of the report beside ours", [
        f"Targets: p95 at most {P95_MS} ms, p99 at most {P99_MS} ms, errors under "
        f"{ERRORS_PERCENT} %, and 900 requests/s held by 1,200 users of Locust or 600 of k6, in "
        "proportion with fewer. Users think between two requests, so they and not the proxy set "
        f"the rate. Of the {REPLICAS} replicas (`direct` is one of them) each answers "
        f"{100 * FAIL_RATE:.2f} % of its requests with 502 and resets the connection of "
        f"{100 * RESET_RATE:.2f} %. Requests a second are those that the replicas counted, the "
        "median of the busier half of the run.", REPORT.note], tables),
            *beside.own_section(records, "the tool",
                                "Locust rounds times of 100 ms and more to two digits.")]


def failures_table(records):
    return Table(
        "Injected failures, and what became of them",
        ["", "requests", "502s injected", "resets injected", "errors seen", "hidden"],
        [[f"{record['proxy']}, {record['step']['tool']}", record["requests"],
          record["counts"]["injected_502"], record["counts"]["injected_resets"],
          record["errors"]["failed"], injected_failures(record) - record["errors"]["failed"]]
         for record in records],
        "A 502 of a replica is its answer and passes through. A reset can be hidden where trying "
        "again is safe: onehop does for GET, HEAD and PUT on a reused connection. Both tools try "
        "some again themselves, so that not all are seen even directly, and what is in flight when "
        "a tool stops is seen by nobody. nginx as installed sets a replica aside for ten seconds "
        "after one failure (`max_fails=1`); when all are aside, it answers 502 by itself. The "
        "tuned one has `max_fails=0`.")
