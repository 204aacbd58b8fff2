# SPDX-License-Identifier: MIT
"""The configuration files of the proxies under attack, as functions of what differs.

The one idea: as an operator who has read the manual would write them, with the limits at their
defaults: what a default lets through is what is measured. Host 127.0.0.1 is served, "/admin" and
"/size" by upstreams of their own; other hosts get a 404 of the proxy's own. One listener is plain,
one has TLS and asks for client certificates; the peers need a third one for HTTP/2 without TLS.
"""
from lib import configurations
from lib.configurations import POOL, text

NGINX = """\
{user}worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
{master}
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  tcp_nodelay on;
{temp_paths}
  upstream app {{
    server {app};
    keepalive {pool};
  }}
  server {{
    listen {listen} backlog=4096 default_server;
    return 404;
  }}
  server {{
    listen {listen};
    listen {h2} http2;
    listen {tls} ssl http2;
    server_name 127.0.0.1;
    ssl_certificate {chain};
    ssl_certificate_key {key};
    ssl_verify_client optional;
    ssl_client_certificate {chain};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header X-Client-Subject $ssl_client_s_dn;
    proxy_request_buffering off;
    location / {{ proxy_pass http://app; }}
    location /admin {{ proxy_pass http://{guarded}; }}
    location /size {{ proxy_pass http://{large}; }}
  }}
}}
"""
HAPROXY = """\
global
  nbthread 1
{maxconn}defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind {listen} backlog 4096
  bind {h2} proto h2
  bind {tls} ssl crt {both} alpn h2,http/1.1 ca-file {chain} verify optional
  http-request return status 404 unless {{ req.hdr(host) -m beg 127.0.0.1 }}
  http-request set-header X-Client-Subject %[ssl_c_s_dn]
  use_backend guarded if {{ path_beg /admin }}
  use_backend large if {{ path_beg /size }}
  default_backend app
backend app
  http-reuse always
{servers}
backend guarded
  server guarded1 {guarded}
backend large
  server large1 {large}
"""
ONEHOP = """\
[server]
workers = 1

[[listener]]
address = "{listen}"

[[listener]]
address = "{tls}"

[listener.tls]
certificates = [{{ cert = "{chain}", key = "{key}" }}]
client_certificates = "optional"
client_ca = "{chain}"
client_subject_field = "X-Client-Subject"

[[route]]
host = "127.0.0.1"
path = "/"
upstream = "app"

[[route]]
host = "127.0.0.1"
path = "/admin"
upstream = "guarded"

[[route]]
host = "127.0.0.1"
path = "/size"
upstream = "large"

[upstream.app]
endpoints = [{endpoints}]
{protocol}
[upstream.app.pool]
max_connections = {most}

[upstream.guarded]
endpoints = ["{guarded}"]

[upstream.large]
endpoints = ["{large}"]

[admin]
listen = "{admin}"
"""


def nginx(directory, place, certificate, settings, single):
    """It has no queue before an upstream, so `place.most` says nothing to it."""
    paths = "\n".join(f"  {kind}_temp_path {directory}/{kind};"
                      for kind in configurations.NGINX_TEMP_PATHS)
    return NGINX.format(
        user=configurations.nginx_user(), directory=directory, temp_paths=paths, pool=POOL,
        master="master_process off;" if single else "", descriptors=settings.descriptors,
        connections=settings.proxy_connections, app=text(place.app[0]),
        guarded=text(place.guarded), large=text(place.large), listen=text(place.listen),
        h2=text(place.h2), tls=text(place.tls), chain=certificate.chain, key=certificate.key)


def haproxy(place, certificate, settings, limited):
    """Without `maxconn` it takes what the limit of descriptors allows."""
    protocol = " proto h2" if place.h2_upstream else ""
    most = f" maxconn {place.most}" if place.most else ""
    servers = "\n".join(f"  server app{number} {text(one)}{protocol}{most}"
                        for number, one in enumerate(place.app, 1))
    return HAPROXY.format(
        maxconn="" if limited else f"  no strict-limits\n  maxconn {settings.proxy_connections}\n",
        listen=text(place.listen), h2=text(place.h2), tls=text(place.tls), servers=servers,
        guarded=text(place.guarded), large=text(place.large), both=certificate.both,
        chain=certificate.chain)


def onehop(place, certificate, admin):
    return ONEHOP.format(
        listen=text(place.listen), tls=text(place.tls), chain=certificate.chain,
        key=certificate.key, endpoints=", ".join(f'"{text(one)}"' for one in place.app),
        protocol='protocol = "h2"\n' if place.h2_upstream else "", most=place.most or 0,
        guarded=text(place.guarded),
        large=text(place.large), admin=text(admin))
