# SPDX-License-Identifier: MIT
"""On what it was measured: hardware, kernel and versions, as a figure is worth nothing without."""
import os
import platform
import resource
import shutil
import subprocess

from lib import tools

WANTED_DESCRIPTORS = 65536


def first_line(command):
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return next((line.strip() for line in result.stdout.splitlines() if line.strip()), None)


def find_program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def cpu_model():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def versions(onehop, against, more=()):
    """What each program says of itself; `more` are others that a bench uses."""
    found = {}
    commands = {"onehop": [onehop, "version"], "onehop-against": [against, "version"],
                "nginx": [find_program("nginx"), "-v"], "haproxy": [find_program("haproxy"), "-v"],
                "wrk": [find_program("wrk"), "-v"], "strace": [find_program("strace"), "-V"],
                "valgrind": [find_program("valgrind"), "--version"],
                "caddy": [find_program("caddy"), "version"],
                "envoy": [tools.find("envoy"), "--version"],
                **{name: [find_program(name), option] for name, option in more}}
    for name, command in commands.items():
        if command[0] and os.access(command[0], os.X_OK):
            text = first_line(command) or "unknown"
            found[name] = text.replace(command[0], "").strip()  # a place of this machine
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    source = first_line(["git", "-C", root, "describe", "--always", "--dirty"])
    if source and not source.startswith("fatal"):
        found["source"] = "commit " + source
    return found


def describe():
    with open("/proc/meminfo") as file:
        memory_kib = int(next(line for line in file if line.startswith("MemTotal")).split()[1])
    return {"cpu": cpu_model(), "cores": os.cpu_count(), "memory_mib": memory_kib // 1024,
            "kernel": platform.release().partition("-")[0], "python": platform.python_version(),
            "system": system_name()}


def system_name():
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except (OSError, AttributeError):
        return platform.system()


def tracing_missing():
    """Why system calls cannot be counted here, such as in a container without ptrace; or None."""
    program = find_program("strace")
    if not program:
        return "there is no strace"
    tried = subprocess.run([program, "-o", os.devnull, "true"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True, check=False)
    return f"strace does not work here: {tried.stderr.strip()}" if tried.returncode else None


def profiling_missing():
    return None if find_program("valgrind") else "there is no valgrind"


def choose_cores():
    """The proxy's core and everybody else's; None, None where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


def raise_descriptor_limit():
    """Raises the limit as far as allowed and returns it; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (max(hard, WANTED_DESCRIPTORS), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
