# SPDX-License-Identifier: MIT
"""A loopback of one's own, as long as a scenario runs.

The one idea: the kernel counts connections for each network namespace. In one that nobody else is
in, its counters are those of the scenario, its ports are free, and its TIME_WAITs go with it.
"""
import contextlib
import ctypes
import fcntl
import os
import socket
import struct

from lib.processes import LIBC, enter_namespace

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


@contextlib.contextmanager
def loopback():
    """This thread, and all that it starts, has a loopback of its own. Yields None, or why it cannot
    have one here and shares that of the machine."""
    try:
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    except OSError as error:
        yield f"this kernel has no network namespaces ({error.strerror})"
        return
    try:
        if LIBC.unshare(CLONE_NEWNET) != 0:
            yield f"a network namespace may not be made here ({os.strerror(ctypes.get_errno())})"
            return
        try:
            _raise_loopback()
            yield None
        finally:
            enter_namespace(home)
    finally:
        os.close(home)


def _raise_loopback():
    with socket.socket() as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
