# SPDX-License-Identifier: MIT
"""Starting processes so that every one of them ends, whatever happens.

The one idea: a `Supervisor` is a context. Each child leads its own process group, gets SIGTERM from
the kernel should this process die, and is stopped by its group when the context is left; the
temporary directory goes with it, and whatever else was handed to `at_end`.
"""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """Something needed for a measurement did not work; the message says what."""


class Child:
    def __init__(self, name, command, process, log):
        self.name = name
        self.command = command
        self.process = process
        self.pid = process.pid
        self.log = log

    def exited(self):
        return self.process.poll() is not None

    def log_tail(self):
        with open(self.log, errors="replace") as file:
            return file.read()[-2000:].strip()

    def told_address(self, what):
        """Where it listens, which a program of the bench says in its first line."""
        host, _, port = self.process.stdout.readline().decode().strip().rpartition(":")
        if not host:
            raise BenchError(f"{what} did not start: {self.log_tail() or 'it said nothing'}")
        return (host, int(port))


class Supervisor:
    def __init__(self):
        self.children = []
        self.directory = None
        self.last_steps = []

    def __enter__(self):
        signal.signal(signal.SIGTERM, leave)
        self.directory = tempfile.mkdtemp(prefix="onehop-bench-")
        os.chmod(self.directory, 0o755)  # nginx's worker, another user, looks into it
        return self

    def __exit__(self, *_):
        for signal_number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not stop this
            signal.signal(signal_number, signal.SIG_IGN)
        for child in reversed(self.children):
            self._end(child)
        for step in reversed(self.last_steps):
            step()
        shutil.rmtree(self.directory, ignore_errors=True)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def path(self, name):
        return os.path.join(self.directory, name)

    def at_end(self, step):
        """`step()` is called when every child has ended, whatever happened; the last one first."""
        self.last_steps.append(step)

    def start(self, name, command, core=None, stdout=None, env=None, namespace=None):
        """Starts `command` pinned to `core`. Without `stdout`, both outputs go to its log.
        `namespace` is a descriptor of the network namespace it runs in, None for ours."""
        log = self.path(f"{len(self.children)}-{name}.log")
        with open(log, "wb") as file:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=stdout or file, stderr=file,
                    start_new_session=True, preexec_fn=lambda: prepare_child(core, namespace),
                    env={**os.environ, **(env or {})})
            except (OSError, subprocess.SubprocessError) as error:
                raise BenchError(f"{name} cannot be started: {error}") from None
        child = Child(name, command, process, log)
        self.children.append(child)
        return child

    def stop(self, child):
        self._end(child)
        self.children.remove(child)

    @staticmethod
    def _end(child):
        signal_group(child.pid, signal.SIGTERM)
        try:
            child.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        signal_group(child.pid, signal.SIGKILL)  # whatever of the group is left
        child.process.wait()
        if child.process.stdout:
            child.process.stdout.close()


def leave(*_):
    raise SystemExit(128 + signal.SIGTERM)


def prepare_child(core, namespace=None):
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    if namespace is not None:
        enter_namespace(namespace)


def enter_namespace(descriptor):
    """Sockets of this thread, and of the processes and threads it starts, are now made there."""
    if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"entering a network namespace: {os.strerror(number)}")


def signal_group(pid, number):
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


def free_port(host="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what, child=None):
    """Returns the first true value of `condition()`; a BenchError when `seconds` pass before, with
    the last words of `child`, whose fault it is."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            said = f"; it says: {child.log_tail() or 'nothing'}" if child else ""
            raise BenchError(f"not within {seconds} s: {what}{said}")
        time.sleep(0.01)


def listens(address):
    try:
        socket.create_connection(address, 1).close()
        return True
    except OSError:
        return False
