# SPDX-License-Identifier: MIT
"""What the kernel says about processes: CPU time, memory, descriptors, accepted connections.

The one idea: a proxy is its process and all its descendants, so that a master and its worker, or a
second thread, are never left out.
"""
import os

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


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


def thread_seconds(pids):
    """CPU time of each thread, by its number; none where the kernel does not keep it."""
    found = {}
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                    found[int(thread)] = int(file.read().split()[0]) / 1e9
            except OSError:
                continue  # ended meanwhile
    return found


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


def accepted_connections(pid="self"):
    """What TCP has accepted in the network namespace of `pid`, whoever was at work there."""
    with open(f"/proc/{pid}/net/snmp") as file:
        names, values = [line.split() for line in file if line.startswith("Tcp:")]
    return int(values[names.index("PassiveOpens")])


def core_busy_seconds(core):
    """All time but idle and I/O wait of one core."""
    with open("/proc/stat") as file:
        fields = next(line for line in file if line.startswith(f"cpu{core} ")).split()
    ticks = [int(field) for field in fields[1:9]]  # without guest times, which user includes
    return (sum(ticks) - ticks[3] - ticks[4]) * TICK_SECONDS
