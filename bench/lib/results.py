# SPDX-License-Identifier: MIT
"""The results of a run: a small JSON of rows and a Markdown table beside it.

The one idea: whoever reads a results file, of whichever bench, finds the same things under the same
names; bench/README.md says what they mean, and `validate` is the same in Python. A file is either
the former one or the complete new one.
"""
import datetime
import json
import os
import signal
import sys

from lib import machine, tables
from lib.processes import BenchError, leave

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(BENCH)
BUILD = os.path.join(ROOT, "build", "release")
SCHEMA = 4  # of the JSON document; bench/README.md describes it
KEYS = {    # what every document has
    "schema": int, "bench": str, "name": str, "date": str, "machine": dict, "versions": dict,
    "pinning": str, "options": dict, "runs": list, "special": dict, "bars": list, "notes": list,
    "problems": list,
}
# What a run was checked with, and needs no more when it was found in order.
CHECKED_WITH = ("origin_requests", "origin_bytes_received", "by_origin",
                "wall_s", "bytes", "tool", "counted", "suites", "interrupted", "problems", "busy",
                "status", "stats", "times_us", "violations", "loads")
PERCENTILES = ("p50", "p95", "p99")
SKIPPED = 77  # ctest's word for "not run here"
INTERRUPTED = 130
TERMINATED = 128 + signal.SIGTERM


def new_document(bench, arguments, pinning, options, notes, programs):
    """`programs` are those whose versions belong to it."""
    return {"schema": SCHEMA, "bench": bench, "name": arguments.name,
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "machine": machine.describe(), "pinning": pinning, "network": "loopback",
            "versions": machine.versions(arguments.onehop, getattr(arguments, "against", None),
                                         programs),
            "options": options, "runs": [], "special": {}, "bars": [], "notes": notes,
            "problems": []}


def pinning(cores):
    return (f"proxy on core {cores[0]}, origin and load generator on core {cores[1]}"
            if cores[0] is not None else "one core for all, nothing pinned")


def where(document):
    """On what, with what and how: the paragraphs above the sections of every report."""
    hardware = document["machine"]
    return [f"{document['date']}; {hardware['system']}, Linux {hardware['kernel']}, "
            f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_mib']:,} MiB; "
            f"{document['pinning']}; network: {document['network']}.",
            "\n".join(f"- {name}: {said}" for name, said in document["versions"].items())]


def portable(words, supervisor):
    """The same command without the places of this machine."""
    for place, name in ((supervisor.directory, "TMP"), (ROOT + os.sep, ""),
                        (os.path.expanduser("~"), "~")):
        words = words.replace(place, name)
    return words


# --- what is kept --------------------------------------------------------------------------------


def validate(document):
    """A BenchError that names everything by which `document` differs from the schema."""
    wrong = [f"`{key}` is missing or no {kind.__name__}" for key, kind in KEYS.items()
             if not isinstance(document.get(key), kind)]
    for place, run in enumerate(document.get("runs", [])):
        if "proxy" not in run or not {"load", "scenario"} & run.keys():
            wrong.append(f"`runs[{place}]` does not say of which proxy and load it is")
    for place, bar in enumerate(document.get("bars", [])):
        if not {"name", "measured", "wanted", "reached"} <= bar.keys():
            wrong.append(f"`bars[{place}]` does not say what was measured and wanted")
    if wrong:
        raise BenchError("these results are not of the schema: " + "; ".join(wrong))


def small(document):
    """The document with rows instead of records: of each run the figures that are compared, and of
    the last round of each the requests as time passed."""
    last = {_of_what(run): run.get("round") for run in document["runs"]}
    runs = [row(run, run.get("round") == last[_of_what(run)]) for run in document["runs"]]
    special = {kind: packed([row(one, False) for one in records])
               for kind, records in document["special"].items()}
    return {**{key: value for key, value in document.items() if key != "commands"},
            "runs": packed(runs), "special": special}


def packed(rows):
    """The names of the columns once, and a list for each row."""
    columns = list(dict.fromkeys(key for one in rows for key in one))
    return {"columns": columns, "rows": [[one.get(key) for key in columns] for one in rows]}


def unpacked(table):
    return [{key: value for key, value in zip(table["columns"], values) if value is not None}
            for values in table["rows"]]


def load(path):
    """A document from its file, its rows as dictionaries."""
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    found["runs"] = unpacked(found["runs"])
    found["special"] = {kind: unpacked(rows) for kind, rows in found["special"].items()}
    validate(found)
    return found


def _of_what(run):
    return (run.get("load"), run.get("rate"), run["proxy"], str(run.get("step")))


def row(record, with_timeline):
    found = {key: value for key, value in record.items() if key not in CHECKED_WITH}
    timeline = found.pop("timeline", None)
    for key in ("latency_us", "percentiles_us"):
        for name, value in found.pop(key, {}).items():
            if name in PERCENTILES:
                found[f"{name}_us"] = value
    if isinstance(found.get("errors"), dict):
        found["errors"] = {kind: count for kind, count in found["errors"].items() if count}
    if timeline and with_timeline:
        found["timeline"] = [completed for _, completed in timeline]
    return {key: value for key, value in found.items() if value not in (None, {}, [])}


def rounded(value):
    """Four significant digits are more than any of this is worth; whole numbers stay."""
    if isinstance(value, float):
        short = float(f"{value:.4g}")
        return int(short) if short.is_integer() else short
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return value


def text(value, depth=1):
    """JSON with a key, or a row, on each line."""
    pad = "\n" + " " * depth
    if isinstance(value, dict) and (depth == 1 or "rows" in value or depth == 2 and any(
            isinstance(one, dict) for one in value.values())):
        return "{" + ",".join(f"{pad}{json.dumps(key)}: {text(one, depth + 1)}"
                              for key, one in value.items()) + "}"
    if isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value):
        return "[" + ",".join(pad + dumped(one) for one in value) + "]"
    return dumped(value)


def dumped(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_atomically(path, content):
    temporary = path + ".tmp"
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def unwritable(*paths):
    """Why a file cannot be written there, as a sentence; None when they can. To be asked before a
    load, not after it."""
    for path in filter(None, paths):
        folder = os.path.dirname(os.path.abspath(path))
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            return f"{path} cannot be written: {error}"
        if os.path.isdir(path) or not os.access(folder, os.W_OK):
            return f"{path} cannot be written"
    return None


def place(arguments, date=""):
    return arguments.json or os.path.join(
        BENCH, "results", f"{date[:16].replace(':', '')}-{arguments.name}.json")


def hand_over(arguments, document, sections):
    """Prints the report and writes the files, a smoke test's only where it was told to. Each is
    complete or not there, and SIGTERM has to leave in order, too, now that the supervisor is gone.
    """
    signal.signal(signal.SIGTERM, leave)
    title = f"onehop bench: {document['name']}"
    report = tables.markdown(title, sections)
    if arguments.smoke:
        print("\n".join(document["notes"]))
    else:
        print("\n" + report)
    if arguments.json or not arguments.smoke:
        path = place(arguments, document["date"])
        beside = os.path.splitext(path)[0] + ".md"
        write_atomically(path, text(rounded(small(document))) + "\n")
        write_atomically(beside, tables.markdown(title, sections, padded=False))
        print(f"results: {path}\nreport: {beside}")
    validate(document)
    return report


def main(bench):
    """`bench()` as a program: what went wrong is a sentence, and what was started is stopped."""
    try:
        return bench()
    except (BenchError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: interrupted; everything that was started is stopped, and no file is "
              "half-written", file=sys.stderr)
        return INTERRUPTED
    except SystemExit as end:
        if end.code == TERMINATED:  # how the supervisor takes SIGTERM
            print("bench: terminated; everything that was started is stopped, and no file is "
                  "half-written", file=sys.stderr)
        raise
