// SPDX-License-Identifier: MIT
// The one declaration of the configuration file: for every field its key, the member behind it, the
// rule its values obey (rules.h) and a line that says what it is and why the default is what it is.
//
// The idea: `describe(visitor, structure)` hands every field to the visitor in the file's order.
// The loader, check(), to_toml(), to_json() and the test over docs/configuration.md are five
// visitors of this file, so a key that is added here is read, checked, printed and missed in the
// document.
//
// A visitor has
//   value(key, member, rule, why)        one key; the rule's type says the kind of value
//   table(key, member, why)              [server.limits]
//   optional_table(key, member, given, why)  [admin]: `given` is what it holds by default where the
//                                        file has the table; without it the member is T{}, which
//                                        says the table is not there
//   tables(key, members, why)            [[listener]]
//   named_tables(key, members, why)      [upstream.NAME]; each member keeps its NAME in `name`
//   entries(key, members, rule, why)     an inline list of tables
// and sees a const structure when it only reads. Keys and `why` are literals and live for ever.
#pragma once

#include "onehop/config/schema_operation.h"
#include "onehop/config/schema_terms.h"

namespace onehop::config {

// --- The file, in its order ----------------------------------------------------------------------

template <class Visitor>
void describe(Visitor& visit, Some<Limits> auto& limits) {
  visit.value("request_line", limits.request_line, Bytes{256, kMiB},
              "A longer request line is answered 414. Browsers and servers agree on about 8 KiB.");
  visit.value("request_head", limits.request_head, Bytes{limits.request_line, kMiB, "request_line"},
              "A larger request head is answered 431. It bounds memory per client; cookies fit.");
  visit.value(
      "head_fields", limits.head_fields, Count{1, 1000},
      "More fields in a head are answered 431 (in a response: 502). Real ones have 10 to 40.");
  visit.value("request_body", limits.request_body, Bytes{0, kTiB},
              "A request body with more bytes than this is answered 413. 0 is no limit: bodies are "
              "passed on as they come, so even large ones need little memory.");
  visit.value(
      "response_head", limits.response_head, Bytes{kKiB, kMiB},
      "A larger response head is a 502. Applications set large cookies, hence twice as much.");
  visit.value("connections", limits.connections, Count{0, 10'000'000},
              "Open client connections, shared out among the workers, 1 or more each; 0: by the "
              "open file limit.");
  visit.value("buffered_per_stream", limits.buffered_per_stream, Bytes{4 * kKiB, kGiB},
              "What may wait on a stream that its client does not take; then its sender waits.");
  visit.value("buffered_per_connection", limits.buffered_per_connection, Bytes{0, kGiB},
              "The same for all streams of a connection of HTTP/2; 0 is no limit.");
  visit.value("buffered_per_client", limits.buffered_per_client, Bytes{0, kTiB},
              "The same for all connections of an address, but trusted ones, in each worker; 0: no "
              "limit.");
  visit.value(
      "buffered", limits.buffered, Bytes{0, kTiB},
      "Memory of all buffers. From half of it on reads are small; past it clients for whom bytes "
      "wait are cut off: those that have taken nothing for 2 s first, then the largest; 0: no "
      "limit.");
}

template <class Visitor>
void describe(Visitor& visit, Some<DownstreamTimeouts> auto& timeouts) {
  visit.value("request_head", timeouts.request_head, Time{milliseconds(0), kDay},
              "Total for a request head, so trickling does not stretch it; then 408.");
  visit.value("request_body", timeouts.request_body, Time{milliseconds(0), kDay},
              "A client may take so long to send a request body, and longer only if it averages "
              "request_body_min_rate; else it is answered 408.");
  visit.value("request_body_min_rate", timeouts.request_body_min_rate, Rate{{1, kGiB}},
              "Bytes per second that a body must average past its grace. Slow phones manage 500.");
  visit.value("request_body_idle", timeouts.request_body_idle, Time{milliseconds(0), kDay},
              "Pause of a body without a length, such as a push, a pipe or gRPC; then 408.");
  visit.value(
      "idle", timeouts.idle, Time{milliseconds(0), kDay},
      "Wait for the next request of a connection; closed without an answer, as clients expect.");
  visit.value("write_stall", timeouts.write_stall, Time{milliseconds(0), kDay},
              "A client that takes nothing of its response for so long is cut off.");
  visit.value("write_min_rate", timeouts.write_min_rate, Rate{{0, kGiB}},
              "Bytes per second that a slow reader must average past write_stall; 0B: any byte.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Http2> auto& http2) {
  visit.value("streams", http2.streams, Count{1, 10'000},
              "Requests a client may have open on a connection. RFC 9113 asks for 100 or more.");
  visit.value("stream_window", http2.stream_window, Bytes{16 * kKiB, 16 * kMiB},
              "What a client may send ahead on a stream whose reader falls behind, or is new.");
  visit.value("max_stream_window", http2.max_stream_window,
              Bytes{http2.stream_window, 64 * kMiB, "stream_window"},
              "How far that grows while the reader keeps up: speed on long ways, as h1 has it.");
  visit.value("reset_burst", http2.reset_burst, Count{1, 1'000'000},
              "Streams a client may reset, or make onehop reset, at once; then it is cut off.");
  visit.value("resets_per_second", http2.resets_per_second, Count{1, 1'000'000},
              "What it earns back of that each second. Browsers reset few; attacks live on it.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Paths> auto& paths) {
  visit.value("doubled_slashes", paths.doubled_slashes, Choice<DoubledSlashes>{},
              "keep: as sent, unless another route would match without them; then merged.");
  visit.value("encoded_slashes", paths.encoded_slashes, Choice<EncodedSlashes>{},
              "%2F and %5C. keep: as sent, unless slashes would lead to another route; then 400.");
  visit.value("forward", paths.forward, Choice<ForwardedPath>{},
              "normal: endpoints get the path that routes see. as_sent: what the client wrote.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Dns> auto& dns) {
  visit.value("servers", dns.servers, Text::name_server,
              "Name servers to ask. Empty: those of /etc/resolv.conf.");
  visit.value("min_ttl", dns.min_ttl, Time{milliseconds(100), kHour},
              "A name is not looked up more often than this, whatever its TTL says.");
  visit.value("max_ttl", dns.max_ttl, Time{dns.min_ttl, kDay},
              "And no less often: a replica that moved is found within it.");
  visit.value("timeout", dns.timeout, Time{milliseconds(10), kMinute},
              "For a first answer; what is asked again waits longer.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Server> auto& server) {
  visit.value("workers", server.workers, Count{0, 1024, "auto"},
              "Threads, each with its own event loop and pools; \"auto\" is one per CPU.");
  visit.value("drain_delay", server.drain_delay, Time{milliseconds(0), kHour},
              "How long a stop goes on serving while /readyz answers 503, so that balancers in "
              "front take notice; then it drains.");
  visit.value("drain", server.drain, Time{milliseconds(0), kHour},
              "How long a stop waits for what is in flight: as long as orchestrators commonly do.");
  visit.value("drain_idle", server.drain_idle, Time{milliseconds(0), kMinute},
              "How long a stop keeps idle client connections, for a request already on its way.");
  visit.value("trusted_proxies", server.trusted_proxies, Text::block,
              "Peers whose forwarded fields are believed. Empty: anybody could claim any address.");
  visit.value(
      "identity_fields", server.identity_fields, Text::identity_field,
      "Request fields in which your applications read who a client is, beside the built-in ones; "
      "removed unless a peer in trusted_proxies sent them.");
  visit.value("via", server.via, Choice<Via>{},
              "Where Via is written. nginx, for one, does not compress what it gets with it.");
  visit.value("request_id", server.request_id, Flag{},
              "X-Request-Id in responses, and in error pages: what to look for in logs.");
  visit.table("limits", server.limits, "Limits on what clients and upstreams send.");
  visit.table("timeouts", server.timeouts, "The client side. 0s switches a timeout off.");
  visit.table("http2", server.http2, "HTTP/2 with clients, on every listener.");
  visit.table("paths", server.paths, "Which spellings of a path are one.");
  visit.table("dns", server.dns, "How names of endpoints are looked up.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Certificate> auto& certificate) {
  visit.value("cert", certificate.cert, Text::file,
              "PEM: the server's certificate, then its chain. Its names say whom it serves.");
  visit.value(
      "key", certificate.key, Text::file,
      "PEM: the private key of the certificate in cert. Only onehop's user should be able to "
      "read the file.");
  visit.value("ocsp", certificate.ocsp, Text::optional_file,
              "DER: a response of its authority, which is stapled while it is valid.");
}

template <class Visitor>
void describe(Visitor& visit, Some<ListenerTls> auto& tls) {
  visit.entries("certificates", tls.certificates,
                Entries<Certificate>{"certificate", nullptr,
                                     Certificate{"tls/example.org.pem", "tls/example.org.key", ""}},
                "Chosen by the name a client asks for. The first serves all other names.");
  visit.value("policy", tls.policy, Choice<TlsPolicy>{},
              "Mozilla's: intermediate is TLS 1.2 and 1.3 for all clients of today, modern 1.3.");
  visit.value("ciphers", tls.ciphers, Text::ciphers,
              "Of TLS 1.2, in place of the policy's. Few have a reason to choose themselves.");
  visit.value("cipher_suites", tls.cipher_suites, Text::ciphers,
              "Of TLS 1.3, in place of the policy's.");
  visit.value("client_certificates", tls.client_certificates, Choice<ClientCertificates>{},
              "Whether clients are asked for a certificate, and refused when they have none.");
  visit.value("client_ca", tls.client_ca, Text::optional_file,
              "PEM: the authorities that client certificates must come from.");
  visit.value(
      "client_crl", tls.client_crl, Text::optional_file,
      "PEM: the revocation lists of the authorities in client_ca, one of each. A client whose "
      "certificate is on its authority's list is refused.");
  visit.value("client_subject_field", tls.client_subject_field, Text::field,
              "Carries the verified subject (RFC 4514) upstream; taken out of what clients send.");
  visit.value("client_fingerprint_field", tls.client_fingerprint_field, Text::field,
              "The same for its SHA-256 fingerprint, which is another for each certificate.");
  visit.value("session_tickets", tls.session_tickets, Flag{},
              "Clients that come back resume, which spares both sides most of a handshake.");
  visit.value("ticket_rotation", tls.ticket_rotation, Time{kSecond, kWeek},
              "When a new key encrypts tickets. Who steals one can read what it has encrypted.");
  visit.value("handshake_timeout", tls.handshake_timeout, Time{kTick, kHour},
              "For a whole handshake. It covers slow phones, and ends who never finishes one.");
  visit.value("handshake_rate", tls.handshake_rate, Count{0, 1'000'000},
              "Handshakes a second, shared out among the workers, against floods; 0 is no limit.");
  visit.value(
      "reload_interval", tls.reload_interval, Time{milliseconds(0), kDay},
      "How often changed files are looked for: a renewed certificate needs no restart; 0s: never.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Listener> auto& listener) {
  visit.value("address", listener.address, Text::listen_address,
              "Where clients connect; port 0 lets the kernel choose.");
  visit.value(
      "backlog", listener.backlog, Count{1, 65535},
      "Connections that may wait to be accepted. The kernel caps it at net.core.somaxconn.");
  visit.value(
      "defer_accept", listener.defer_accept, Flag{},
      "Accept a client with its first bytes: cheaper, but whoever only connects is not seen.");
  visit.value(
      "half_close", listener.half_close, Choice<HalfClose>{},
      "A client closes its sending side (FIN) before it has its response. cancel: taken as having "
      "left, its request is stopped; serve: it still gets the response.");
  visit.value("http2", listener.http2, Flag{},
              "HTTP/2 beside HTTP/1.1: by ALPN over TLS, else to clients that begin with it.");
  visit.value("targets", listener.targets, Choice<Targets>{},
              "Raw bytes outside ASCII in a path or query: strict is 400, lenient passes them on.");
  visit.value("forwarded", listener.forwarded, Text::forwarded_form,
              "In which forms endpoints learn who the client is. What is not listed is not sent.");
  visit.value(
      "redirect_to_https", listener.redirect_to_https, Count{0, 65535},
      "Without TLS: every answer is a redirect to https at this port, such as 443; 0: none.");
  visit.value(
      "hsts_max_age", listener.hsts_max_age, Time{milliseconds(0), kTwoYears, kSecond},
      "With TLS: how long browsers keep to https, which they do not forget; 0s asks for nothing.");
  visit.value("hsts_subdomains", listener.hsts_subdomains, Flag{},
              "And for all names below, each of which must have https then.");
  visit.optional_table("tls", listener.tls, ListenerTls{},
                       "TLS with clients. Without this table: none.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Route> auto& route) {
  visit.value("host", route.host, Text::host, "Empty for any host. Letter case does not matter.");
  visit.value("path", route.path, Text::path,
              "A prefix ends at a path segment: /api is not /apix.");
  visit.value("match", route.match, Choice<PathMatch>{},
              "Whether the path begins the request's path or is all of it.");
  visit.value("upstream", route.upstream, Text::upstream, "Where matching requests go.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Endpoint> auto& endpoint) {
  visit.value("address", endpoint.address, Text::endpoint_address,
              "One replica, or a name: all its addresses; srv:NAME: its SRV records.");
  visit.value("weight", endpoint.weight, Count{1, 1000},
              "Its share of the requests, relative to the other endpoints.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Pool> auto& pool) {
  visit.value("reuse", pool.reuse, Flag{},
              "Keep connections for further requests; false opens one each, for comparisons.");
  visit.value(
      "max_idle", pool.max_idle, Count{0, 65535},
      "Idle connections kept per endpoint and worker: enough for a burst, few for the app.");
  visit.value(
      "idle_timeout", pool.idle_timeout, Time{kTick, kDay},
      "Idle connections are closed after it. App servers close theirs after 5 s; be first.");
  visit.value(
      "keep_alive_margin", pool.keep_alive_margin, Time{milliseconds(0), kMinute},
      "Taken off an upstream's Keep-Alive timeout, because a request takes time to arrive.");
  visit.value("max_requests", pool.max_requests, Count{0, 1'000'000'000},
              "Requests per connection; 0 is no limit. Spreads load again after a change.");
  visit.value("max_age", pool.max_age, Time{milliseconds(0), kWeek},
              "Age of a connection, +-20 % so that they do not all end at once; 0s is no limit.");
  visit.value("max_connections", pool.max_connections, Count{0, 1'000'000},
              "Per endpoint, shared out among the workers, 1 or more each (so never below "
              "workers); 0: no limit.");
  visit.value(
      "max_queue", pool.max_queue, Count{0, 1'000'000},
      "Requests per endpoint and worker that may wait for a connection; more are answered 503.");
  visit.value(
      "queue_timeout", pool.queue_timeout, Time{kTick, kHour},
      "How long a request may wait for a connection; then 503, while the client still cares.");
}

template <class Visitor>
void describe(Visitor& visit, Some<UpstreamTimeouts> auto& timeouts) {
  visit.value(
      "connect", timeouts.connect, Time{milliseconds(0), kHour},
      "For one endpoint, without TLS. A lost SYN is sent again after 1 s, so 2 s covers one.");
  visit.value(
      "response_head", timeouts.response_head, Time{milliseconds(0), kDay},
      "From the request written to the response head; then 504. As long as slow pages take.");
  visit.value("response_idle", timeouts.response_idle, Time{milliseconds(0), kDay},
              "Between two reads of a response body; then the response is aborted.");
  visit.value("request", timeouts.request, Time{milliseconds(0), kDay},
              "The whole exchange; then 504, or an abort. Off: long downloads are no mistake.");
  visit.value("tunnel_idle", timeouts.tunnel_idle, Time{milliseconds(0), kWeek},
              "An upgraded connection without a byte either way. WebSockets are quiet for long.");
  visit.value("tcp_user_timeout", timeouts.tcp_user_timeout, Time{milliseconds(0), kDay},
              "Sent bytes that the endpoint's host does not take for so long end the connection.");
  visit.value(
      "tcp_keepalive", timeouts.tcp_keepalive, Time{milliseconds(0), kDay, kSecond},
      "The kernel probes a connection that is quiet for so long: finds hosts that vanished.");
  visit.value("http2_ping", timeouts.http2_ping, Time{milliseconds(0), kDay},
              "A PING after so long a silence; as long without an answer ends the connection.");
}

template <class Visitor>
void describe(Visitor& visit, Some<UpstreamHttp2> auto& http2) {
  visit.value("stream_window", http2.stream_window, Bytes{16 * kKiB, 16 * kMiB},
              "What an endpoint may send ahead on a stream whose reader falls behind, or is new.");
  visit.value("max_stream_window", http2.max_stream_window,
              Bytes{http2.stream_window, 64 * kMiB, "stream_window"},
              "How far that grows while the reader keeps up: speed on long ways, as h1 has it.");
}

// [upstream.NAME.tls] without a key in it.
inline UpstreamTls switched_on() {
  UpstreamTls tls;
  tls.enabled = true;
  return tls;
}

template <class Visitor>
void describe(Visitor& visit, Some<UpstreamTls> auto& tls) {
  visit.value("ca", tls.ca, Text::optional_file,
              "PEM: the authorities to trust. Without it: those of the system.");
  visit.value("server_name", tls.server_name, Text::server_name,
              "Asked for and looked for in the certificate. Without it: the endpoint's own host.");
  visit.value("cert", tls.cert, Text::optional_file,
              "PEM: a client certificate, for upstreams that want one, then its chain.");
  visit.value("key", tls.key, Text::optional_file,
              "PEM: the private key of the client certificate in cert.");
  visit.value("insecure_skip_verify", tls.insecure_skip_verify, Flag{},
              "true believes any certificate, so whoever is on the way can read. For tests.");
  visit.value(
      "handshake_timeout", tls.handshake_timeout, Time{kTick, kHour},
      "For a whole handshake, which begins when connected; then it is a failed connect, 504.");
  visit.value("reload_interval", tls.reload_interval, Time{milliseconds(0), kDay},
              "How often changed files are looked for; 0s: never.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Upstream> auto& upstream) {
  visit.entries("endpoints", upstream.endpoints,
                Entries<Endpoint>{"endpoint", &Endpoint::address, {}},
                "The replicas: \"HOST:PORT\", \"srv:NAME\", or a table with a weight.");
  visit.value("balance", upstream.balance, Choice<Balance>{},
              "Which endpoint is next: in turn by weight, or the one with the fewest in flight.");
  visit.value(
      "retries", upstream.retries, Count{0, 15},
      "Attempts beyond the first for one request, for all reasons together; 0: none, for any.");
  visit.value("protocol", upstream.protocol, Choice<UpstreamProtocol>{},
              "HTTP/1.1, HTTP/2, or what the server prefers, which only TLS can ask (ALPN).");
  visit.table("pool", upstream.pool, "Connections kept per endpoint and worker.");
  visit.table("timeouts", upstream.timeouts, "The upstream side. 0s switches a timeout off.");
  visit.table("http2", upstream.http2, "HTTP/2 with the endpoints.");
  visit.optional_table("tls", upstream.tls, switched_on(),
                       "TLS with the endpoints. Without this table: none.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Config> auto& config) {
  visit.table("server", config.server, "The process: threads, stopping, whom to believe.");
  visit.tables("listener", config.listeners, "An address that takes client connections.");
  visit.tables("route", config.routes, "Which requests go to which upstream.");
  visit.named_tables("upstream", config.upstreams, "A group of equal replicas.");
  visit.optional_table("admin", config.admin, Admin{"127.0.0.1:9900"},
                       "Statistics and health of the proxy itself. Without this table: off.");
  visit.table("log", config.log, "The operational log.");
}

}  // namespace onehop::config
