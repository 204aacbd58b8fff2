# SPDX-License-Identifier: MIT
"""The configuration files of the proxies behind a TLS listener, as functions of what differs.

The one idea: as configurations.py, with one certificate, ALPN for both versions of HTTP, TLS 1.3
with one cipher suite and one group, tickets on, and HTTP/1.1 to the origin.
"""
import json

from lib import configurations
from lib.certificates import GROUP, SUITE
from lib.configurations import POOL, text

NGINX = """\
{user}worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_header_timeout 300s;
{temp_paths}
  upstream app {{
    server {to};
    keepalive {pool};
    keepalive_requests 1000000000;
  }}
  server {{
    listen {listen} ssl http2 backlog=4096;
    ssl_certificate {chain};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites {suite};
    ssl_ecdh_curve {group};
    ssl_session_tickets on;
    location / {{
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_max_temp_file_size 0;
    }}
  }}
}}
"""
HAPROXY = """\
global
  nbthread 1
  no strict-limits
  maxconn {connections}
  ssl-default-bind-ciphersuites {suite}
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  maxconn {connections}
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-request 300s
  timeout http-keep-alive 300s
frontend in
  bind {listen} backlog 4096 ssl crt {both} alpn h2,http/1.1 curves {group}
  default_backend app
backend app
  http-reuse always
  server origin1 {to}
"""
# Without "no-ocsp" it would run a script that asks the issuer.
NGHTTPX = """\
frontend={listen}
backend={to}
workers=1
backlog=4096
private-key-file={key}
certificate-file={chain}
no-ocsp=yes
tls-min-proto-version=TLSv1.3
tls-max-proto-version=TLSv1.3
tls13-ciphers={suite}
ecdh-curves={group}
pid-file={directory}/nghttpx.pid
rlimit-nofile={descriptors}
frontend-http2-read-timeout=300s
frontend-read-timeout=300s
frontend-keep-alive-timeout=300s
backend-keep-alive-timeout=300s
"""
ONEHOP = """\
[server]
workers = 1

[[listener]]
address = "{listen}"

[listener.tls]
certificates = [{{ cert = "{chain}", key = "{key}" }}]
policy = "modern"
cipher_suites = "{suite}"

[[route]]
path = "/"
upstream = "app"

[upstream.app]
endpoints = ["{to}"]

[admin]
listen = "{admin}"
"""


def nginx(directory, listen, to, certificate, settings):
    paths = "\n".join(f"  {kind}_temp_path {directory}/{kind};"
                      for kind in configurations.NGINX_TEMP_PATHS)
    return NGINX.format(
        user=configurations.nginx_user(), directory=directory, listen=text(listen), to=text(to),
        temp_paths=paths, pool=POOL, descriptors=settings.descriptors,
        connections=settings.proxy_connections, chain=certificate.chain, key=certificate.key,
        suite=SUITE, group=GROUP)


def haproxy(listen, to, certificate, settings):
    return HAPROXY.format(listen=text(listen), to=text(to), both=certificate.both, suite=SUITE,
                          group=GROUP, connections=settings.proxy_connections)


def nghttpx(directory, listen, to, certificate, settings):
    return NGHTTPX.format(
        directory=directory, listen=",".join(map(str, listen)), to=",".join(map(str, to)),
        chain=certificate.chain, key=certificate.key, suite=SUITE, group=GROUP,
        descriptors=settings.descriptors)


def onehop(listen, to, certificate, admin):
    return ONEHOP.format(listen=text(listen), to=text(to), chain=certificate.chain,
                         key=certificate.key, suite=SUITE, admin=text(admin) if admin else "")


def envoy(listen, to, certificate, settings):
    """As without TLS, with the listener's one filter chain behind it. Suites of TLS 1.3 cannot be
    chosen there."""
    made = json.loads(configurations.envoy(listen, [to], "round_robin", settings))
    chain = made["static_resources"]["listeners"][0]["filter_chains"][0]
    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    chain["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": kind, "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3",
                           "tls_maximum_protocol_version": "TLSv1_3", "ecdh_curves": [GROUP]},
            "tls_certificates": [{"certificate_chain": {"filename": certificate.chain},
                                  "private_key": {"filename": certificate.key}}]}}}
    return json.dumps(made, indent=1) + "\n"
