#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws a recorded run when somebody wants to see it: a page with its tables and plots, or only the
plots, as SVG.

    page.py RESULTS.json PAGE.html
    page.py RESULTS.json FOLDER

The one idea: a results file and the Markdown beside it say everything, so nothing drawn is kept.
Debian's python3-markdown makes the tables, python3-matplotlib the plots.
"""
import io
import os
import re
import statistics
import sys

from lib import results
from lib.observe import STEP_S
from lib.processes import BenchError

try:
    import markdown
    import matplotlib
    from matplotlib.figure import Figure
except ImportError as missing:
    sys.exit(f"bench: {missing}; ./dev setup bench installs it")

matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "onehop", "font.size": 9})
STYLE = """body{max-width:75rem;margin:2rem auto;padding:0 1rem;font:15px/1.5 sans-serif}
table{border-collapse:collapse;display:block;overflow-x:auto;font-size:.9em}
td,th{padding:.2em .7em;border-top:1px solid #ccc}svg{max-width:100%;height:auto}"""


def by_proxy(rows):
    found = {}
    for row in rows:
        name = row["proxy"] + (f", {row['balance']}" if "balance" in row else "")
        found.setdefault(name, []).append(row)
    return found


def bars(title, unit, groups, series, stacked=False):
    """One group of bars for each proxy; `series` maps a name to a figure of its rows."""
    figure = Figure(figsize=(8, 1 + 0.4 * len(groups)), layout="tight")
    axes, left = figure.add_subplot(), [0] * len(groups)
    height = 0.8 if stacked else 0.8 / len(series)
    for number, (name, of) in enumerate(series.items()):
        values = [of(rows) for rows in groups.values()]
        places = [place if stacked else place + height * number for place in range(len(groups))]
        drawn = axes.barh(places, values, height, left, label=name)
        if stacked:
            left = [one + value for one, value in zip(left, values)]
        axes.bar_label(drawn, fmt="%.4g", label_type="center" if stacked else "edge")
    axes.set_yticks([place + (0 if stacked else 0.4 - height / 2) for place in range(len(groups))],
                    list(groups))
    axes.invert_yaxis()
    axes.set(title=title, xlabel=unit, xscale="linear" if stacked else "symlog")
    axes.legend()
    return title, figure


def lines(title, groups, step_s):
    """Requests a second of the last round of each proxy."""
    figure = Figure(figsize=(8, 3.5), layout="tight")
    axes = figure.add_subplot()
    for name, rows in groups.items():
        rates = rows[-1]["timeline"]
        axes.plot([step_s * place for place in range(len(rates))], rates, label=name)
    axes.set(title=title, xlabel="seconds", ylabel="requests/s", ylim=(0, None))
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return title, figure


def median(key):
    return lambda rows: statistics.median(row[key] for row in rows)


def per_thousand(key):
    return lambda rows: 1000 * sum(row[key] for row in rows) / sum(row["requests"] for row in rows)


LATENCIES = {name: median(f"{name}_us") for name in results.PERCENTILES}


def plots(document):
    """(title, figure) of each plot that the rows have figures for."""
    titled = {}
    for row in document["runs"]:
        where = row.get("load") or ", ".join(
            [row["scenario"], *(f"{key} {value}" for key, value in row.get("step", {}).items())])
        titled.setdefault(f"{row['rate']:,} arrivals/s" if "rate" in row else where, []).append(row)
    for title, rows in titled.items():
        groups = by_proxy(rows)
        costed = {name: rows for name, rows in groups.items() if "cpu_us" in rows[0]}
        if costed:
            unit = "MiB" if title in ("download", "upload", "tls-bulk") else "request"
            yield bars(f"CPU per {unit}, {title}", "us", costed,
                       {"user": median("user_us"), "system": median("system_us")}, True)
        if "p50_us" in rows[0]:
            yield bars(f"Latency, {title}", "us", groups, LATENCIES)
        if title == "newconn":
            yield bars(f"Connections for 1,000 requests, {title}", "connections", costed, {
                "hop 1": per_thousand("client_connections"), "hop 2": per_thousand(
                    "origin_accepts")})
        timed = {name: rows for name, rows in groups.items() if "timeline" in rows[-1]}
        if timed:
            step_s = 1 if "rate" in rows[0] or "scenario" in rows[0] else STEP_S
            yield lines(f"Throughput over time, {title}", timed, step_s)
    if "slow-replica" in document["special"]:
        yield bars("Latency, one slow replica of three", "us",
                   by_proxy(document["special"]["slow-replica"]), LATENCIES)


def main():
    if len(sys.argv) != 3:
        raise BenchError("usage: ./dev bench page RESULTS.json PAGE.html|FOLDER")
    path, place = sys.argv[1:]
    document = results.load(path)
    drawn = {}
    for title, figure in plots(document):
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Title": title})
        drawn[re.sub(r"[^a-z0-9]+", "-", title.lower().replace(",", "")).strip("-")] = (
            text.getvalue())
    if place.endswith(".html"):
        with open(os.path.splitext(path)[0] + ".md", encoding="utf-8") as file:
            body = markdown.markdown(file.read(), extensions=["tables", "fenced_code"])
        pictures = "\n".join(text[text.index("<svg"):] for text in drawn.values())
        results.write_atomically(place, f'<!DOCTYPE html>\n<meta charset="utf-8">\n'
                                        f"<style>{STYLE}</style>\n{body}\n{pictures}\n")
    for name, text in () if place.endswith(".html") else drawn.items():
        results.write_atomically(os.path.join(place, name + ".svg"), text)
    print(f"{len(drawn)} plots: {place}")
    return 0


if __name__ == "__main__":
    sys.exit(results.main(main))
