# SPDX-License-Identifier: MIT
"""Writing results: a file is either the former one or the complete new one, and every one has the
same keys.

The one idea: whoever reads a results file, of whichever bench, finds the same things under the same
names; bench/README.md says what they mean, and `validate` is the same in Python.
"""
import json
import os

from lib.processes import BenchError

SCHEMA = 3  # of the JSON document; bench/README.md describes it
KEYS = {    # what every document has; some have more
    "schema": int, "bench": str, "name": str, "date": str, "machine": dict, "versions": dict,
    "pinning": str, "descriptors": int, "options": dict, "runs": list, "special": dict,
    "bars": list, "report": list, "notes": list, "problems": list,
}
BAR_KEYS = {"name": (str,), "measured": (int, float, str, type(None)), "wanted": (int, float, str),
            "reached": (bool, type(None))}


def validate(document):
    """A BenchError that names everything by which `document` differs from the schema."""
    wrong = [f"`{key}` is missing" if key not in document else
             f"`{key}` is {kind_of(document[key])}, not {kind.__name__}"
             for key, kind in KEYS.items() if not isinstance(document.get(key), kind)]
    if not wrong:
        if document["schema"] != SCHEMA:
            wrong.append(f"`schema` is {document['schema']}, not {SCHEMA}")
        wrong += wrong_runs(document["runs"]) + wrong_bars(document["bars"])
    if wrong:
        raise BenchError("these results are not of the schema: " + "; ".join(wrong))


def wrong_runs(runs):
    """A run says of which proxy it is, and under which load or of which scenario."""
    found = []
    for place, run in enumerate(runs):
        has = run if isinstance(run, dict) else {}
        if not isinstance(has.get("proxy"), str):
            found.append(f"`runs[{place}]` names no proxy")
        if not any(isinstance(has.get(key), str) for key in ("load", "scenario")):
            found.append(f"`runs[{place}]` names neither a load nor a scenario")
    return found


def wrong_bars(bars):
    """A bar has these keys even when nothing was measured; then two of them are None."""
    found = []
    for place, bar in enumerate(bars):
        for key, kinds in BAR_KEYS.items():
            if not isinstance(bar, dict) or key not in bar:
                found.append(f"`bars[{place}]` has no `{key}`")
            elif not isinstance(bar[key], kinds):
                found.append(f"`bars[{place}].{key}` is {kind_of(bar[key])}")
    return found


def kind_of(value):
    return type(value).__name__


def save(path, document, page):
    """The results, and `page` beside them as HTML; returns where that is. What was measured is kept
    even if it is not of the schema, which a BenchError then says: a run takes half an hour."""
    beside = os.path.splitext(path)[0] + ".html"
    write_json(path, document)
    write_atomically(beside, page)
    validate(document)
    return beside


def unwritable(path):
    """Why a file cannot be written there, as a sentence; None when it can. To be asked before a
    load, not after it."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        return f"{path} cannot be written: {error}"
    if os.path.isdir(path) or not os.access(folder, os.W_OK):
        return f"{path} cannot be written"
    return None


def write_atomically(path, text):
    temporary = path + ".tmp"
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def write_json(path, document):
    write_atomically(path, json.dumps(rounded(document), indent=1) + "\n")


def rounded(value):
    """Six significant digits are more than any of this is worth."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value
