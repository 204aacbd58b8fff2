# SPDX-License-Identifier: MIT
"""saturation: four services under three times as many users as they can bear.

The one idea: nobody can answer all of them, so what counts is what becomes of the excess. Behind
onehop, each service is given as many requests at a time as it has workers and twice as many may
wait: the rest is turned away at once with 503 and Retry-After, and what is let in stays quick.
"""
import json
import os
import subprocess

from lib import beside, routes
from lib.layout import Plot, Section, Series, Table
from lib.processes import BenchError

TITLE = "saturation: a thousand new users a second (Artillery)"
TOOLS = ("artillery", "node")
PROXIES = ("direct", "onehop", "nginx", "haproxy")
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
# What onehop lets in: its own work, at most two turns of waiting, some slack. By its own clock for
# p99, as the slowest of Artillery's are those that Artillery itself was late to look at.
ADMITTED_MS = 250
SHED_MS = 100       # p95 of what it turns away: "at once", with Artillery on the same cores
START_S = 60        # what Artillery may need beyond its phases, to start and to stop
SOCKET_ERRORS = ("ECONNREFUSED", "ECONNRESET", "ETIMEDOUT")


def seconds(scale):
    """About how long one run takes."""
    return 8 + sum(scale[key] for key in DURATIONS)


def start(context):
    context.routes = {}
    for name in SERVICES:
        child = context.supervisor.start(
            name, [context.tool("node"), os.path.join(context.folder, "service.js"),
                   "--name", name, "--work-ms", str(WORK_MS),
                   "--concurrency", str(context.scale["workers"]),
                   "--room", str(context.scale["room"])], stdout=subprocess.PIPE)
        host, _, port = child.process.stdout.readline().decode().strip().rpartition(":")
        if not host:
            raise BenchError(f"the service {name} did not start: {child.log_tail()}")
        context.routes[f"/{name}"] = [(host, int(port))]
    context.endpoints = [replicas[0] for replicas in context.routes.values()]
    context.onehop_upstream = (f"pool.max_connections = {context.scale['workers']}\n"
                               f"pool.max_queue = {2 * context.scale['workers']}\n"
                               'pool.queue_timeout = "500ms"\n')


def start_proxy(context, name):
    return routes.start(context.supervisor, context.settings.onehop, name, context.routes,
                        upstream_lines=context.onehop_upstream)


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


JUDGED = ("Only onehop is judged by the thresholds: it was configured for this load, the others "
          "were not. What they did is in the tables above.")


def check(context, record):
    if record["wrongly_answered"]:
        return [f"{record['wrongly_answered']} requests got the answer of another: 401 with a "
                "token, or 200 without"]
    if context.proxy != "onehop":
        return []
    broken = [f"{count} requests ended with {name}" for name, count in record["errors"].items()]
    broken += [f"{count} answers were {code}" for code, count in record["codes"].items()
               if code not in ("200", "401", "503")]
    shed, times = record["shed"], record["times_us"]
    if not shed["with"]:
        broken.append("nothing was turned away, although the services cannot bear this load")
    if shed["without"]:
        broken.append(f"{shed['without']} of the turned away were not told when to come again")
    if shed["with"] and times["503"]["p95"] > SHED_MS * 1000:
        broken.append(f"5 % of the turned away had to wait {times['503']['p95'] / 1000:.0f} ms or "
                      f"longer for it, more than {SHED_MS}")
    own = {name: beside.percentiles_us(record["stats"], name) for name in SERVICES}
    slow = [("95 %, by Artillery,", times["200"]["p95"])] if "200" in times else []
    slow += [(f"99 %, by onehop, of {name}", figures["p99"]) for name, figures in own.items()
             if figures]
    broken += [f"{what} of what was let in took up to {found_us / 1000:.0f} ms, more than "
               f"{ADMITTED_MS}" for what, found_us in slow if found_us > ADMITTED_MS * 1000]
    if "200" not in times:
        broken.append("nothing was answered")
    return broken


def sections(records):
    names = [record["proxy"] for record in records]
    fates = Plot("What became of the requests", "stacked", "requests", labels=names, series=[
        Series("200 and 401", [record["rows"]["answered"] for record in records]),
        Series("503 with Retry-After", [record["shed"]["with"] for record in records]),
        Series("other answers", [other_answers(record) for record in records]),
        Series("no answer", [sum(record["errors"].values()) for record in records])])
    found = [Section(
        "the rows of the report beside ours",
        ["Four services that together can do a third of the peak: each request takes a worker "
         f"for {WORK_MS} ms, and whoever finds none waits. Where a service has no room for more "
         "who wait, it resets their connections. onehop's settings for this run: "
         "`pool.max_connections` is a service's number of workers, `pool.max_queue` twice that. "
         "nginx and HAProxy could be given limits too (`max_conns`, `maxconn`); as they are "
         "configured here they pass everything on, as most installations do."],
        [beside.rows_table("", REPORT, records, REPORT.note), fates_table(records)],
        [fates, beside.percentile_plot("Time to a 200", records),
         beside.throughput_plot("Requests that reached the services", records)])]
    return found + [own_section(record) for record in records if record.get("stats")]


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
