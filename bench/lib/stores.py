# SPDX-License-Identifier: MIT
"""A Redis and a PostgreSQL of a run's own: on free ports, with their data below the supervisor's
temporary directory, and gone with it.

The one idea: what is checked after a run is asked of the stores themselves, by their own clients,
and not of the app that was under load.
"""
import os
import pwd
import subprocess

from lib import tools
from lib.processes import BenchError, free_port, wait_until

START_S = 30
USERS = ("postgres", "nobody")  # PostgreSQL refuses to run as root: the first that there is


def ask(context, client, *words):
    """What a store's client prints. It fails with a status, and Redis's with a word."""
    done = subprocess.run([context.tool(client), *map(str, words)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False,
                          cwd=context.supervisor.directory, env=tools.environment())
    said = done.stdout.strip()
    if done.returncode or said.startswith("ERR"):
        raise BenchError(f"{client} failed: {said} {done.stderr.strip()[-500:]}")
    return said


def started(child, answers, name):
    def tried():
        try:
            return answers()
        except BenchError:
            return False

    wait_until(lambda: child.exited() or tried(), START_S, f"{name} answers", child)
    if child.exited():
        raise BenchError(f"{name} did not start: {child.log_tail()[-500:]}")


class Redis:
    def __init__(self, context):
        self.context = context
        directory = context.supervisor.path("redis")
        os.mkdir(directory)
        self.address = ("127.0.0.1", free_port())
        child = context.supervisor.start("redis", [
            context.tool("redis-server"), "--bind", self.address[0], "--port",
            str(self.address[1]), "--dir", directory, "--save", "", "--appendonly", "no"])
        started(child, lambda: self.command("PING") == "PONG", "Redis")

    def command(self, *words):
        return ask(self.context, "redis-cli", "-h", self.address[0], "-p", self.address[1], *words)


class Postgres:
    """`schema` is run once. As root, the server runs as another user, who gets the data folder."""

    def __init__(self, context, schema):
        self.context = context
        directory = context.supervisor.path("postgres")
        os.mkdir(directory, 0o700)
        become = self._other_user(directory)
        data = os.path.join(directory, "data")
        make = context.run_tool("initdb", [
            *become, context.tool("initdb"), "-D", data, "--username", "bench", "--auth", "trust",
            "--no-sync", "--encoding", "UTF8", "--no-locale"], START_S)
        if make.process.returncode:
            raise BenchError(f"initdb failed: {make.log_tail()}")
        self.port = free_port()
        child = context.supervisor.start("postgres", [
            *become, context.tool("postgres"), "-D", data, "-p", str(self.port),
            "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={directory}"])
        started(child, lambda: self.query("select 1") == "1", "PostgreSQL")
        self.query(schema)

    @property
    def url(self):
        return f"host=127.0.0.1 port={self.port} user=bench dbname=postgres sslmode=disable"

    def query(self, text):
        """The one value that `text` yields, as a string; empty where it yields none."""
        return ask(self.context, "psql", self.url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                   "-c", text)

    def _other_user(self, directory):
        """What is put before a command to run it as somebody but root; nothing without root."""
        if os.geteuid() != 0:
            return []
        known = {user.pw_name: user for user in pwd.getpwall()}
        user = next((known[name] for name in USERS if name in known), None)
        if not user:
            raise BenchError(f"PostgreSQL refuses to run as root, and there is no user "
                             f"{' or '.join(USERS)}")
        os.chown(directory, user.pw_uid, user.pw_gid)
        # Becoming another user clears the signal that follows our death, so it is set again.
        return [self.context.tool("setpriv"), f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                "--clear-groups", "--pdeathsig", "INT", "--"]
