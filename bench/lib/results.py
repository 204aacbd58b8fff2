# SPDX-License-Identifier: MIT
"""Writing results: a file is either the former one or the complete new one."""
import json
import os

SCHEMA = 2  # of the JSON document; bench/README.md describes it


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
