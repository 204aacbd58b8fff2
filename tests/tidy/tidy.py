#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Style that matters is a test: checks the tree against the rules that a program can check.

    tidy.py [ROOT]     prints FILE:LINE: rule: sentence for each breach; exits 1 when there is one

CONTRIBUTING.md lists the rules with their reasons, tidy_selftest.py shows each of them what it
forbids, and cpp_text.py knows how C++ text is read (comments, literals, functions).
"""

import os
import re
import sys
from collections import namedtuple

from cpp_text import code_lines, functions

FOLDERS = ("src", "include", "tests", "bench")
ROOMS = ("base", "telemetry", "config", "net", "tls", "http", "routing", "upstream", "filters",
         "proxy", "admin", "server", "cli")

# Folders of one room that do not know each other; what both need is beside them.
STRANGERS = (("http/h1", "http/h2"),)

# The one place that may see each library: path prefixes below src/ or include/onehop/.
LIBRARIES = (
    (re.compile(r"^uv\.h$|^uv/"), "net/", "libuv"),
    (re.compile(r"^ares(_\w+)?\.h$"), "net/", "c-ares"),
    (re.compile(r"^openssl/"), "tls/", "OpenSSL"),
    (re.compile(r"^llhttp\.h$|^llhttp/"), "http/h1/", "llhttp"),
    (re.compile(r"^nghttp2/"), "http/h2/", "nghttp2"),
    (re.compile(r"^toml\+\+"), "config/", "toml++"),
    (re.compile(r"^zlib\.h$"), "admin/", "zlib"),
)

NO_EXCEPTIONS = ("base", "telemetry", "net", "http", "routing", "upstream", "filters", "proxy")
NO_STD_FUNCTION = ("net", "http", "upstream", "proxy")
# Files of those rooms that only run at set-up. Each row: path -> why it may use std::function.
_POSTED = "post() and watch_signal() carry set-up and commands between threads, never a request"
STD_FUNCTION_ALLOWED = {
    "include/onehop/net/event_loop.h": _POSTED,
    "src/net/event_loop.cc": _POSTED,
    "src/net/uv.h": _POSTED,
}

MAX_COLUMNS = 100
MAX_LINES = {"src": 400, "include": 400, "tests": 600, "bench": 600}
MAX_FUNCTION_LINES = 70

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
SLEEPS = re.compile(r"\b(sleep_for|sleep_until)\b|\b(usleep|nanosleep|sleep)\s*\(")
THROWS = re.compile(r"\bthrow\b|\bcatch\s*\(")
BUILD_PATHS = re.compile(r"(?<![\w.:/\-])/(home|root|work|workspace|builds|Users)/\w")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')
TABLE_ROW = re.compile(  # a row of an X-macro table, or the line that begins it
    r"^\s*(#define\s+)?[A-Z][A-Z0-9_]*\(.*\)\s*\\?$")
URL = re.compile(r"https?://\S{40,}")

EDGE_CASES = "docs/edge-cases.md"
EDGE_CASE_ROW = re.compile(r"^\|\s*(\d+)\s*\|.*\|([^|]*)\|\s*$")
GAP = r"(?:\s|//|#)+"  # between two words, which may be on two lines of a comment
EDGE_CASE_CITED = re.compile(
    rf"\bedge{GAP}cases?{GAP}(\d+(?:(?:,(?:{GAP}and)?|{GAP}(?:and|to)){GAP}\d+)*)", re.IGNORECASE)
LITERAL = r'"(?:\\.|[^"\\\n])*"'
TEST_CASE = re.compile(  # with its variants, of which some name a fixture first
    rf"\b(?:TEMPLATE_(?:\w+_)?)?TEST_CASE(?:_\w+)?\s*\(\s*(?:[\w:]+\s*,\s*)?((?:{LITERAL}\s*)+)")

Breach = namedtuple("Breach", "file line rule sentence")


class File:
    """One file of the tree: its path below the root, its lines, and what they mean to the rules."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as stream:
            self.text = stream.read()
        self.lines = self.text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.folder = path.split("/", 1)[0]
        self.is_cpp = path.endswith((".cc", ".h"))
        self.code = code_lines(self.text) if self.is_cpp else []
        self.inner = inner_path(path)
        self.room = room_of(self.inner)

    def includes(self):
        """(line number, name, quoted) of each include, comments left out."""
        for number, line in enumerate(self.lines, 1):
            found = INCLUDE.match(line)
            if found and "include" in self.code[number - 1]:
                yield number, found.group(1) or found.group(2), found.group(2) is not None


def inner_path(path):
    """The path below src/ or include/onehop/: what rooms are judged by. None elsewhere."""
    for prefix in ("include/onehop/", "src/"):
        if path.startswith(prefix):
            return path[len(prefix):]
    return None


def room_of(inner):
    """The room of a path below src/ or include/onehop/; None elsewhere and for src/*.cc (main)."""
    if inner is None or "/" not in inner:
        return None
    return inner.split("/", 1)[0]


def resolve(known, file, name):
    """The path of a quoted include, looked for where the compiler does; None for a library's."""
    for base in (os.path.dirname(file.path), "include", "src", ""):
        candidate = os.path.normpath(os.path.join(base, name))
        if candidate in known:
            return candidate
    return None


# --- rules over any text -----------------------------------------------------------------------


def check_first_line(file):
    first = file.lines[0] if file.lines else ""
    if first.startswith("#!") and len(file.lines) > 1:
        first = file.lines[1]
    if "SPDX-License-Identifier: MIT" not in first:
        yield 1, "spdx", "the first line names the licence: SPDX-License-Identifier: MIT"


def check_length(file):
    limit = MAX_LINES[file.folder]
    if len(file.lines) > limit:
        yield len(file.lines), "file-length", f"{len(file.lines)} lines; {limit} are allowed"


def check_lines(file):
    for number, line in enumerate(file.lines, 1):
        if len(line) > MAX_COLUMNS and not TABLE_ROW.match(line) and not URL.search(line):
            yield number, "columns", f"{len(line)} columns; {MAX_COLUMNS} are allowed"
        if "\t" in line:
            yield number, "tab", "tabs are not used"
        if file.path.startswith("tests/tidy/"):
            continue  # these files spell out the words they forbid
        if UNFINISHED.search(line):
            yield number, "unfinished", "an unfinished thing is an issue, not a comment"
        if BUILD_PATHS.search(line):
            yield number, "build-path", "this is a path of one machine"


# --- rules over C++ ----------------------------------------------------------------------------


def check_pragma_once(file):
    if file.path.endswith(".h") and "#pragma once" not in file.lines:
        yield 1, "pragma-once", "a header has #pragma once"


def check_functions(file):
    for name, first, last in functions(file.text):
        length = last - first + 1
        if length > MAX_FUNCTION_LINES:
            yield first, "function-length", (
                f"{name} has {length} lines; {MAX_FUNCTION_LINES} are allowed")


def check_words(file):
    for number, line in enumerate(file.code, 1):
        if file.folder == "tests" and SLEEPS.search(line):
            yield number, "sleep", "a test waits on a condition with a deadline, it does not sleep"
        if file.room in NO_EXCEPTIONS and THROWS.search(line):
            yield number, "exception", f"no exception is thrown or caught in {file.room}"
        if (file.room in NO_STD_FUNCTION and "std::function" in line
                and file.path not in STD_FUNCTION_ALLOWED):
            yield number, "std-function", (
                "std::function is for set-up code; list the file with its reason if it is that")


def check_library_includes(file):
    for number, name, _ in file.includes():
        if name.startswith("catch2/") and file.path != "tests/support/catch.h":
            yield number, "library", "Catch2 is included through tests/support/catch.h"
        if file.inner is None:
            continue
        for pattern, place, library in LIBRARIES:
            if pattern.match(name) and not file.inner.startswith(place):
                yield number, "library", f"only {place} sees {library}"


def check_room_includes(file, known):
    if file.room is not None and file.room not in ROOMS:
        yield 1, "rooms", f"{file.room} is not a room; they are {', '.join(ROOMS)}"
        return
    for number, name, quoted in file.includes():
        target = resolve(known, file, name) if quoted else None
        if target is None:
            if quoted and name.startswith("onehop/"):
                yield number, "rooms", f"{name} is not in the tree"
            continue
        if file.inner is None:
            continue  # tests and benches may look into every room
        yield from room_breaches(file, number, target)


def room_breaches(file, number, target):
    if not target.startswith(("src/", "include/")):
        yield number, "rooms", f"the program does not include {target}"
        return
    other = room_of(inner_path(target))
    if target.startswith("src/") and file.path.startswith("include/"):
        yield number, "rooms", f"a public header does not show {target}, which is private"
    if other is not None and file.room == other:
        yield from stranger_breaches(file, number, inner_path(target))
    if other is None or file.room == other:
        return
    if target.startswith("src/"):
        yield number, "rooms", f"{target} is private to {other}"
    elif other not in ROOMS:
        yield number, "rooms", f"{other} is not a room"
    elif file.room is not None and ROOMS.index(other) > ROOMS.index(file.room):
        yield number, "rooms", f"{other} is to the right of {file.room}"


def stranger_breaches(file, number, target):
    """`target` is a path of the same room: h1.h is the door of h1/."""
    def within(path, folder):
        return path.startswith(folder + "/") or path == folder + ".h"
    for pair in STRANGERS:
        for mine, other in (pair, pair[::-1]):
            if within(file.inner, mine) and within(target, other):
                yield number, "rooms", f"{mine} does not know {other}"


def check_cycles(files):
    """Each include cycle once, at the include that closes it."""
    known = {file.path: file for file in files}
    state = {}
    breaches = []

    def visit(path, trail):
        state[path] = "open"
        for number, name, quoted in known[path].includes():
            target = resolve(known, known[path], name) if quoted else None
            if target is None or not known[target].is_cpp:
                continue
            if state.get(target) == "open":
                ring = trail[trail.index(target):] + [target]
                breaches.append(Breach(path, number, "cycle", " -> ".join(ring)))
            elif target not in state:
                visit(target, trail + [target])
        state[path] = "done"

    for file in files:
        if file.is_cpp and file.path not in state:
            visit(file.path, [file.path])
    return breaches


# --- docs/edge-cases.md ------------------------------------------------------------------------


def numbers_in(citation):
    """The numbers of "42 to 45, 62 and 65"."""
    numbers, ranges = [], False
    for word in re.findall(r"\d+|to", citation):
        if word == "to":
            ranges = True
            continue
        numbers += range(numbers[-1] + 1, int(word)) if ranges else ()
        numbers.append(int(word))
        ranges = False
    return numbers


def edge_case_rows(root):
    """(line number, number of the case, names in its last column) of each row; no file, no row."""
    path = os.path.join(root, EDGE_CASES)
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as stream:
        for line_number, line in enumerate(stream, 1):
            found = EDGE_CASE_ROW.match(line)
            if found:
                yield line_number, int(found.group(1)), re.findall(r"`([^`]+)`", found.group(2))


def test_names(files):
    """The sentences of all test cases; literals side by side are one."""
    for file in files:
        if file.folder != "tests" or not file.is_cpp:
            continue
        for found in TEST_CASE.finditer(file.text):
            parts = re.findall(LITERAL, found.group(1))
            yield re.sub(r"\\(.)", r"\1", "".join(part[1:-1] for part in parts))


def check_edge_cases(root, files):
    """The document names test cases that there are, and has a row for each number cited."""
    rows = list(edge_case_rows(root))
    names = set(test_names(files))
    known = set()
    for line, case, cited in rows:
        if case in known:
            yield Breach(EDGE_CASES, line, "edge-case", f"there are two rows of {case}")
        known.add(case)
        for name in cited:
            if name not in names:
                yield Breach(EDGE_CASES, line, "edge-case", f"no TEST_CASE is called: {name}")
    for file in files:
        if file.folder == "bench" or file.path.startswith("tests/tidy/"):
            continue
        for found in EDGE_CASE_CITED.finditer(file.text):
            line = file.text.count("\n", 0, found.start()) + 1
            for case in numbers_in(found.group(1)):
                if case not in known:
                    yield Breach(file.path, line, "edge-case", f"{EDGE_CASES} has no row {case}")


# --- the tree ----------------------------------------------------------------------------------


def load(root):
    """Every source of the folders, in a stable order. Data (corpora, results) is not style."""
    files = []
    for folder in FOLDERS:
        for place, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(set(folders) - {"corpus", "results", "__pycache__"})
            for name in sorted(names):
                path = os.path.relpath(os.path.join(place, name), root).replace(os.sep, "/")
                if name.endswith((".cc", ".h", ".py", ".sh", ".vtc", ".lua")):
                    files.append(File(root, path))
    return files


def check_file(file, known):
    yield from check_first_line(file)
    yield from check_length(file)
    yield from check_lines(file)
    if file.is_cpp:
        yield from check_pragma_once(file)
        yield from check_functions(file)
        yield from check_words(file)
        yield from check_library_includes(file)
        yield from check_room_includes(file, known)


def check_tree(root):
    """All breaches of the tree, sorted; an empty tree is one, since it proves nothing."""
    files = load(root)
    if not files:
        return [Breach(root, 1, "empty", "there is nothing to check here")]
    known = {file.path for file in files}
    breaches = check_cycles(files)
    for file in files:
        breaches += [Breach(file.path, *breach) for breach in check_file(file, known)]
    breaches += check_edge_cases(root, files)
    return sorted(breaches)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "..")
    breaches = check_tree(root)
    for breach in breaches:
        print(f"{breach.file}:{breach.line}: {breach.rule}: {breach.sentence}")
    if breaches:
        print(f"{len(breaches)} breaches of the rules in CONTRIBUTING.md")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
