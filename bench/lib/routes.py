# SPDX-License-Identifier: MIT
"""Proxies in front of several services, chosen by the beginning of the path.

The one idea: `routes` maps a path prefix to the replicas behind it, and the longest prefix wins
with every proxy; besides that, each is configured as in the two-hop comparison: one worker, no
log but for the nginx left as installed, reused connections where it can. Tuned nginx has
`max_fails=0`: by default one failure sets a replica aside for ten seconds. `haproxy-limited` is
HAProxy with the limits that onehop is given: so many requests at a time for each replica, so many
that wait for a service, so long.
"""
import dataclasses
import json
import os
import shlex

from lib import tools
from lib.configurations import NGINX_TEMP_PATHS, nginx_user, text
from lib.machine import find_program
from lib.processes import BenchError, free_port, listens, wait_until
from lib.proxies import Running

NAMES = ("direct", "onehop", "nginx-stock", "nginx", "haproxy", "haproxy-limited")
PROGRAMS = {"nginx-stock": "nginx", "haproxy-limited": "haproxy"}
CONNECTIONS = 8000  # client and origin side together, within 20,000 descriptors
POOL = 256
NGINX = """\
{user}worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections {connections}; }}
http {{
{common}
{temp_paths}
{upstreams}
  server {{
    listen {listen}{backlog};
{locations}
  }}
}}
"""
NGINX_TUNED = """\
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;"""
NGINX_STOCK = """\
  sendfile on;
  tcp_nopush on;
  gzip on;
  access_log {directory}/access.log;"""
NGINX_REUSE = """\
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
"""
HAPROXY = """\
global
  nbthread 1
  no strict-limits
  maxconn {connections}
defaults
  mode http
  maxconn {connections}
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-request 300s
  timeout http-keep-alive 300s
frontend in
  bind {listen} backlog 4096
{uses}
{backends}
"""
ONEHOP = """\
server.workers = 1
admin.listen = "{admin}"

[[listener]]
address = "{listen}"
{routes}"""


# What is turned away says when to come again, whether there was no room or its time was over.
HAPROXY_LIMITS = """\
  timeout queue {wait_ms}ms
  http-error status 503 content-type text/plain string "busy" hdr Retry-After 1
  http-request return status 503 content-type text/plain string "busy" hdr Retry-After 1 \
if {{ queue({name}) ge {waiting} }}
"""
ONEHOP_LIMITS = """\
pool.max_connections = {concurrent}
pool.max_queue = {waiting}
pool.queue_timeout = "{wait_ms}ms"
"""


@dataclasses.dataclass(frozen=True)
class Limits:
    """Of each replica, and it is alone behind its path: requests at a time, those that may wait,
    and how long they may."""
    concurrent: int
    waiting: int
    wait_ms: int


def service_name(prefix):
    """What the upstream of a prefix is called: "/a/b" is a-b, and "/" is app."""
    return prefix.strip("/").replace("/", "-") or "app"


def missing(name, onehop):
    """Why `name` cannot be started here; None when it can."""
    if name not in NAMES:
        return f"only {', '.join(NAMES)} are configured for this scenario"
    if name == "direct":
        return None
    program = onehop if name == "onehop" else find_program(PROGRAMS.get(name, name))
    if program and os.access(program, os.X_OK):
        return None
    return (f"there is no program {onehop}" if name == "onehop" else
            tools.missing(PROGRAMS.get(name, name)))


def start(supervisor, onehop, name, routes, core=None, limits=None, patience_s=10):
    """Starts proxy `name` before `routes` and returns it when it accepts connections. For
    `direct`, the address is that of the first replica; the caller knows the others. `limits` are
    for onehop and haproxy-limited; the others have none."""
    if missing(name, onehop):
        raise BenchError(f"{name} cannot be started here: {missing(name, onehop)}")
    if name == "direct":
        return Running(name, next(iter(routes.values()))[0], None, "")
    for attempt in range(3):  # another process may take a free port meanwhile
        address, admin = ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
        directory = supervisor.path(f"{name}-{address[1]}-{attempt}")
        os.mkdir(directory)
        os.chmod(directory, 0o755)
        command, configuration = _prepare(onehop, name, directory, address, admin, routes, limits)
        child = supervisor.start(name, command, core)
        try:
            wait_until(lambda: child.exited() or listens(address), patience_s, f"{name} listens")
        except BenchError:
            raise BenchError(f"{name} does not listen within {patience_s} s; it says: "
                             f"{child.log_tail() or 'nothing'}") from None
        if not child.exited():
            return Running(name, address, child, configuration,
                           admin if name == "onehop" else None)
        tail = child.log_tail() or "it said nothing"
        supervisor.stop(child)
    raise BenchError(f"{name} did not start: {shlex.join(command)}: {tail}")


def _prepare(onehop, name, directory, address, admin, routes, limits):
    path = os.path.join(directory, "onehop.toml" if name == "onehop" else "proxy.conf")
    ordered = sorted(routes.items(), key=lambda route: -len(route[0]))
    if name == "onehop":
        configuration = _onehop(address, admin, ordered, limits)
        command = [onehop, "run", "--config", path]
    elif name.startswith("haproxy"):
        configuration = _haproxy(address, ordered, limits if name == "haproxy-limited" else None)
        command = [find_program("haproxy"), "-db", "-f", path]
    else:
        configuration = _nginx(name == "nginx-stock", directory, address, ordered)
        command = [find_program("nginx"), "-p", directory, "-c", path, "-g", "daemon off;"]
    with open(path, "w") as file:
        file.write(configuration)
    return command, configuration


def _onehop(address, admin, routes, limits):
    parts, limited = [], ONEHOP_LIMITS.format(**vars(limits)) if limits else ""
    for prefix, replicas in routes:
        name = json.dumps(service_name(prefix))
        endpoints = ", ".join(json.dumps(text(replica)) for replica in replicas)
        parts.append(f'\n[[route]]\npath = "{prefix}"\nupstream = {name}\n\n[upstream.{name}]\n'
                     f"endpoints = [{endpoints}]\n{limited}")
    return ONEHOP.format(admin=text(admin), listen=text(address), routes="".join(parts))


def _haproxy(address, routes, limits):
    uses, backends = [], []
    most = f" maxconn {limits.concurrent}" if limits else ""
    for prefix, replicas in routes:
        name = service_name(prefix)
        condition = "" if prefix == "/" else f" if {{ path {prefix} }} || {{ path_beg {prefix}/ }}"
        uses.append(f"  use_backend {name}{condition}" if condition else
                    f"  default_backend {name}")
        servers = "\n".join(f"  server s{i} {text(one)}{most}" for i, one in enumerate(replicas))
        limited = HAPROXY_LIMITS.format(name=name, **vars(limits)) if limits else ""
        backends.append(f"backend {name}\n  http-reuse always\n{limited}{servers}")
    return HAPROXY.format(connections=CONNECTIONS, listen=text(address), uses="\n".join(uses),
                          backends="\n".join(backends))


def _nginx(stock, directory, address, routes):
    upstreams, locations = [], []
    for prefix, replicas in routes:
        name = service_name(prefix)
        patience = "" if stock else " max_fails=0"
        servers = "\n".join(f"    server {text(one)}{patience};" for one in replicas)
        keep = "" if stock else f"\n    keepalive {POOL};\n    keepalive_requests 1000000000;"
        upstreams.append(f"  upstream {name} {{\n{servers}{keep}\n  }}")
        reuse = "" if stock else NGINX_REUSE
        place = f"proxy_pass http://{name};\n{reuse}"
        locations.append(f"    location {prefix} {{\n      {place}    }}")
    return NGINX.format(
        user=nginx_user(), descriptors=2 * CONNECTIONS, directory=directory,
        connections=768 if stock else CONNECTIONS,
        common=(NGINX_STOCK if stock else NGINX_TUNED).format(directory=directory),
        temp_paths="\n".join(f"  {kind}_temp_path {directory}/{kind};"
                             for kind in NGINX_TEMP_PATHS),
        upstreams="\n".join(upstreams), listen=text(address),
        backlog="" if stock else " backlog=4096", locations="\n".join(locations))
