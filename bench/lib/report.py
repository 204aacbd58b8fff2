# SPDX-License-Identifier: MIT
"""Turns the records of a run into the sections of its report.

The one idea: of the rounds of a proxy, a table shows the median, figure by figure; what cannot be a
median, such as connections over requests, is of all rounds together.
"""
import statistics

from lib import arrival, bars, beside, loads, results
from lib.results import PERCENTILES
from lib.tables import Section, Table

MIB = 1 << 20


def median(rounds, key):
    values = [run[key] for run in rounds if run.get(key) is not None]
    return statistics.median(values) if values else None


def shown(form, rounds, key, divisor=1):
    """The median, as `form` has it."""
    value = median(rounds, key)
    return None if value is None else form.format(value / divisor)


def latencies(rounds, names=PERCENTILES, form="{:,.0f}", divisor=1):
    return [form.format(statistics.median(run["latency_us"][name] for run in rounds) / divisor)
            for name in names]


def grouped(records, *keys):
    """Records by the values of `keys`, in the order in which they first came."""
    groups = {}
    for record in records:
        groups.setdefault(tuple(record[key] for key in keys), []).append(record)
    return {key[0] if len(key) == 1 else key: group for key, group in groups.items()}


def total(rounds, key):
    return sum(run[key] for run in rounds)


def cpu_text(rounds):
    if "cpu_us" not in rounds[0]:
        return None
    return (f"{median(rounds, 'cpu_us'):,.1f} ({median(rounds, 'user_us'):,.1f} + "
            f"{median(rounds, 'system_us'):,.1f})")


def summed(counts):
    """Of several dictionaries, key by key."""
    sums = {}
    for one in counts:
        for key, count in one.items():
            sums[key] = sums.get(key, 0) + count
    return sums


def errors_text(rounds):
    """By kind and status; "none" is a result too."""
    kinds = summed(run["errors"] for run in rounds)
    bad = {f"status {status}": count for status, count in
           summed(run.get("status", {}) for run in rounds).items()
           if not str(status).startswith("2")}
    if bad:
        kinds.pop("status", None)  # the same ones, without saying which
    return ", ".join(f"{kind} {count:,}" for kind, count in {**kinds, **bad}.items() if count
                     ) or "none"


# --- one load ------------------------------------------------------------------------------------


def load_table(rounds_by_proxy, load, calls):
    """Medians of every proxy's rounds of one load; `calls` are system calls per request by proxy.
    """
    lines = []
    for proxy, rounds in rounds_by_proxy.items():
        requests, accepts = total(rounds, "requests"), total(rounds, "origin_accepts")
        lines.append([
            proxy, cpu_text(rounds), shown("{:,.0f}", rounds, "requests_per_s"),
            *latencies(rounds), shown("{:.0%}", rounds, "busy"),
            shown("{:.1f}", rounds, "rss_bytes", MIB),
            f"{calls[proxy]:.2f}" if proxy in calls else None,
            f"{requests / accepts:,.1f}" if accepts else "all reused"])
    unit = load.unit
    return Table("", ["proxy", f"CPU us per {unit} (user + system)",
                      "MiB/s" if unit == "MiB" else f"{unit}s/s", "p50 us", "p95 us", "p99 us",
                      "core busy", "memory MiB", f"system calls per {unit}",
                      "requests per origin connection"], lines)


def connections_table(rounds_by_proxy):
    """What was counted on both hops, of all rounds together, and what went wrong."""
    return Table("connections of all rounds", [
        "proxy", "requests", "hop 1, by the kernel", "hop 2, by the origin", "errors"], [
        [proxy, total(rounds, "requests"), total(rounds, "client_connections"),
         total(rounds, "origin_accepts") if "cpu_us" in rounds[0] else None, errors_text(rounds)]
        for proxy, rounds in rounds_by_proxy.items()])


def load_sections(runs, special):
    for name, records in grouped(runs, "load").items():
        if name in loads.BY_NAME:
            load, by_proxy = loads.BY_NAME[name], grouped(records, "proxy")
            calls = {record["proxy"]: record["per_request"]
                     for record in special.get("syscalls", []) if record["load"] == name}
            yield Section(f"{name}: {load.title} (medians)", [],
                          [load_table(by_proxy, load, calls), connections_table(by_proxy)])


# --- constant arrival ----------------------------------------------------------------------------


def arrival_table(by_proxy):
    lines = []
    for proxy, rounds in by_proxy.items():
        met = sum(run["reached"] for run in rounds)
        lines.append([
            proxy, shown("{:,.0f}", rounds, "requests_per_s"),
            "yes" if met == len(rounds) else f"NO ({met} of {len(rounds)})" if met else "NO",
            *latencies(rounds), cpu_text(rounds), shown("{:.1f}", rounds, "rss_bytes", MIB),
            shown("{:,.0f}", rounds, "late_us"), errors_text(rounds)])
    return Table("", ["proxy", "completed/s", "reached", "p50 us", "p95 us", "p99 us",
                      "CPU us per request (user + system)", "memory MiB", "tool late by us",
                      "errors"], lines)


def arrival_sections(runs):
    for rate, records in grouped((run for run in runs if run["load"] == "arrival"), "rate").items():
        by_proxy = grouped(records, "proxy")
        yield Section(
            f"arrival: {rate:,} arrivals/s, each on a new connection",
            ["Latency counts from when a request was due. Reached: no more than "
             f"{arrival.REACHED_ERRORS:.1%} of the requests failed, and the last one was answered "
             f"within {arrival.REACHED_SHARE:.0%} of the time and {arrival.REACHED_S} s after the "
             "end. A tool that is late by milliseconds has no core left: what it measures is "
             "partly itself."],
            [arrival_table(by_proxy), connections_table(by_proxy)])


def slow_section(found):
    lines = [[f"{proxy}, {balance}",
              *latencies(rounds, arrival.PERCENTILES, "{:,.1f}", 1000),
              shown("{:.1%}", rounds, "slow_share"), cpu_text(rounds),
              shown("{:,.0f}", rounds, "requests_per_s"), errors_text(rounds)]
             for (proxy, balance), rounds in grouped(found, "proxy", "balance").items()]
    return Section(
        f"slow-replica: one of three replicas waits {found[0]['delay_ms']} ms "
        f"({found[0]['rate']:,} requests/s on kept connections)", [],
        [Table("", ["proxy and balance", "p50 ms", "p90 ms", "p95 ms", "p99 ms",
                    "to the slow one", "CPU us per request (user + system)", "completed/s",
                    "errors"], lines)])


# --- what explains the figures -------------------------------------------------------------------


def linter_section(found, runs):
    runs = grouped(runs, "load", "proxy")
    lines = []
    for record in found:
        counted = []
        for load in ("keepalive", "newconn"):
            rounds = runs.get((load, record["proxy"]))
            accepts = total(rounds, "origin_accepts") if rounds else 0
            counted.append(f"{total(rounds, 'requests') / accepts:,.1f}" if accepts
                           else "all reused" if rounds else None)
        lines.append([record["proxy"], "yes" if record["reuses"] else "NO",
                      f"{record['connections']} for {record['requests']}", *counted,
                      record["http_version"], record["connection_field"] or "none",
                      "; ".join(record["why"]) or None])
    return Section(
        "linter: who reuses connections to the origin, and why not",
        ["Seen by an origin that keeps the heads of a few requests, each from a client connection "
         "of its own; then the requests per connection that the origin counted in the loads."],
        [Table("", ["proxy", "reuses", "connections", "keepalive: requests per connection",
                    "newconn: requests per connection", "asks in", "Connection", "why not"],
               lines)])


def h2c_section(records, calls):
    """Each proxy over HTTP/2 to the origin and over HTTP/1.1; the ratio is of the same round."""
    by_proxy = grouped(records, "proxy")
    called = {record["proxy"]: record for record in calls}
    lines = []
    for proxy, rounds in by_proxy.items():
        base = {run["round"]: run["cpu_us"]
                for run in by_proxy.get(proxy.partition(",")[0] + ", http/1.1", [])}
        ratios = [run["cpu_us"] / base[run["round"]] for run in rounds if base.get(run["round"])]
        traced = called.get(proxy, {})
        lines.append([
            proxy, shown("{:,.1f}", rounds, "cpu_us"),
            f"{statistics.median(ratios):.2f}" if ratios else None,
            shown("{:,.0f}", rounds, "requests_per_s"), *latencies(rounds, ("p50", "p99")),
            *(f"{traced[key]:.2f}" if key in traced else None
              for key in ("per_request", "writes", "reads")),
            total(rounds, "origin_accepts")])
    return Section("HTTP/2 without TLS to the origin", [
        "keep-alive, 64 connections of HTTP/1.1, 256-byte answers of an nginx with a port for "
        "each protocol; medians of the rounds, system calls by strace."], [
        Table("", ["proxy", "CPU us per request", "of its own over HTTP/1.1", "requests/s",
                   "p50 us", "p99 us", "system calls", "writes", "reads",
                   "connections to the origin"], lines)])


def churn_section(found):
    lines = [[variant, shown("{:,.0f}", rounds, "changes_per_s"),
              *latencies(rounds, arrival.PERCENTILES, "{:,.2f}", 1000),
              *(f"{pick(run['latency_us']['p99'] for run in rounds) / 1000:,.2f}"
                for pick in (min, max)),
              cpu_text(rounds), shown("{:,.0f}", rounds, "requests_per_s"), errors_text(rounds)]
             for variant, rounds in grouped(found, "variant").items()]
    return Section(
        f"churn: endpoints that change under load ({found[0]['rate']:,} requests/s on kept "
        "connections)", ["One endpoint is added and removed, another's weight is changed, over the "
                         "control socket. Medians of the rounds, which alternate."],
        [Table("", ["", "changes/s", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "least p99",
                    "largest p99", "CPU us per request (user + system)", "completed/s", "errors"],
               lines)])


def special_sections(document):
    special = document["special"]
    if "slow-replica" in special:
        yield slow_section(special["slow-replica"])
    if "linter" in special:
        yield linter_section(special["linter"], document["runs"])
    own = beside.own_table(document)
    if own.rows:
        yield Section(
            "own: onehop's percentiles beside those of the load tool, in the same run",
            ["onehop's clock begins with the first byte of a request and ends with the last one "
             "handed to the kernel. The tool also sees the connection being made, waiting until it "
             "is accepted, and its own delays; with a new connection for each request, on a busy "
             "core, that is most of it. `proxy_overhead` is onehop's own part. Figures are medians "
             "of the runs of a load. " + beside.DIFFERENCE], [own])
    for load, records in grouped(special.get("syscalls", []), "load").items():
        yield Section(f"system calls per request, {load} (strace)", [], [Table(
            "", ["proxy", "calls", "which"],
            [[record["proxy"], f"{record['per_request']:.2f}",
              ", ".join(f"{name} {value:.2f}" for name, value in record["by_name"].items()
                        if value >= 0.02)] for record in records])])
    if "h2c" in special:
        yield h2c_section(special["h2c"], special.get("h2c-calls", []))
    if "instructions" in special:
        yield Section("user-space instructions per keep-alive request (callgrind)", [], [Table(
            "", ["proxy", "instructions"],
            [[record["proxy"], f"{record['per_request']:,.0f}"]
             for record in special["instructions"]])])
    if "churn" in special:
        yield churn_section(special["churn"])
    if "scale" in special:
        yield Section("scale: a large configuration at its start", [
            "Ready when /readyz says so; the file is written meanwhile. An unused endpoint is the "
            "difference to the same upstreams with one endpoint each."], [Table(
                "", ["upstreams", "endpoints", "workers", "ready, s", "memory, MiB",
                     "an unused endpoint, bytes per worker"],
                [[record["upstreams"], record["endpoints"], record["workers"],
                  f"{record['ready_s']:.2f}", f"{record['rss_bytes'] / MIB:.1f}",
                  f"{record['endpoint_bytes']:,.0f}"] for record in special["scale"]])])
    if "idle" in special:
        yield Section("resident memory for each idle client connection", [], [Table(
            "", ["proxy", "connections", "variant", "bytes each", "before, MiB", "after, MiB"],
            [[record["proxy"], record["connections"], record["variant"],
              f"{record['bytes_per_connection']:,.0f}", f"{record['before_bytes'] / MIB:.1f}",
              f"{record['after_bytes'] / MIB:.1f}"] for record in special["idle"]])])
    if "large" in special:
        yield Section("peak resident memory, one large body and a slow reader", [], [Table(
            "", ["proxy", "direction", "MiB", "peak, MiB", "seconds"],
            [[record["proxy"], record["direction"], f"{record['size_bytes'] / MIB:,.0f}",
              f"{record['peak_bytes'] / MIB:.1f}", f"{record['wall_s']:.1f}"]
             for record in special["large"]])])


def handshakes_table(runs):
    names, lines = list(dict.fromkeys(run["proxy"] for run in runs)), []
    for load, records in grouped(runs, "load").items():
        if load in loads.BY_NAME and loads.BY_NAME[load].handshake:
            by_proxy = grouped(records, "proxy")
            lines.append([load, *(f"{1e6 / median(by_proxy[name], 'cpu_us'):,.0f}"
                                  if name in by_proxy and median(by_proxy[name], "cpu_us")
                                  else None for name in names)])
    return Table("", ["load", *names], lines)


def access_log_section(runs):
    """Without and with a line for each request, side by side."""
    found = grouped((run for run in runs if run["load"] == "access-log"), "proxy")
    lines = []
    for name in ("nginx", bars.SUBJECT):
        values = list(bars.added(runs, name).values())
        if values:
            pair = found[name], found[f"{name}-logging"]
            lines.append([name, *(shown("{:.2f}", one, "worker_us") for one in pair),
                          f"{statistics.median(values):.2f}", bars.spread(values),
                          *(shown("{:.2f}", one, "cpu_us") for one in pair)])
    return Section(
        "access-log: what a line of JSON for each request costs, CPU us per request (medians)",
        ["The worker is the busiest thread, by the kernel's count; what it adds is of the two runs "
         "of a round. All threads: onehop formats and writes in a thread of its own."],
        [Table("", ["proxy", "worker, no log", "worker, log", "added", "rounds",
                    "all threads, no log", "all threads, log"], lines)]) if lines else None


# --- the whole -----------------------------------------------------------------------------------


def brief(record):
    """One record for a line of progress."""
    kind = record.get("kind", record.get("load"))
    if kind == "slow-replica":
        return (f"p95 {record['latency_us']['p95']:,.0f} us, {record['slow_share']:.0%} to the "
                f"slow one, errors {errors_text([record])}")
    if kind == "arrival":
        return (f"{'reached' if record['reached'] else 'NOT reached'}, "
                f"p99 {record['latency_us']['p99']:,.0f} us, errors {errors_text([record])}")
    if kind == "churn":
        return (f"{record['changes_per_s']:,.0f} changes/s, p99 {record['latency_us']['p99']:,.0f} "
                f"us, errors {errors_text([record])}")
    if kind == "scale":
        return f"ready in {record['ready_s']:.2f} s, {record['rss_bytes'] / MIB:.0f} MiB"
    if kind == "idle":
        return f"{record['bytes_per_connection']:,.0f} bytes each"
    if kind == "large":
        return f"peak {record['peak_bytes'] / MIB:.1f} MiB"
    if kind == "linter":
        return f"{record['connections']} connections for {record['requests']} requests"
    if kind == "own":
        return (f"p50 {record['latency_us']['p50']:,.0f} us, onehop says "
                f"{record['own']['total']['p50']:,.0f}")
    if "per_request" in record:
        return f"{bars.number(record['per_request'])} per request"
    cpu = f"{record['cpu_us']:,.1f} us each, " if "cpu_us" in record else ""
    return f"{cpu}{record['requests_per_s']:,.0f}/s"


def sections(document):
    """The whole report."""
    runs = document["runs"]
    found = [Section("where, when and with what", results.where(document)),
             *load_sections(runs, document["special"]), *arrival_sections(runs),
             *special_sections(document)]
    logged = access_log_section(runs)
    if logged:
        found.append(logged)
    ratios, handshakes = bars.ratio_table(runs), handshakes_table(runs)
    if ratios:
        found.append(Section("CPU of onehop over that of each other (medians of ratios)", [],
                             [ratios]))
    if handshakes.rows:
        found.append(Section("handshakes per CPU second of the proxy (medians)", [], [handshakes]))
    rows = [row for row in document["bars"]
            if row["measured"] is not None or not document["options"]["partial"]]
    if rows:
        found.append(Section("bars (medians of the ratios of neighbouring runs)", [],
                             [bars.table(rows)]))
    if document["notes"]:
        found.append(Section("notes", ["\n".join("- " + note for note in document["notes"])]))
    if document["commands"]:
        found.append(Section("commands", [
            "The files they name are made by `bench/lib/configurations.py`.",
            "```\n" + "\n".join(document["commands"]) + "\n```"]))
    return found
