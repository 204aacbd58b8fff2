# SPDX-License-Identifier: MIT
"""On what it was measured: hardware, kernel and versions, as a figure is worth nothing without."""
import os
import platform
import resource
import subprocess

from lib import tools

WANTED_DESCRIPTORS = 65536
RESERVED = 500             # descriptors of a proxy that are not for clients
MOST_CONNECTIONS = 20000   # of a proxy


def versions(onehop, against, programs):
    """What each program says of itself, and the commit of the sources."""
    found = {}
    for name, path in (("onehop", onehop), ("onehop-against", against)):
        if path and os.access(path, os.X_OK):
            found[name] = tools.said_by([path, "version"])
    found.update({name: tools.version(name) for name in programs if tools.find(name)})
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    source = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty"],
                            capture_output=True, text=True, check=False)
    if source.returncode == 0:
        found["source"] = "commit " + source.stdout.strip()
    return found


def describe():
    with open("/proc/meminfo") as file:
        memory_kib = int(next(line for line in file if line.startswith("MemTotal")).split()[1])
    with open("/proc/cpuinfo") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    try:
        system = platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        system = platform.system()
    return {"cpu": models[0] if models else platform.machine(), "cores": os.cpu_count(),
            "memory_mib": memory_kib // 1024, "kernel": platform.release().partition("-")[0],
            "system": system}


def tracing_missing():
    """Why system calls cannot be counted here, such as in a container without ptrace; or None."""
    if tools.missing("strace"):
        return tools.missing("strace")
    tried = subprocess.run([tools.find("strace"), "-o", os.devnull, "true"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                           check=False)
    return f"strace does not work here: {tried.stderr.strip()}" if tried.returncode else None


def choose_cores():
    """The proxy's core and everybody else's; None, None where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


def limits():
    """The descriptors of a process, raised as far as allowed (children inherit that), and the
    connections that a proxy may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (max(hard, WANTED_DESCRIPTORS), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            break
        except (ValueError, OSError):
            continue
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return descriptors, min(MOST_CONNECTIONS, descriptors - RESERVED)
