# SPDX-License-Identifier: MIT
"""The proxies that are compared: how each is configured and started.

The one idea: all are given one worker, one core, the same origin and, but for the nginx left as
installed, no log; the configurations are written here and go into the results with the figures.
"""
import http.client
import os
import pwd
import shlex

from lib import kernel
from lib.machine import find_program
from lib.processes import BenchError, free_port, listens, wait_until

NGINX_TEMP_PATHS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
NGINX_TUNED = """\
{user}worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
{master}
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_header_timeout 300s;
  client_max_body_size 0;
{temp_paths}
  upstream app {{
    server {to};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  server {{
    listen {listen} backlog=4096;
    location / {{
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
{extra}    }}
  }}
}}
"""
NGINX_LARGE_BUFFERS = """\
      proxy_buffer_size 64k;
      proxy_buffers 16 64k;
      proxy_busy_buffers_size 128k;
      client_body_buffer_size 64k;
"""
# Debian's /etc/nginx/nginx.conf with the one line that makes it a proxy. Of what is installed, only
# the number of workers, the places of files and the limit on bodies (1 MiB uploads) are changed.
NGINX_AS_INSTALLED = """\
{user}worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
{master}
events {{ worker_connections 768; }}
http {{
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  access_log {directory}/access.log;
  gzip on;
  client_max_body_size 0;
{temp_paths}
  server {{
    listen {listen};
    location / {{ proxy_pass http://{to}; }}
  }}
}}
"""
# "no strict-limits": it wants two descriptors for each of maxconn, an idle client needs but one.
HAPROXY = """\
global
  nbthread 1
  no strict-limits
  maxconn {connections}
defaults
  mode {mode}
  maxconn {connections}
  timeout connect 5s
  timeout client 300s
  timeout server 300s
{extra}
frontend in
  bind {listen} backlog 4096
  default_backend app
backend app
{reuse}  server origin {to}
"""
HAPROXY_HTTP_TIMEOUTS = """\
  timeout http-request 300s
  timeout http-keep-alive 300s
"""


class Running:
    """A started proxy; `child` is None for `direct`, which is the origin itself."""

    def __init__(self, name, address, child, configuration):
        self.name = name
        self.address = address
        self.child = child
        self.configuration = configuration

    def pids(self):
        return kernel.family(self.child.pid) if self.child else []


class Proxies:
    """Knows every proxy by name. `settings` holds the programs and limits of this run."""

    ORDER = ("nginx-stock", "nginx-large", "nginx", "onehop-against", "onehop", "haproxy",
             "haproxy-tcp", "direct")

    def __init__(self, supervisor, settings):
        self.supervisor = supervisor
        self.settings = settings
        self.started = 0

    def missing(self, name):
        """Why `name` cannot be started here; None when it can."""
        program = self.program(name)
        if name == "direct" or (program and os.access(program, os.X_OK)):
            return None
        return "no such program" + (f": {program}" if program else "")

    def program(self, name):
        if name == "onehop":
            return self.settings.onehop
        if name == "onehop-against":
            return self.settings.against
        return find_program(name.partition("-")[0])

    def start(self, name, to, core, wrap=(), patience_s=10):
        """Starts proxy `name` in front of `to` and returns it when it accepts. `wrap` is put before
        the command, such as a profiler, and then the proxy is a single process."""
        if name == "direct":
            return Running(name, to, None, "")
        for attempt in range(3):  # another process may take the free port meanwhile
            address = ("127.0.0.1", free_port())
            command, configuration = self._prepare(name, address, to, bool(wrap))
            child = self.supervisor.start(name, [*wrap, *command], core)
            wait_until(lambda: child.exited() or listens(address), patience_s, f"{name} listens")
            if not child.exited():
                return Running(name, address, child, configuration)
            tail = child.log_tail()
            self.supervisor.stop(child)
        raise BenchError(f"{name} did not start: {shlex.join(command)}: {tail}")

    def _prepare(self, name, address, to, single):
        self.started += 1
        directory = self.supervisor.path(f"{name}-{self.started}")
        os.mkdir(directory)
        os.chmod(directory, 0o755)
        listen = f"{address[0]}:{address[1]}"
        origin = f"{to[0]}:{to[1]}"
        if name.startswith("onehop"):
            extra = (self.settings.against_args if name == "onehop-against"
                     else self.settings.onehop_args)
            command = [self.program(name), "proxy", "--listen", listen, "--to", origin,
                       "--workers", "1", *shlex.split(extra)]
            if self.settings.admin:
                command += ["--admin", f"127.0.0.1:{free_port()}"]
            return command, ""
        if name.startswith("nginx"):
            text = self._nginx(name, directory, listen, origin, single)
        else:
            text = self._haproxy(name, listen, origin)
        path = os.path.join(directory, "proxy.conf")
        with open(path, "w") as file:
            file.write(text)
        if name.startswith("nginx"):
            return [self.program(name), "-p", directory, "-c", path, "-g", "daemon off;"], text
        return [self.program(name), "-db", "-f", path], text

    def _nginx(self, name, directory, listen, to, single):
        template = NGINX_AS_INSTALLED if name == "nginx-stock" else NGINX_TUNED
        paths = "\n".join(f"  {kind}_temp_path {directory}/{kind};" for kind in NGINX_TEMP_PATHS)
        return template.format(
            user=nginx_user(), directory=directory, listen=listen, to=to, temp_paths=paths,
            master="master_process off;" if single else "",
            extra=NGINX_LARGE_BUFFERS if name == "nginx-large" else "",
            descriptors=self.settings.descriptors,
            connections=self.settings.proxy_connections)

    def _haproxy(self, name, listen, to):
        tcp = name == "haproxy-tcp"
        return HAPROXY.format(
            mode="tcp" if tcp else "http", listen=listen, to=to,
            extra="" if tcp else HAPROXY_HTTP_TIMEOUTS,
            reuse="" if tcp else "  http-reuse always\n",
            connections=self.settings.proxy_connections)


def nginx_user():
    """Workers of a root's nginx get Debian's user; without root the directive means nothing."""
    if os.geteuid() != 0:
        return ""
    try:
        return f"user {pwd.getpwnam('www-data').pw_name};\n"
    except KeyError:
        return "user nobody;\n"


def check_answer(running, body_bytes):
    """One GET through the proxy must bring the origin's body."""
    connection = http.client.HTTPConnection(*running.address, timeout=10)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        size = len(answer.read())
    finally:
        connection.close()
    if (answer.status, size) != (200, body_bytes):
        raise BenchError(f"{running.name} answered {answer.status} with {size} bytes")
