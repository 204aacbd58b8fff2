# SPDX-License-Identifier: MIT
"""Instructions of each call of onehop_measured(), by callgrind: the same on a busy machine."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77  # for ctest


def calls(program: str) -> list[tuple[str, int]]:
    """What the program wrote about each call, a line for each, and what the call cost."""
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed")
        sys.exit(SKIPPED)
    function = "onehop_measured"
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--toggle-collect={function}",
             f"--dump-after={function}", f"--callgrind-out-file={folder}/out", program],
            capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f"valgrind failed:\n{run.stderr}")
        return [(line, total(pathlib.Path(f"{folder}/out.{number}").read_text(), line))
                for number, line in enumerate(run.stdout.splitlines(), start=1)]


def total(dump: str, line: str) -> int:
    found = re.search(r"^(?:summary|totals): (\d+)", dump, re.MULTILINE)
    if found is None:
        sys.exit(f"no total for {line}")
    return int(found.group(1))
