# SPDX-License-Identifier: MIT
"""saturation: four services under three times as many users as they can bear.

The one idea: nobody can answer all of them, so what counts is what becomes of the excess. Behind
onehop, each service is given as many requests at a time as it has workers and twice as many may
wait: the rest is turned away at once with 503 and Retry-After, and what is let in stays quick.
HAProxy is there twice, with the same limits and, like nginx, without any.
"""
import json
import os

from lib import beside
from lib.configurations import Limits
from lib.processes import BenchError
from lib.scenario_runner import SEVERAL_SERVICES, bar
from lib.tables import Section, Table

TITLE = "saturation: a thousand new users a second (Artillery)"
TOOLS = ("artillery", "node")
PROXIES = ("direct", "onehop", "haproxy-limited", "nginx", "haproxy")
CONFIGURED = SEVERAL_SERVICES
REPORT = Table("What the report says", ["row", "report"], [
    ["requests", 127800], ["ECONNREFUSED", 2879], ["ECONNRESET", 9899], ["ETIMEDOUT", 114974],
    ["answered", None], ["fastest 200 ms", 56], ["slowest 200 ms", 153]],
    "30 s of warm-up, 60 s of ramp, 120 s of 1,000 new users a second, 30 s of cool-down. "
    "The report names no number of answers; what was neither refused, reset nor timed out is 48.")
# A service has `workers`, and a request takes one of them for WORK_MS, so all services together do
# a third of the peak. A service has `room` for so many that wait.
SCALE = {
    "full": {"warm_up_s": 30, "ramp_s": 60, "peak_s": 120, "cool_down_s": 30, "peak_per_s": 1000,
             "workers": 5, "room": 2048, "timeout_s": 10},
    "short": {"warm_up_s": 2, "ramp_s": 3, "peak_s": 8, "cool_down_s": 2, "peak_per_s": 200,
              "workers": 1, "room": 100, "timeout_s": 3},
    "smoke": {"warm_up_s": 1, "ramp_s": 1, "peak_s": 2, "cool_down_s": 1, "peak_per_s": 200,
              "workers": 1, "room": 100, "timeout_s": 3},
}
DURATIONS = ("warm_up_s", "ramp_s", "peak_s", "cool_down_s")
SERVICES = ("health", "payments", "analytics", "notifications")
WORK_MS = 60
WAIT_MS = 500
# What is let in: its own work, at most two turns of waiting, some slack. By its own clock for
# p99, as the slowest of Artillery's are those that Artillery itself was late to look at.
ADMITTED_MS = 250
SHED_MS = 100       # p95 of what is turned away: "at once", with Artillery on the same cores
START_S = 60        # what Artillery may need beyond its phases, to start and to stop
SOCKET_ERRORS = ("ECONNREFUSED", "ECONNRESET", "ETIMEDOUT")


def seconds(scale):
    """About how long one run takes."""
    return 8 + sum(scale[key] for key in DURATIONS)


def start_replicas(context):
    """Anew for each proxy: a service whose queue is full works on for seconds after the load."""
    context.routes = {f"/{name}": [context.start_replica(name, [
        context.tool("node"), os.path.join(context.folder, "service.js"), "--name", name,
        "--work-ms", str(WORK_MS), "--concurrency", str(context.scale["workers"]),
        "--room", str(context.scale["room"])])] for name in SERVICES}
    context.endpoints = [replicas[0] for replicas in context.routes.values()]
    return context.routes


def limits(scale):
    """Of onehop and haproxy-limited; the others have none."""
    return Limits(scale["workers"], 2 * scale["workers"], WAIT_MS)


def run(context, target, scale):
    path = context.supervisor.path(f"artillery-{context.next_number()}.json")
    child = context.run_tool(
        "artillery",
        [context.tool("artillery"), "run", os.path.join(context.folder, "saturation.yml"),
         "--quiet", "--output", path, "--overrides", overrides(context, target, scale)],
        sum(scale[key] for key in DURATIONS) + scale["timeout_s"] + START_S,
        {"NODE_OPTIONS": f'--require "{os.path.join(context.folder, "quiet.js")}"'})
    try:
        with open(path) as file:
            aggregate = json.load(file)["aggregate"]
    except (OSError, ValueError, KeyError) as error:
        raise BenchError(f"Artillery left no usable summary ({error!r}): "
                         f"{child.log_tail()}") from None
    counters, summaries = aggregate["counters"], aggregate["summaries"]
    errors = {name.partition(".")[2]: count for name, count in counters.items()
              if name.startswith("errors.")}
    codes = {name.rpartition(".")[2]: count for name, count in counters.items()
             if name.startswith("http.codes.")}
    times = {name.partition(".")[2]: _times_us(summary) for name, summary in summaries.items()
             if name.startswith("answered.")}
    good = times.get("200", {})
    return {
        "rows": {"requests": counters.get("http.requests", 0),
                 **{name: errors.get(name, 0) for name in SOCKET_ERRORS},
                 "answered": codes.get("200", 0) + codes.get("401", 0),
                 "fastest 200 ms": round(good["min"] / 1000) if good else None,
                 "slowest 200 ms": round(good["max"] / 1000) if good else None},
        "percentiles_us": good, "times_us": times, "codes": codes, "errors": errors,
        "requests": counters.get("http.requests", 0),
        "shed": {"with": counters.get("shed.with_retry_after", 0),
                 "without": counters.get("shed.without_retry_after", 0)},
        "wrongly_answered": counters.get("wrongly_answered", 0),
        "health_us": times.pop("200.health", {})}


def overrides(context, target, scale):
    """What differs from saturation.yml. Without a proxy each service is asked at its address."""
    places = {name: target for name in SERVICES}
    if context.proxy == "direct":
        places = {prefix.strip("/"): replicas[0] for prefix, replicas in context.routes.items()}
    peak = scale["peak_per_s"]
    phases = [{"name": name, "duration": scale[f"{name}_s"], "arrivalRate": max(peak // part, 1)}
              for name, part in (("warm_up", 100), ("ramp", 100), ("peak", 1), ("cool_down", 25))]
    phases[1]["rampTo"] = peak // 5
    return json.dumps({"config": {
        "target": f"http://{target[0]}:{target[1]}", "phases": phases,
        "http": {"timeout": scale["timeout_s"]},
        "variables": {name: f"http://{host}:{port}" for name, (host, port) in places.items()}}})


def _times_us(summary):
    return {key: summary[key] * 1000 for key in ("min", "p50", "p90", "p95", "p99", "p999", "max")}


JUDGED_PROXIES = ("onehop", "haproxy-limited")
JUDGED = ("Only onehop and haproxy-limited are judged by the thresholds: they have the same "
          "limits. The others, and `direct`, have none; how far they are from the bars is what "
          "limits are worth.")


def check(context, record):
    shed, times, codes = record["shed"], record["times_us"], record["codes"]
    strange = sum(count for code, count in codes.items() if code not in ("200", "401", "503"))
    bars = [
        bar("requests with the answer of another", record["wrongly_answered"], "=", 0, always=True),
        *(bar(f"requests that ended with {name}", count, "=", 0) for name, count in
          {**dict.fromkeys(SOCKET_ERRORS, 0), **record["errors"]}.items()),
        bar("answers but 200, 401 and 503", strange, "=", 0),
        bar("turned away with Retry-After", shed["with"], ">", 0),
        bar("turned away without Retry-After", shed["without"], "=", 0),
        bar("answered 200", codes.get("200", 0), ">", 0)]
    if "503" in times:
        bars.append(bar("turned away: p95 ms", times["503"]["p95"] / 1000, "<=", SHED_MS))
    # What was let in must be in time: by Artillery's clock and, where there is one, by onehop's.
    slow = {"p95 ms, by Artillery": times["200"]["p95"]} if "200" in times else {}
    for name in SERVICES if record["stats"] else ():
        figures = beside.percentiles_us(record["stats"], name)
        if figures:
            slow[f"{name} p99 ms, by onehop"] = figures["p99"]
    return bars + [bar(f"let in: {key}", found_us / 1000, "<=", ADMITTED_MS)
                   for key, found_us in slow.items()]


def sections(records):
    return [Section(
        "the rows of the report beside ours",
        ["Four services that together can do a third of the peak: each request takes a worker "
         f"for {WORK_MS} ms, and whoever finds none waits. Where a service has no room for more "
         "who wait, it resets their connections.",
         "Limited with limited: onehop and haproxy-limited let as many requests at a time into a "
         "service as it has workers, let twice as many wait for at most "
         f"{WAIT_MS} ms, and answer the rest at once with 503 and Retry-After. In onehop that is "
         "`pool.max_connections`, `pool.max_queue` and `pool.queue_timeout`; in HAProxy `maxconn` "
         "of the server, a rule on `queue()` of the backend (`maxqueue` would only move those who "
         "wait from the server's queue to the backend's) and `timeout queue`. The others are "
         "unlimited, as most installations are: they pass everything on."],
        [beside.rows_table("", REPORT, records, REPORT.note), fates_table(records)]),
        *(own_section(record) for record in records if record.get("stats"))]


def other_answers(record):
    return (sum(record["codes"].values()) - record["rows"]["answered"] - record["shed"]["with"])


def fates_table(records):
    rows = []
    for record in records:
        times, codes = record["times_us"], record["codes"]
        rows.append([record["proxy"], codes.get("200", 0), codes.get("401", 0),
                     record["shed"]["with"], other_answers(record),
                     sum(record["errors"].values()), _shown(times, "200", "p50"),
                     _shown(times, "200", "p95"), _shown(times, "200", "p99"),
                     _shown(times, "503", "p95"), record["counts"]["unheard"]])
    return Table("What became of the requests",
                 ["", "200", "401", "503 with Retry-After", "other answers", "no answer",
                  "200 p50 ms", "200 p95 ms", "200 p99 ms", "503 p95 ms", "worked for nobody"],
                 rows, "Worked for nobody: requests that a service worked for although the client "
                       "had given up.")


def _shown(times, code, key):
    return round(times[code][key] / 1000) if code in times else None


def own_section(record):
    """Counts of both sides, and the time of what was answered. 401s are quick but not free of the
    queue, so Artillery's percentiles here are of both."""
    stats = record["stats"]
    rows = []
    for name in SERVICES:
        requests = next(iter(stats["upstreams"][name]["endpoints"].values()))["requests"]
        classes = requests["by_class"]
        rows.append([name, classes["2xx"] + classes["4xx"], requests["queue_rejected_total"]])
    rows.append(["all, by onehop", *(sum(row[i] for row in rows) for i in (1, 2))])
    rows.append(["all, by Artillery", record["rows"]["answered"],
                 record["shed"]["with"] + record["shed"]["without"]])
    health = (("health", record["health_us"], beside.percentiles_us(stats, "health")),)
    return Section("onehop's own figures beside those of Artillery", [
        "Of each service, `/stats` knows what it answered and what was turned away from its queue. "
        "Times are compared for health, which answers only 200."],
        [Table("Answered and turned away", ["", "answered", "turned away"], rows),
         beside.table("Time to a 200 of health", "Artillery", health)])
