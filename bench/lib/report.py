# SPDX-License-Identifier: MIT
"""Turns the records of a run into the sections of its report.

The one idea: of the rounds of a proxy, a table shows the median, figure by figure; what cannot be a
median, such as connections over requests, is of all rounds together.
"""
import statistics

from lib import arrival, bars, beside, timeline, tls_loads, tls_plan
from lib.layout import Plot, Section, Series, Table
from lib.netns import PLACES
from lib.timed import LOADS

MIB = 1 << 20
PLOTTED = ("p50", "p95", "p99")


def median(rounds, key):
    values = [run[key] for run in rounds if run.get(key) is not None]
    return statistics.median(values) if values else None


def latency(rounds, percentile):
    return statistics.median(run["latency_us"][percentile] for run in rounds)


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


def errors_text(rounds):
    """By kind and status; "none" is a result too."""
    kinds = {}
    for run in rounds:
        for kind, count in run["errors"].items():
            kinds[kind] = kinds.get(kind, 0) + count
        for status, count in run.get("status", {}).items():
            if not str(status).startswith("2"):
                kinds[f"status {status}"] = kinds.get(f"status {status}", 0) + count
    if any(kind.startswith("status ") for kind in kinds):
        kinds.pop("status", None)  # the same ones, without saying which
    return ", ".join(f"{kind} {count:,}" for kind, count in kinds.items() if count) or "none"


def held_text(rounds, hop):
    """TIME_WAIT left behind on a hop by all rounds, and who holds it."""
    sums = {}
    for run in rounds:
        for place, count in run["time_wait"].get(hop, {}).items():
            sums[place] = sums.get(place, 0) + count
    if not sums:
        return None
    return ", ".join(f"{count:,} {place}" for place, count in sums.items() if count) or "0"


def kernel_text(rounds, place):
    """Connections accepted and made in one namespace, as its kernel counted them."""
    counts = [run["kernel"][place] for run in rounds if place in run["kernel"]]
    if not counts:
        return None
    return " / ".join(f"{sum(count[key] for count in counts):,}" for key in ("accepted", "made"))


# --- one load ------------------------------------------------------------------------------------


def rate_unit(load):
    return "MiB/s" if load.unit == "MiB" else f"{load.unit}s/s"


def load_table(rounds_by_proxy, load, calls):
    """Medians of every proxy's rounds of one load; `calls` are system calls per request by proxy.
    """
    lines = []
    for proxy, rounds in rounds_by_proxy.items():
        requests, accepts = total(rounds, "requests"), total(rounds, "origin_accepts")
        busy = median(rounds, "busy")
        rss = median(rounds, "rss_bytes")
        lines.append([
            proxy, cpu_text(rounds), f"{median(rounds, 'requests_per_s'):,.0f}",
            *(f"{latency(rounds, name):,.0f}" for name in PLOTTED),
            None if busy is None else f"{busy:.0%}",
            None if rss is None else f"{rss / MIB:.1f}",
            f"{calls[proxy]:.2f}" if proxy in calls else None,
            f"{requests / accepts:,.1f}" if accepts else "all reused"])
    columns = ["proxy", f"CPU us per {load.unit} (user + system)", rate_unit(load),
               "p50 us", "p95 us", "p99 us", "core busy", "memory MiB",
               f"system calls per {load.unit}", "requests per origin connection"]
    return Table("", columns, lines)


def connections_table(rounds_by_proxy):
    """What was counted on both hops, of all rounds together, and what went wrong."""
    known = {place for rounds in rounds_by_proxy.values() for place in rounds[0]["kernel"]}
    places = [place for place in ("all", *PLACES) if place in known]
    lines = []
    for proxy, rounds in rounds_by_proxy.items():
        direct = "cpu_us" not in rounds[0]
        lines.append([
            proxy, total(rounds, "requests"), total(rounds, "client_connections"),
            None if direct else total(rounds, "origin_accepts"),
            *(kernel_text(rounds, place) for place in places),
            held_text(rounds, "hop1"), held_text(rounds, "hop2"), errors_text(rounds)])
    kernel = ["kernel: accepted / made" if place == "all" else f"kernel of {place}: accepted / made"
              for place in places]
    return Table("connections of all rounds", [
        "proxy", "requests", "hop 1", "hop 2, by the origin", *kernel, "TIME_WAIT hop 1",
        "TIME_WAIT hop 2", "errors"], lines)


def latency_plot(rounds_by_proxy, title):
    return Plot(f"Latency, {title}", "bars", "us", list(rounds_by_proxy),
                [Series(name, [latency(rounds, name) for rounds in rounds_by_proxy.values()])
                 for name in PLOTTED], log=True)


def cpu_plot(rounds_by_proxy, title, unit):
    measured = {proxy: rounds for proxy, rounds in rounds_by_proxy.items()
                if "cpu_us" in rounds[0]}
    if not measured:
        return []
    return [Plot(f"CPU per {unit}, {title}", "stacked", "us", list(measured),
                 [Series(name, [median(rounds, f"{name}_us") for rounds in measured.values()])
                  for name in ("user", "system")])]


def hops_plot(rounds_by_proxy, title):
    """Connections that were made for a thousand requests."""
    def series(key, direct_too):
        return [1000 * total(rounds, key) / max(total(rounds, "requests"), 1)
                if direct_too or "cpu_us" in rounds[0] else None
                for rounds in rounds_by_proxy.values()]

    return Plot(f"Connections for 1,000 requests, {title}", "bars", "connections",
                list(rounds_by_proxy),
                [Series("hop 1: client to proxy", series("client_connections", True)),
                 Series("hop 2: proxy to origin", series("origin_accepts", False))])


def over_time_plot(rounds_by_proxy, title, step_s, unit, note=""):
    """One plot or none, with the last round of each proxy."""
    moments, series = timeline.of_last_round(
        [run for rounds in rounds_by_proxy.values() for run in rounds], step_s)
    return [Plot(f"Throughput over time, {title}", "lines", unit, [],
                 [Series(proxy, values) for proxy, values in series.items()], x=moments,
                 note=note + "The last round of each.")] if moments else []


def load_sections(runs, special):
    for load in (*LOADS, *tls_loads.LOADS):
        by_proxy = grouped((run for run in runs if run["load"] == load.name), "proxy")
        if not by_proxy:
            continue
        calls = {record["proxy"]: record["per_request"] for record in special.get("syscalls", [])
                 if record["load"] == load.name}
        plots = [latency_plot(by_proxy, load.name), *cpu_plot(by_proxy, load.name, load.unit)]
        if load.name in ("keepalive", "newconn"):
            plots.append(hops_plot(by_proxy, load.name))
        plots += over_time_plot(by_proxy, load.name, timeline.STEP_S,
                                rate_unit(load), "As the origin counted; the first moment has the "
                                "start of the tool in it. ")
        yield Section(f"{load.name}: {load.title} (medians)", [],
                      [load_table(by_proxy, load, calls), connections_table(by_proxy)], plots)


# --- constant arrival ----------------------------------------------------------------------------


def arrival_table(by_proxy):
    lines = []
    for proxy, rounds in by_proxy.items():
        rss, met = median(rounds, "rss_bytes"), sum(run["reached"] for run in rounds)
        lines.append([
            proxy, f"{median(rounds, 'requests_per_s'):,.0f}",
            "yes" if met == len(rounds) else f"NO ({met} of {len(rounds)})" if met else "NO",
            *(f"{latency(rounds, name):,.0f}" for name in PLOTTED), cpu_text(rounds),
            None if rss is None else f"{rss / MIB:.1f}",
            f"{median(rounds, 'late_us'):,.0f}", errors_text(rounds)])
    return Table("", ["proxy", "completed/s", "reached", "p50 us", "p95 us", "p99 us",
                      "CPU us per request (user + system)", "memory MiB", "tool late by us",
                      "errors"], lines)


def arrival_sections(runs):
    for rate, records in grouped((run for run in runs if run["load"] == "arrival"), "rate").items():
        by_proxy = grouped(records, "proxy")
        title = f"{rate:,} arrivals/s"
        plots = [latency_plot(by_proxy, title), *cpu_plot(by_proxy, title, "request"),
                 hops_plot(by_proxy, title), *over_time_plot(by_proxy, title, 1, "requests/s")]
        yield Section(
            f"arrival: {title}, each on a new connection",
            ["Latency counts from when a request was due. Reached: no more than "
             f"{arrival.REACHED_ERRORS:.1%} of the requests failed, and the last one was answered "
             f"within {arrival.REACHED_SHARE:.0%} of the time and {arrival.REACHED_S} s after the "
             "end. A tool that is late by milliseconds has no core left: what it measures is "
             "partly itself."],
            [arrival_table(by_proxy), connections_table(by_proxy)], plots)


def slow_sections(special):
    found = special.get("slow-replica")
    if not found:
        return
    groups = grouped(found, "proxy", "balance")
    lines = [[f"{proxy}, {balance}", *(f"{latency(rounds, name) / 1000:,.1f}" for name in
                                       ("p50", "p90", "p95", "p99")),
              f"{statistics.median(run['slow_share'] for run in rounds):.1%}", cpu_text(rounds),
              f"{median(rounds, 'requests_per_s'):,.0f}", errors_text(rounds)]
             for (proxy, balance), rounds in groups.items()]
    record = found[0]
    table = Table("", ["proxy and balance", "p50 ms", "p90 ms", "p95 ms", "p99 ms",
                       "to the slow one", "CPU us per request (user + system)", "completed/s",
                       "errors"], lines)
    labels = {f"{proxy}, {balance}": rounds for (proxy, balance), rounds in groups.items()}
    yield Section(f"slow-replica: one of three replicas waits {record['delay_ms']} ms "
                  f"({record['rate']:,} requests/s on kept connections)", [], [table],
                  [latency_plot(labels, "one slow replica of three")])


# --- what explains the figures -------------------------------------------------------------------


def linter_sections(document):
    found = document["special"].get("linter")
    if not found:
        return
    runs = grouped(document["runs"], "load", "proxy")
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
    yield Section(
        "linter: who reuses connections to the origin, and why not",
        ["Seen by an origin that keeps the heads of a few requests, each from a client connection "
         "of its own; then the requests per connection that the origin counted in the loads."],
        [Table("", ["proxy", "reuses", "connections", "keepalive: requests per connection",
                    "newconn: requests per connection", "asks in", "Connection", "why not"],
               lines)])


def own_sections(document):
    found = beside.comparisons(document)
    if found:
        yield Section(
            "own: onehop's percentiles beside those of the load tool, in the same run",
            ["onehop's clock begins with the first byte of a request and ends with the last one "
             "handed to the kernel. The tool also sees the connection being made, waiting until it "
             "is accepted, and its own delays; with a new connection for each request, on a busy "
             "core, that is most of it. `proxy_overhead` is onehop's own part. Figures are medians "
             "of the runs of a load. " + beside.DIFFERENCE],
            [beside.own_table(found)])


def h2c_table(records, calls):
    """Each proxy over HTTP/2 to the origin and over HTTP/1.1; the ratio is of the same round."""
    by_proxy = grouped(records, "proxy")
    called = {record["proxy"]: record for record in calls}
    lines = []
    for proxy, rounds in by_proxy.items():
        base = {run["round"]: run["cpu_us"]
                for run in by_proxy.get(proxy.partition(",")[0] + ", http/1.1", [])}
        ratios = [run["cpu_us"] / base[run["round"]] for run in rounds if base.get(run["round"])]
        accepts, traced = total(rounds, "origin_accepts"), called.get(proxy, {})
        lines.append([
            proxy, f"{median(rounds, 'cpu_us'):,.1f}",
            f"{statistics.median(ratios):.2f}" if ratios else None,
            f"{median(rounds, 'requests_per_s'):,.0f}",
            *(f"{latency(rounds, name):,.0f}" for name in ("p50", "p99")),
            *(f"{traced[key]:.2f}" if key in traced else None
              for key in ("per_request", "writes", "reads")),
            f"{accepts:,}"])
    return Table("", ["proxy", "CPU us per request", "of its own over HTTP/1.1", "requests/s",
                      "p50 us", "p99 us", "system calls", "writes", "reads",
                      "connections to the origin"], lines)


def special_sections(special):
    for load, records in grouped(special.get("syscalls", []), "load").items():
        yield Section(f"system calls per request, {load} (strace)", [], [Table(
            "", ["proxy", "calls", "which"],
            [[record["proxy"], f"{record['per_request']:.2f}",
              ", ".join(f"{name} {value:.2f}" for name, value in record["by_name"].items()
                        if value >= 0.02)] for record in records])])
    if "h2c" in special:
        yield Section("HTTP/2 without TLS to the origin", [
            "keep-alive, 64 connections of HTTP/1.1, 256-byte answers of an nginx with a port for "
            "each protocol; medians of the rounds, system calls by strace."],
            [h2c_table(special["h2c"], special.get("h2c-calls", []))])
    if "instructions" in special:
        yield Section("user-space instructions per keep-alive request (callgrind)", [], [Table(
            "", ["proxy", "instructions"],
            [[record["proxy"], f"{record['per_request']:,.0f}"]
             for record in special["instructions"]])])
    if "idle" in special:
        yield Section("resident memory for each idle client connection", [], [Table(
            "", ["proxy", "connections", "variant", "bytes each", "before, MiB", "after, MiB"],
            [[record["proxy"], f"{record['connections']:,}", record["variant"],
              f"{record['bytes_per_connection']:,.0f}", f"{record['before_bytes'] / MIB:.1f}",
              f"{record['after_bytes'] / MIB:.1f}"] for record in special["idle"]])])
    if "large" in special:
        yield Section("peak resident memory, one large body and a slow reader", [], [Table(
            "", ["proxy", "direction", "MiB", "peak, MiB", "seconds"],
            [[record["proxy"], record["direction"], f"{record['size_bytes'] / MIB:,.0f}",
              f"{record['peak_bytes'] / MIB:.1f}", f"{record['wall_s']:.1f}"]
             for record in special["large"]])])


def brief(record):
    """One record for a line of progress."""
    kind = record.get("kind", record.get("load"))
    if kind == "slow-replica":
        return (f"p95 {record['latency_us']['p95']:,.0f} us, {record['slow_share']:.0%} to the "
                f"slow one, errors {errors_text([record])}")
    if kind == "arrival":
        return (f"{'reached' if record['reached'] else 'NOT reached'}, "
                f"p99 {record['latency_us']['p99']:,.0f} us, errors {errors_text([record])}")
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


def intro(document):
    """On what, with what and how: the paragraphs above the sections."""
    machine = document["machine"]
    return [f"{document['date']}; {machine['system']}, Linux {machine['kernel']}, "
            f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mib']:,} MiB; "
            f"{document['pinning']}; network: {document['network']}.",
            "\n".join(f"- {name}: {text}" for name, text in document["versions"].items()),
            *order_text(document["order"])]


def order_text(order):
    """In which order things were measured: none where nothing has rounds."""
    if "warm-up" not in order:
        return []
    return [f"Order: {', '.join(order['warm-up'][0])}, and again. First each had a run that counts "
            "nowhere; then each round of a load begins with the next one of those it is put on. "
            "`order` of the results has every round."]


def sections(document):
    """The whole report."""
    runs, special = document["runs"], document["special"]
    found = [Section("where, when and with what", intro(document)), *load_sections(runs, special),
             *arrival_sections(runs), *slow_sections(special), *linter_sections(document),
             *own_sections(document), *special_sections(special)]
    against = bars.against_table(runs)
    if against:
        found.append(Section("two builds or settings of onehop (medians of ratios)", [], [against]))
    found += tls_plan.ratio_sections(runs)
    rows = [row for row in document["bars"]
            if row["measured"] is not None or not document["options"]["partial"]]
    if rows:
        found.append(Section("bars (medians of the ratios of neighbouring runs)", [],
                             [bars.table(rows)]))
    if document["notes"]:
        found.append(Section("notes", ["\n".join("- " + note for note in document["notes"])]))
    if document["commands"]:
        found.append(Section("commands", ["The configurations they name are in the results.",
                                          "\n".join("    " + text
                                                    for text in document["commands"])]))
    return found
