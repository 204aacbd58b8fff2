# SPDX-License-Identifier: MIT
"""The configuration files of the proxies that are compared, as functions of what differs.

The one idea: all get one worker, the same origins and, but for the nginx left as installed, no log
and limits that the loads do not reach. What stands here goes into the results with the figures.
"""
import json
import os
import pwd

BALANCES = ("round_robin", "least_requests")  # as onehop calls them
POOL = 256                                    # idle connections to an origin, where one can say so

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
{servers}
    keepalive {pool};
    keepalive_requests 1000000000;
  }}
  server {{
    listen {listen} backlog=4096{deferred};
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
{group}  server {{
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
{buffers}defaults
  mode {mode}
  maxconn {connections}
  timeout connect 5s
  timeout client 300s
  timeout server 300s
{extra}
frontend in
  bind {listen} backlog 4096{deferred}
  default_backend app
backend app
{balance}{reuse}{servers}
"""
HAPROXY_LARGE_BUFFERS = "  tune.bufsize 65536\n"
HAPROXY_HTTP_TIMEOUTS = """\
  timeout http-request 300s
  timeout http-keep-alive 300s
"""
# Without "http://" Caddy would fetch certificates; what it keeps goes into the run's own folder.
CADDY = """\
{{
  admin off
  auto_https off
  log {{
    output discard
  }}
}}
http://:{port} {{
  bind {host}
  reverse_proxy {to} {{
    lb_policy {policy}
    transport http {{
      compression off
      keepalive 300s
      keepalive_idle_conns {pool}
      keepalive_idle_conns_per_host {pool}
    }}
  }}
}}
"""
# `onehop proxy` takes neither a balance nor keys of the listener, so a file does.
ONEHOP = """\
[server]
workers = 1

[[listener]]
address = "{listen}"
{deferred}
[[route]]
path = "/"
upstream = "app"

[upstream.app]
endpoints = [{endpoints}]
balance = "{balance}"

[admin]
listen = "{admin}"
"""


def text(address):
    return f"{address[0]}:{address[1]}"


def nginx(name, directory, listen, to, balance, settings, single=False):
    """`name` is nginx, nginx-large, nginx-deferred or nginx-stock; `single` makes it one
    process."""
    stock = name == "nginx-stock"
    servers = "\n".join(f"    server {text(one)};" for one in to)
    if balance == "least_requests":
        servers = "    least_conn;\n" + servers
    group = f"  upstream app {{\n{servers}\n  }}\n" if len(to) > 1 else ""
    paths = "\n".join(f"  {kind}_temp_path {directory}/{kind};" for kind in NGINX_TEMP_PATHS)
    return (NGINX_AS_INSTALLED if stock else NGINX_TUNED).format(
        user=nginx_user(), directory=directory, listen=text(listen), servers=servers, group=group,
        to="app" if group else text(to[0]), temp_paths=paths, pool=POOL,
        master="master_process off;" if single else "",
        deferred=" deferred" if name == "nginx-deferred" else "",
        extra=NGINX_LARGE_BUFFERS if name == "nginx-large" else "",
        descriptors=settings.descriptors, connections=settings.proxy_connections)


def nginx_user():
    """Workers of a root's nginx get Debian's user; without root the directive means nothing."""
    if os.geteuid() != 0:
        return ""
    try:
        return f"user {pwd.getpwnam('www-data').pw_name};\n"
    except KeyError:
        return "user nobody;\n"


def haproxy(name, listen, to, balance, settings):
    """`name` is haproxy, haproxy-large, haproxy-deferred or haproxy-tcp."""
    tcp = name == "haproxy-tcp"
    algorithm = "leastconn" if balance == "least_requests" else "roundrobin"
    return HAPROXY.format(
        mode="tcp" if tcp else "http", listen=text(listen),
        deferred=" defer-accept" if name == "haproxy-deferred" else "",
        buffers=HAPROXY_LARGE_BUFFERS if name == "haproxy-large" else "",
        servers="\n".join(f"  server origin{number} {text(one)}"
                          for number, one in enumerate(to, 1)),
        extra="" if tcp else HAPROXY_HTTP_TIMEOUTS,
        balance=f"  balance {algorithm}\n" if len(to) > 1 else "",
        reuse="" if tcp else "  http-reuse always\n", connections=settings.proxy_connections)


def caddy(listen, to, balance):
    policy = "least_conn" if balance == "least_requests" else "round_robin"
    return CADDY.format(host=listen[0], port=listen[1], to=" ".join(text(one) for one in to),
                        policy=policy, pool=POOL)


def onehop(name, listen, to, balance, admin):
    """`name` is onehop, onehop-against or onehop-deferred."""
    endpoints = ", ".join(f'"{text(one)}"' for one in to)
    return ONEHOP.format(listen=text(listen), admin=text(admin) if admin else "", balance=balance,
                         deferred="defer_accept = true\n" if name == "onehop-deferred" else "",
                         endpoints=endpoints)


def envoy(listen, to, balance, settings):
    """One listener, one HTTP connection manager, one cluster. Its default limits of 1,024
    connections and requests are raised, as they would fail requests that the others take."""
    def socket_address(one):
        return {"address": {"socket_address": {"address": one[0], "port_value": one[1]}}}

    most = settings.proxy_connections
    types = "type.googleapis.com/envoy.extensions.filters"
    router = {"name": "envoy.filters.http.router",
              "typed_config": {"@type": f"{types}.http.router.v3.Router"}}
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in", "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": "app", "timeout": "0s"}}]}]}}
    listener = {"name": "in", **socket_address(listen), "tcp_backlog_size": 4096,
                "filter_chains": [{"filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": manager}]}]}
    endpoints = [{"endpoint": socket_address(one)} for one in to]
    cluster = {
        "name": "app", "type": "STATIC", "connect_timeout": "5s", **envoy_balance(balance),
        "circuit_breakers": {"thresholds": [{
            "max_connections": most, "max_pending_requests": most, "max_requests": most}]},
        "load_assignment": {"cluster_name": "app", "endpoints": [{"lb_endpoints": endpoints}]}}
    return json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}},
                      indent=1) + "\n"


def envoy_balance(balance):
    """How a cluster chooses. Of requests in flight Envoy compares those of two random replicas, and
    of three one is slow: so it would be chosen now and then. The others look at all of them, and
    so does Envoy here; the older `least_request_lb_config` has no word for it."""
    if balance != "least_requests":
        return {"lb_policy": "ROUND_ROBIN"}
    policy = "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest"
    return {"load_balancing_policy": {"policies": [{"typed_extension_config": {
        "name": "envoy.load_balancing_policies.least_request",
        "typed_config": {"@type": f"type.googleapis.com/{policy}",
                         "selection_method": "FULL_SCAN"}}}]}}
