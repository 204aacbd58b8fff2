#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the plots that a document shows, from a results file: bench/plots.py RESULTS.json FOLDER

The one idea: a picture in the documents is made from the recorded run that its page names, never
from another one; run this again after a new recording.
"""
import json
import os
import re
import sys

from lib import layout, results, svg

WANTED = ("CPU per request, keepalive", "CPU per request, newconn", "CPU per MiB, download",
          "CPU per MiB, upload", "CPU per request, post", "Connections for 1,000 requests, newconn",
          "Throughput over time, keepalive", "Latency, 10,000 arrivals/s",
          "Throughput over time, 10,000 arrivals/s", "Latency, one slow replica of three")


def file_name(title):
    return re.sub(r"[^a-z0-9]+", "-", title.lower().replace(",", "")).strip("-") + ".svg"


def main():
    if len(sys.argv) != 3:
        print("usage: plots.py RESULTS.json FOLDER", file=sys.stderr)
        return 2
    path, folder = sys.argv[1:]
    try:
        with open(path, encoding="utf-8") as file:
            sections = layout.from_json(json.load(file)["report"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"plots: {path} is no results file with a report: {error!r}", file=sys.stderr)
        return 1
    plots = {plot.title: plot for section in sections for plot in section.plots}
    for title in WANTED:
        if title not in plots:
            print(f"plots: {path} has no plot '{title}'", file=sys.stderr)
            return 1
        results.write_atomically(os.path.join(folder, file_name(title)), svg.draw(plots[title]))
        print(file_name(title))
    return 0


if __name__ == "__main__":
    sys.exit(main())
