# SPDX-License-Identifier: MIT
"""A Redis and a PostgreSQL of a run's own: on free ports, with their data below the supervisor's
temporary directory, and gone with it.

The one idea: what is checked after a run is asked of the stores themselves, in their own languages,
and not of the app that was under load.
"""
import os
import pwd
import shutil
import socket
import subprocess

from lib import tools
from lib.processes import BenchError, free_port, wait_until

START_S = 30
USERS = ("postgres", "nobody")  # PostgreSQL refuses to run as root: the first that there is


def last_words(child):
    """Both say a lot of themselves before they say what is wrong."""
    return "; ".join(child.log_tail().splitlines()[-3:]) or "it said nothing"


class Redis:
    def __init__(self, context):
        directory = context.supervisor.path("redis")
        os.mkdir(directory)
        self.address = ("127.0.0.1", free_port())
        child = context.supervisor.start("redis", [
            context.tool("redis-server"), "--bind", self.address[0], "--port",
            str(self.address[1]), "--dir", directory, "--save", "", "--appendonly", "no"])
        wait_until(lambda: child.exited() or self._answers(), START_S, "Redis answers")
        if child.exited():
            raise BenchError(f"Redis did not start: {last_words(child)}")

    def command(self, *words):
        """The reply to one command, as text without its type's sign; None for no value."""
        text = f"*{len(words)}\r\n" + "".join(
            f"${len(word.encode())}\r\n{word}\r\n" for word in map(str, words))
        try:
            with socket.create_connection(self.address, 5) as connection:
                connection.sendall(text.encode())
                with connection.makefile("rb") as replies:
                    first = replies.readline().decode().rstrip("\r\n")
                    if first[:1] == "$":
                        size = int(first[1:])
                        return None if size < 0 else replies.read(size).decode()
        except OSError as error:
            raise BenchError(f"Redis does not answer {words[0]}: {error}") from None
        if first[:1] in ("", "-"):
            raise BenchError(f"Redis refused {words[0]}: {first[1:] or 'it closed'}")
        return first[1:]

    def _answers(self):
        try:
            return self.command("PING") == "PONG"
        except BenchError:
            return False


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
        wait_until(lambda: child.exited() or self._answers(), START_S, "PostgreSQL answers")
        if child.exited():
            raise BenchError(f"PostgreSQL did not start: {last_words(child)}")
        self.query(schema)

    @property
    def url(self):
        return f"host=127.0.0.1 port={self.port} user=bench dbname=postgres sslmode=disable"

    def query(self, text):
        """The one value that `text` yields, as a string; empty where it yields none."""
        command = [self.context.tool("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U",
                   "bench", "-d", "postgres", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c",
                   text]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  stdin=subprocess.DEVNULL, text=True, timeout=60, check=False,
                                  cwd=self.context.supervisor.directory,
                                  env={**tools.environment(), "LC_ALL": "C"})
        except subprocess.TimeoutExpired:
            raise BenchError("psql took more than 60 s") from None
        if done.returncode:
            raise BenchError(f"psql failed: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()

    def _answers(self):
        try:
            return self.query("select 1") == "1"
        except BenchError:
            return False

    @staticmethod
    def _other_user(directory):
        """What is put before a command to run it as somebody but root; nothing without root."""
        if os.geteuid() != 0:
            return []
        program = shutil.which("setpriv")
        if not program:
            raise BenchError("PostgreSQL refuses to run as root, and there is no setpriv "
                             "(Debian package util-linux) to start it as another user")
        for name in USERS:
            try:
                user = pwd.getpwnam(name)
            except KeyError:
                continue
            os.chown(directory, user.pw_uid, user.pw_gid)
            # Becoming another user clears the signal that follows our death, so it is set again.
            return [program, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
                    "--pdeathsig", "INT", "--"]
        raise BenchError(f"PostgreSQL refuses to run as root, and there is no user "
                         f"{' or '.join(USERS)}")
