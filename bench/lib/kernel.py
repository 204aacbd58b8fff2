# SPDX-License-Identifier: MIT
"""What the kernel says about processes: CPU time, memory, descriptors, accepted connections.

The one idea: a proxy is its process and all its descendants, so that a master and its worker, or a
second thread, are never left out.
"""
import os

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
TIME_WAIT_SECONDS = 60  # Linux's, and not a setting


def _stat_fields(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()  # a name may hold anything


def family(pid):
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parents[int(entry)] = int(_stat_fields(entry)[1])
            except (OSError, IndexError):
                continue  # ended meanwhile
    members = [pid]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
    return members


def cpu_seconds(pids):
    """User and system time, summed."""
    user = system = 0
    for pid in pids:
        fields = _stat_fields(pid)
        user += int(fields[11])
        system += int(fields[12])
    return user * TICK_SECONDS, system * TICK_SECONDS


def memory_bytes(pids, key):
    """`key` is VmRSS (now) or VmHWM (the peak)."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith(key + ":"))
    return total * 1024


def proportional_bytes(pid):
    """Resident memory of which shared pages count once in all, not once for each process: the
    processes of PostgreSQL share most of theirs. Plain VmRSS where the kernel does not say."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024
    except PermissionError:
        return memory_bytes([pid], "VmRSS")


def descriptor_count(pids):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


def tcp_counters(pid="self"):
    """What TCP has counted in the network namespace of `pid`, whoever was at work there:
    connections accepted and made, attempts that failed, connections that were reset."""
    with open(f"/proc/{pid}/net/snmp") as file:
        names, values = [line.split() for line in file if line.startswith("Tcp:")]
    found = dict(zip(names, values))
    return {"accepted": int(found["PassiveOpens"]), "made": int(found["ActiveOpens"]),
            "failed": int(found["AttemptFails"]), "reset": int(found["EstabResets"])}


def time_wait(port, pid="self", younger_than_s=TIME_WAIT_SECONDS):
    """Connections in TIME_WAIT with `port` at either end, in the network namespace of `pid`, that
    got there less than `younger_than_s` ago: (held by the end with this port, by the other)."""
    least_left = (TIME_WAIT_SECONDS - younger_than_s) / TICK_SECONDS
    wanted, server, client = f"{port:04X}", 0, 0
    for family in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{pid}/net/{family}") as file:
                lines = file.read().splitlines()[1:]
        except FileNotFoundError:
            continue  # no IPv6 here
        for line in lines:
            if " 06 " not in line:
                continue
            fields = line.split(None, 6)
            if fields[3] == "06" and int(fields[5][3:], 16) >= least_left:
                server += fields[1].endswith(":" + wanted)
                client += fields[2].endswith(":" + wanted)
    return server, client


def core_busy_seconds(core):
    """All time but idle and I/O wait of one core."""
    with open("/proc/stat") as file:
        fields = next(line for line in file if line.startswith(f"cpu{core} ")).split()
    ticks = [int(field) for field in fields[1:9]]  # without guest times, which user includes
    return (sum(ticks) - ticks[3] - ticks[4]) * TICK_SECONDS
