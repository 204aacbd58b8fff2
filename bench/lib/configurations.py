# SPDX-License-Identifier: MIT
"""What every proxy is started with, in every bench, as functions of one description.

The one idea: a `Site` says what a proxy stands between, and each proxy has one function that turns
it into a configuration. All get one worker, the same origins and, but for the nginx left as
installed, no log and limits that the loads do not reach.
"""
import dataclasses
import json
import os
import pwd
from typing import Optional

from lib.certificates import GROUP, SUITE, Certificate

BALANCES = ("round_robin", "least_requests")  # as onehop calls them
POOL = 256                                    # idle connections to an origin, where one can say so


@dataclasses.dataclass(frozen=True)
class Limits:
    """Of each replica: requests at a time (0: no limit), those that may wait, and how long they
    may. Without the latter two, a proxy's own defaults hold."""
    concurrent: int
    waiting: Optional[int] = None
    wait_ms: Optional[int] = None


@dataclasses.dataclass
class Site:
    """What one proxy stands between. `name` is nginx, haproxy, onehop, ... and perhaps a dash and
    what makes this one special, such as nginx-large."""
    name: str
    directory: str
    routes: dict                   # prefix of a path -> replicas; the longest one wins
    descriptors: int
    connections: int               # that it may have, of clients and to origins together
    plain: Optional[tuple] = None  # where it listens for HTTP/1.1,
    h2: Optional[tuple] = None     # for HTTP/2 without TLS (onehop takes both on `plain`)
    tls: Optional[tuple] = None    # and for either over TLS
    admin: Optional[tuple] = None  # onehop's endpoint
    control: bool = False          # whether it has a socket for commands, too
    workers: int = 1               # of onehop
    certificate: Optional[Certificate] = None
    balance: str = "round_robin"
    h2_upstream: bool = False      # HTTP/2 without TLS to the replicas
    limits: Optional[Limits] = None
    single: bool = False           # one process, which a profiler or a limit is put around
    # As an operator who has read the manual exposes it to the world: limits at their defaults, one
    # host, client certificates asked for. What a default lets through is what is measured then.
    exposed: bool = False

    @property
    def special(self):
        return self.name.partition("-")[2]

    @property
    def control_path(self):
        return os.path.join(self.directory, "control")

    @property
    def ordered(self):
        """(what the upstream is called, prefix, replicas), the longest prefix first."""
        return [(prefix.strip("/").replace("/", "-") or "app", prefix, replicas)
                for prefix, replicas in sorted(self.routes.items(), key=lambda one: -len(one[0]))]

    @property
    def host(self):
        """The one that is served, where it is only one."""
        return self.plain[0]


def text(address):
    return f"{address[0]}:{address[1]}"


def lines(*parts):
    """Those that are not None; lists among them are taken apart."""
    found = []
    for part in parts:
        found += part if isinstance(part, list) else [] if part is None else [part]
    return "\n".join(found) + "\n"


# --- nginx ---------------------------------------------------------------------------------------


NGINX = """\
{user}worker_processes 1;
{descriptors}pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
{master}events {{ worker_connections {connections}; }}
http {{
{http}
{temp_paths}
}}
"""
TEMP_PATHS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
# Debian's /etc/nginx/nginx.conf with the one line that makes it a proxy. Of what is installed, only
# the number of workers, the places of files and the limit on bodies (1 MiB uploads) are changed.
NGINX_AS_INSTALLED = """\
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  access_log {directory}/access.log;
  gzip on;
  client_max_body_size 0;"""
NGINX_QUIET = """\
  access_log off;
  tcp_nodelay on;"""
# Of a request what both proxies know, under the names that onehop has for it.
NGINX_LOGGING = """\
  log_format lines escape=json '{{"time":"$time_iso8601","client":"$remote_addr",'
    '"method":"$request_method","host":"$http_host","path":"$uri","query":"$args",'
    '"protocol":"$server_protocol","status":$status,"request_bytes":"$content_length",'
    '"response_bytes":$body_bytes_sent,"route":"$proxy_host","endpoint":"$upstream_addr",'
    '"total":$request_time,"connect":"$upstream_connect_time",'
    '"response_wait":"$upstream_header_time","response":"$upstream_response_time",'
    '"request_id":"$request_id","tls_version":"$ssl_protocol","tls_reused":"$ssl_session_reused",'
    '"traceparent":"$http_traceparent","referer":"$http_referer","user_agent":"$http_user_agent"}}';
  access_log {directory}/access.log lines buffer=64k;
  tcp_nodelay on;"""
NGINX_UNLIMITED = """\
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_header_timeout 300s;
  client_max_body_size 0;"""
NGINX_REUSE = """\
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_request_buffering off;"""
NGINX_LARGE_BUFFERS = """\
    proxy_buffer_size 64k;
    proxy_buffers 16 64k;
    proxy_busy_buffers_size 128k;
    client_body_buffer_size 64k;"""
NGINX_ONE_SUITE = f"""\
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites {SUITE};
    ssl_ecdh_curve {GROUP};
    ssl_session_tickets on;"""


def nginx(site):
    stock = site.special == "stock"
    log = NGINX_LOGGING.format(directory=site.directory)
    common = lines(log if site.special == "logging" else NGINX_QUIET,
                   None if site.exposed else NGINX_UNLIMITED)
    if stock:
        common = NGINX_AS_INSTALLED.format(directory=site.directory) + "\n"
    return nginx_file(site, common + _nginx_upstreams(site, stock) + _nginx_servers(site, stock),
                      768 if stock else site.connections)


def nginx_file(site, http, connections):
    """Its file around what stands in `http`."""
    paths = "\n".join(f"  {kind}_temp_path {site.directory}/{kind};" for kind in TEMP_PATHS)
    stock = site.special == "stock"
    return NGINX.format(
        user=_nginx_user(), directory=site.directory, http=http.rstrip("\n"), temp_paths=paths,
        descriptors="" if stock else f"worker_rlimit_nofile {site.descriptors};\n",
        master="master_process off;\n" if site.single else "", connections=connections)


def _nginx_user():
    """Workers of a root's nginx get Debian's user; without root the directive means nothing."""
    if os.geteuid() != 0:
        return ""
    try:
        return f"user {pwd.getpwnam('www-data').pw_name};\n"
    except KeyError:
        return "user nobody;\n"


def _nginx_upstreams(site, stock):
    """As installed there is a group only where several replicas need one. By default one failure
    sets a replica aside for ten seconds; where it is tuned it is not."""
    patience = "" if stock or site.exposed else " max_fails=0"
    found = ""
    for name, _, replicas in site.ordered:
        if stock and len(replicas) == 1:
            continue
        found += lines(
            f"  upstream {name} {{",
            "    least_conn;" if site.balance == "least_requests" else None,
            [f"    server {text(one)}{patience};" for one in replicas],
            None if stock else f"    keepalive {POOL};",
            None if stock or site.exposed else "    keepalive_requests 1000000000;", "  }")
    return found


def _nginx_servers(site, stock):
    def place(name, replicas):
        return text(replicas[0]) if stock and len(replicas) == 1 else name

    special = (" deferred" if site.special == "deferred" else "") + (
        "" if stock or site.exposed else " backlog=4096")
    return lines(
        ["  server {", f"    listen {text(site.plain)} backlog=4096 default_server;",
         "    return 404;", "  }"] if site.exposed else None,
        "  server {",
        f"    listen {text(site.plain)}{special};" if site.plain else None,
        f"    listen {text(site.h2)} http2;" if site.h2 else None,
        f"    listen {text(site.tls)} ssl http2{special};" if site.tls else None,
        f"    server_name {site.host};" if site.exposed else None,
        [f"    ssl_certificate {site.certificate.chain};",
         f"    ssl_certificate_key {site.certificate.key};"] if site.tls else None,
        NGINX_ONE_SUITE if site.tls and not site.exposed else None,
        ["    ssl_verify_client optional;",
         f"    ssl_client_certificate {site.certificate.chain};",
         "    proxy_set_header X-Client-Subject $ssl_client_s_dn;"] if site.exposed else None,
        None if stock else NGINX_REUSE,
        None if stock or site.exposed else "    proxy_max_temp_file_size 0;",
        NGINX_LARGE_BUFFERS if site.special == "large" else None,
        [f"    location {prefix} {{ proxy_pass http://{place(name, replicas)}; }}"
         for name, prefix, replicas in site.ordered],
        "  }")


def nginx_origin(site, answer):
    """An nginx that is no proxy but the origin, for HTTP/1.1 on `plain` and HTTP/2 on `h2`;
    `answer` is what stands in its server."""
    return nginx_file(site, lines(
        NGINX_QUIET, NGINX_UNLIMITED, "  server {", f"    listen {text(site.plain)};",
        f"    listen {text(site.h2)} http2;", f"    {answer}", "  }"), site.connections)


# --- HAProxy -------------------------------------------------------------------------------------


HAPROXY_SUBJECT = "  http-request set-header X-Client-Subject %[ssl_c_s_dn]"
HAPROXY_TLS = f"""\
  ssl-default-bind-ciphersuites {SUITE}
  ssl-default-bind-options ssl-min-ver TLSv1.3"""
# What is turned away says when to come again, whether there was no room or its time was over.
HAPROXY_LIMITS = """\
  timeout queue {limits.wait_ms}ms
  http-error status 503 content-type text/plain string "busy" hdr Retry-After 1
  http-request return status 503 content-type text/plain string "busy" hdr Retry-After 1 \
if {{ queue({name}) ge {limits.waiting} }}"""


def haproxy(site):
    """Under a limit of descriptors it takes what that allows. "no strict-limits": it wants two
    descriptors for each of maxconn, an idle client needs but one."""
    tcp, deferred = site.special == "tcp", site.special == "deferred"
    unlimited = not (site.exposed and site.single)
    most = f"  maxconn {site.connections}" if unlimited else None
    patience = "60s" if site.exposed else "300s"
    http_patience = [f"  timeout http-request {patience}", f"  timeout http-keep-alive {patience}"]
    tls = (f"crt {site.certificate.both} alpn h2,http/1.1 " + (
        f"ca-file {site.certificate.chain} verify optional" if site.exposed else f"curves {GROUP}")
        if site.tls else "")
    return lines(
        "global", "  nbthread 1", "  no strict-limits" if unlimited else None, most,
        "  tune.bufsize 65536" if site.special == "large" else None,
        HAPROXY_TLS if site.tls and not site.exposed else None,
        "defaults", f"  mode {'tcp' if tcp else 'http'}", None if site.exposed else most,
        "  timeout connect 5s", f"  timeout client {patience}", f"  timeout server {patience}",
        None if tcp or site.exposed else http_patience,
        "frontend in",
        f"  bind {text(site.plain)} backlog 4096{' defer-accept' if deferred else ''}"
        if site.plain else None,
        f"  bind {text(site.h2)} proto h2" if site.h2 else None,
        f"  bind {text(site.tls)} backlog 4096 ssl {tls}" if site.tls else None,
        [f"  http-request return status 404 unless {{ req.hdr(host) -m beg {site.host} }}",
         HAPROXY_SUBJECT] if site.exposed else None,
        [_haproxy_choice(site, name, prefix) for name, prefix, _ in site.ordered],
        *(_haproxy_backend(site, name, replicas, tcp) for name, _, replicas in site.ordered))


def _haproxy_choice(site, name, prefix):
    if prefix == "/":
        return f"  default_backend {name}"
    whole = f"{{ path_beg {prefix} }}" if site.exposed else (
        f"{{ path {prefix} }} || {{ path_beg {prefix}/ }}")
    return f"  use_backend {name} if {whole}"


def _haproxy_backend(site, name, replicas, tcp):
    limits = site.limits if site.exposed or site.special == "limited" else None
    more = (" proto h2" if site.h2_upstream else "") + (
        f" maxconn {limits.concurrent}" if limits and limits.concurrent else "")
    algorithm = "leastconn" if site.balance == "least_requests" else "roundrobin"
    found = [f"backend {name}"]
    if len(replicas) > 1:
        found.append(f"  balance {algorithm}")
    if not tcp:
        found.append("  http-reuse always")
    if limits and limits.waiting is not None:
        found.append(HAPROXY_LIMITS.format(name=name, limits=limits))
    return found + [f"  server origin{number} {text(one)}{more}"
                    for number, one in enumerate(replicas, 1)]


# --- onehop --------------------------------------------------------------------------------------


def onehop(site):
    certificate, deferred = site.certificate, site.special == "deferred"
    return lines(
        "[server]", f"workers = {site.workers}",
        ["[[listener]]", f'address = "{text(site.plain)}"'] if site.plain else None,
        "defer_accept = true" if deferred else None,
        ["[[listener]]", f'address = "{text(site.tls)}"', "[listener.tls]",
         f'certificates = [{{ cert = "{certificate.chain}", key = "{certificate.key}" }}]'
         ] if site.tls else None,
        ['policy = "modern"', f'cipher_suites = "{SUITE}"'
         ] if site.tls and not site.exposed else None,
        ['client_certificates = "optional"', f'client_ca = "{certificate.chain}"',
         'client_subject_field = "X-Client-Subject"'] if site.exposed else None,
        *(_onehop_route(site, *one) for one in site.ordered),
        ["[admin]", f'listen = "{text(site.admin)}"'] if site.admin else None,
         f'control = "{site.control_path}"' if site.control else None,
         ["[log.access]", f'file = "{site.directory}/access.log"'
          ] if site.special == "logging" else None)


def _onehop_route(site, name, prefix, replicas):
    endpoints, limits = ", ".join(f'"{text(one)}"' for one in replicas), site.limits
    found = ["[[route]]", f'path = "{prefix}"', f'upstream = "{name}"']
    if site.exposed:
        found.append(f'host = "{site.host}"')
    found += [f'[upstream."{name}"]', f"endpoints = [{endpoints}]", f'balance = "{site.balance}"']
    if site.h2_upstream:
        found.append('protocol = "h2"')
    if limits:
        found.append(f"pool.max_connections = {limits.concurrent}")
    if limits and limits.waiting is not None:
        found += [f"pool.max_queue = {limits.waiting}",
                  f'pool.queue_timeout = "{limits.wait_ms}ms"']
    return found


# --- those of one upstream -----------------------------------------------------------------------


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


def caddy(site):
    policy = "least_conn" if site.balance == "least_requests" else "round_robin"
    return CADDY.format(host=site.plain[0], port=site.plain[1], policy=policy, pool=POOL,
                        to=" ".join(text(one) for one in site.routes["/"]))


def nghttpx(site):
    """Without "no-ocsp" it would run a script that asks the issuer."""
    def comma(address):
        return ",".join(map(str, address))

    return lines(
        f"frontend={comma(site.tls or site.plain)}{'' if site.tls else ';no-tls'}",
        [f"backend={comma(one)};;proto={'h2' if site.h2_upstream else 'http/1.1'}"
         for one in site.routes["/"]],
        "workers=1", "backlog=4096",
        [f"private-key-file={site.certificate.key}", f"certificate-file={site.certificate.chain}",
         "no-ocsp=yes", "tls-min-proto-version=TLSv1.3", "tls-max-proto-version=TLSv1.3",
         f"tls13-ciphers={SUITE}", f"ecdh-curves={GROUP}"] if site.tls else None,
        f"pid-file={site.directory}/nghttpx.pid", f"rlimit-nofile={site.descriptors}",
        [f"{which}=300s" for which in (
            "frontend-http2-read-timeout", "frontend-read-timeout", "frontend-keep-alive-timeout",
            "backend-keep-alive-timeout")])


def envoy(site):
    """One listener, one HTTP connection manager, one cluster. Its default limits of 1,024
    connections and requests are raised, as they would fail requests that the others take."""
    def socket_address(one):
        return {"address": {"socket_address": {"address": one[0], "port_value": one[1]}}}

    most = site.connections
    types = "type.googleapis.com/envoy.extensions"
    router = {"name": "envoy.filters.http.router",
              "typed_config": {"@type": f"{types}.filters.http.router.v3.Router"}}
    manager = {
        "@type": f"{types}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in", "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": "app", "timeout": "0s"}}]}]}}
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager",
                          "typed_config": manager}]}
    if site.tls:  # suites of TLS 1.3 cannot be chosen there
        chain["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": f"{types}.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_3",
                               "tls_maximum_protocol_version": "TLSv1_3", "ecdh_curves": [GROUP]},
                "tls_certificates": [{
                    "certificate_chain": {"filename": site.certificate.chain},
                    "private_key": {"filename": site.certificate.key}}]}}}
    listener = {"name": "in", **socket_address(site.tls or site.plain), "tcp_backlog_size": 4096,
                "filter_chains": [chain]}
    endpoints = [{"endpoint": socket_address(one)} for one in site.routes["/"]]
    cluster = {
        "name": "app", "type": "STATIC", "connect_timeout": "5s", **_envoy_balance(site.balance),
        "circuit_breakers": {"thresholds": [{
            "max_connections": most, "max_pending_requests": most, "max_requests": most}]},
        "load_assignment": {"cluster_name": "app", "endpoints": [{"lb_endpoints": endpoints}]}}
    return json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}},
                      indent=1) + "\n"


def _envoy_balance(balance):
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


# --- the command ---------------------------------------------------------------------------------


FILES = {"nginx": nginx, "haproxy": haproxy, "onehop": onehop, "caddy": caddy, "nghttpx": nghttpx,
         "envoy": envoy}
ONE_UPSTREAM = ("caddy", "nghttpx", "envoy", "floor")


def write(site, content, name="proxy.conf"):
    path = os.path.join(site.directory, name)
    with open(path, "w") as file:
        file.write(content)
    return path


def command(site, program, arguments=()):
    """Writes the file of the site's proxy; what starts it, and what stands in the file. `arguments`
    are more of `onehop proxy`, which then takes the place of a file."""
    kind = site.name.partition("-")[0]
    if kind == "floor":
        secured = ["--certificate", site.certificate.chain, "--key", site.certificate.key
                   ] if site.tls else []
        return [program, "--listen", text(site.tls or site.plain), "--to",
                text(site.routes["/"][0]), *secured], ""
    if kind == "onehop" and arguments:
        to = [word for one in site.routes["/"] for word in ("--to", text(one))]
        admin = ["--admin", text(site.admin)] if site.admin else []
        return [program, "proxy", "--listen", text(site.plain), "--workers", "1", *to, *admin,
                *arguments], ""
    content = FILES[kind](site)
    path = write(site, content, "envoy.json" if kind == "envoy" else "proxy.conf")
    return {
        "nginx": [program, "-p", site.directory, "-c", path, "-g", "daemon off;"],
        "haproxy": [program, "-db", "-f", path],
        "onehop": [program, "run", "--config", path],
        "caddy": [program, "run", "--adapter", "caddyfile", "--config", path],
        "nghttpx": [program, f"--conf={path}"],
        "envoy": [program, "-c", path, "--concurrency", "1", "--disable-hot-restart",
                  "--log-level", "error"],
    }[kind], content
