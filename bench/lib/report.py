# SPDX-License-Identifier: MIT
"""Turns records into the tables that are printed.

The one idea: a bar on speed is on a ratio within one round, never on a figure by itself, and the
table says by how much it was reached or missed, with the spread of the rounds beside it.
"""
import dataclasses
import statistics

from lib.timed import LOADS

SUBJECT = "onehop"
MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class RatioBar:
    load: str
    peer: str
    most: float


@dataclasses.dataclass(frozen=True)
class FigureBar:
    title: str
    kind: str
    key: str       # of the record, the figure
    select: tuple  # (key, value) that the record must have besides, or ()
    most: float
    unit: str
    divisor: float = 1


RATIO_BARS = (
    RatioBar("keepalive", "nginx", 0.70), RatioBar("keepalive", "haproxy", 0.60),
    RatioBar("keepalive", "haproxy-tcp", 1.15), RatioBar("newconn", "nginx", 0.80),
    RatioBar("download", "haproxy", 0.75), RatioBar("download", "nginx", 0.40),
    RatioBar("upload", "haproxy", 0.75), RatioBar("upload", "nginx", 0.40),
)
FIGURE_BARS = (
    FigureBar("system calls per keep-alive request", "syscalls", "per_request", (), 4.2, ""),
    FigureBar("idle connection, after an answer", "idle", "bytes_per_connection",
              ("variant", "answered"), 1024, " B"),
    FigureBar("idle connection, silent", "idle", "bytes_per_connection",
              ("variant", "silent"), 1024, " B"),
    FigureBar("peak memory, slow large download", "large", "peak_bytes",
              ("direction", "download"), 32, " MiB", MIB),
    FigureBar("peak memory, slow large upload", "large", "peak_bytes",
              ("direction", "upload"), 32, " MiB", MIB),
)


def ratios(runs, load, proxy, peer):
    """CPU of `proxy` over CPU of `peer`, round by round."""
    cpu = {(run["proxy"], run["round"]): run.get("cpu_us") for run in runs if run["load"] == load}
    rounds = sorted({round_number for _, round_number in cpu})
    pairs = [(cpu.get((proxy, number)), cpu.get((peer, number))) for number in rounds]
    return [one / other for one, other in pairs if one and other]


def verdict(value, most):
    distance = abs(value / most - 1)
    share = f"{distance:.0%}" if distance >= 0.01 else f"{distance:.2%}"  # never a miss by 0 %
    return f"reached, {share} below" if value <= most else f"MISSED by {share}"


def bar_rows(runs, special):
    """The final table as dictionaries: what, measured, spread, bar, verdict."""
    rows = []
    for bar in RATIO_BARS:
        values = ratios(runs, bar.load, SUBJECT, bar.peer)
        title = f"{bar.load}: CPU, {SUBJECT} / {bar.peer}"
        row = {"what": title, "bar": bar.most, "unit": "", "rounds": len(values)}
        if values:
            row.update(measured=statistics.median(values), least=min(values), largest=max(values))
        rows.append(row)
    for bar in FIGURE_BARS:
        found = [record[bar.key] / bar.divisor for record in special
                 if record["kind"] == bar.kind and record["proxy"] == SUBJECT and
                 (not bar.select or record[bar.select[0]] == bar.select[1])]
        row = {"what": bar.title, "bar": bar.most, "unit": bar.unit, "rounds": len(found)}
        if found:
            row.update(measured=found[-1], least=min(found), largest=max(found))
        rows.append(row)
    for row in rows:
        row["verdict"] = (verdict(row["measured"], row["bar"]) if "measured" in row
                          else "not measured")
    return rows


def number(value, unit=""):
    if unit == " B":
        return f"{value:,.0f}{unit}"
    return f"{value:.2f}{unit}" if value < 100 else f"{value:,.0f}{unit}"


def table(header, rows, left=(0,)):
    """A Markdown table, aligned for a terminal too; the columns of `left` to the left."""
    cells = [header] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def line(row):
        return "| " + " | ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))) + " |"

    rule = "|" + "|".join("-" * (width + 2) if column in left else "-" * (width + 1) + ":"
                          for column, width in enumerate(widths)) + "|"
    return "\n".join([line(cells[0]), rule] + [line(row) for row in cells[1:]])


def bars_table(rows):
    lines = []
    for row in rows:
        unit = row["unit"]
        spread = ""
        if row["rounds"] > 1:
            spread = f"{number(row['least'])} .. {number(row['largest'])}"
        measured = number(row["measured"], unit) if "measured" in row else "-"
        lines.append([row["what"], measured, spread, f"<= {number(row['bar'], unit)}",
                      row["verdict"]])
    return table(["bar", "measured", "rounds", "wanted", "state"], lines, left=(0, 4))


def load_table(runs, load):
    """Medians of every proxy's rounds of one load."""
    lines = []
    of_load = [run for run in runs if run["load"] == load.name]
    for proxy in dict.fromkeys(run["proxy"] for run in of_load):
        rounds = [run for run in of_load if run["proxy"] == proxy]

        def median(key, rounds=rounds):
            return statistics.median(run[key] for run in rounds)

        cpu = busy = "-"
        if "cpu_us" in rounds[0]:
            cpu = f"{median('cpu_us'):,.1f} ({median('user_us'):,.1f} + {median('system_us'):,.1f})"
            busy = f"{median('busy'):.0%}"
        requests = sum(run["requests"] for run in rounds)
        accepts = sum(run["origin_accepts"] for run in rounds)
        lines.append([proxy, cpu, f"{median('requests_per_s'):,.0f}", f"{median('p50_us'):,.0f}",
                      f"{median('p99_us'):,.0f}", busy,
                      f"{requests / accepts:,.1f}" if accepts else "all reused"])
    rate = "MiB/s" if load.unit == "MiB" else f"{load.unit}s/s"
    header = ["proxy", f"CPU us per {load.unit} (user + system)", rate, "p50 us", "p99 us",
              "core busy", "requests per origin connection"]
    return table(header, lines)


def special_tables(special):
    """Pairs of a title and a table, for those of the special measurements that were made."""
    tables = []
    kinds = {kind: [record for record in special if record["kind"] == kind]
             for kind in ("syscalls", "instructions", "idle", "large")}
    if kinds["syscalls"]:
        tables.append(("system calls per keep-alive request (strace)", table(
            ["proxy", "calls", "which"],
            [[record["proxy"], f"{record['per_request']:.2f}",
              ", ".join(f"{name} {value:.2f}" for name, value in record["by_name"].items()
                        if value >= 0.02)] for record in kinds["syscalls"]], left=(0, 2))))
    if kinds["instructions"]:
        tables.append(("user-space instructions per keep-alive request (callgrind)", table(
            ["proxy", "instructions"],
            [[record["proxy"], f"{record['per_request']:,.0f}"]
             for record in kinds["instructions"]])))
    if kinds["idle"]:
        tables.append(("resident memory for each idle client connection", table(
            ["proxy", "connections", "variant", "bytes each", "before, MiB", "after, MiB"],
            [[record["proxy"], f"{record['connections']:,}", record["variant"],
              f"{record['bytes_per_connection']:,.0f}", f"{record['before_bytes'] / MIB:.1f}",
              f"{record['after_bytes'] / MIB:.1f}"] for record in kinds["idle"]])))
    if kinds["large"]:
        tables.append(("peak resident memory, one large body and a slow reader", table(
            ["proxy", "direction", "MiB", "peak, MiB", "seconds"],
            [[record["proxy"], record["direction"], f"{record['size_bytes'] / MIB:,.0f}",
              f"{record['peak_bytes'] / MIB:.1f}", f"{record['wall_s']:.1f}"]
             for record in kinds["large"]])))
    return tables


def brief(record):
    """One special measurement for a line of progress."""
    if record["kind"] == "idle":
        return f"{record['variant']}, {record['bytes_per_connection']:,.0f} bytes each"
    if record["kind"] == "large":
        return f"{record['direction']}, peak {record['peak_bytes'] / MIB:.1f} MiB"
    return f"{number(record['per_request'])} per request"


def against_table(runs):
    """The tree's onehop over the other one, or None without the other."""
    lines = []
    for load in LOADS:
        values = ratios(runs, load.name, SUBJECT, SUBJECT + "-against")
        if values:
            lines.append([load.name, f"{statistics.median(values):.3f}",
                          f"{min(values):.3f} .. {max(values):.3f}"])
    return table(["load", "CPU, onehop / onehop-against", "rounds"], lines) if lines else None


def render(document):
    """The whole report, Markdown that reads as plain text."""
    machine = document["machine"]
    parts = ["# onehop bench: " + document["name"],
             f"{document['date']}; {machine['system']}, Linux {machine['kernel']}, "
             f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mib']:,} MiB; "
             f"{document['pinning']}."]
    parts.append("\n".join(f"- {name}: {text}" for name, text in document["versions"].items()))
    parts.append("Commands:\n\n" + "\n".join("    " + text for text in document["commands"]))
    runs = document["runs"]
    for load in LOADS:
        if any(run["load"] == load.name for run in runs):
            parts += [f"## {load.name}: {load.title} (medians)", load_table(runs, load)]
    for title, text in special_tables(document["special"]):
        parts += ["## " + title, text]
    against = against_table(runs)
    if against:
        parts += ["## two builds or settings of onehop (medians of ratios)", against]
    bars = [bar for bar in document["bars"]
            if "measured" in bar or not document["options"]["partial"]]
    if bars:
        parts += ["## bars (medians of the ratios of neighbouring runs)", bars_table(bars)]
    if document["notes"]:
        parts += ["## notes", "\n".join("- " + note for note in document["notes"])]
    return "\n\n".join(parts) + "\n"
