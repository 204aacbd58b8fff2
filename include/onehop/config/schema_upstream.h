// SPDX-License-Identifier: MIT
// The part of schema.h that is [upstream.NAME] and its tables.
#pragma once

#include "onehop/config/schema_terms.h"

namespace onehop::config {

template <class Visitor>
void describe(Visitor& visit, Some<Endpoint> auto& endpoint) {
  visit.value("address", endpoint.address, Text::endpoint_address,
              "One replica, or a name: all its addresses; srv:NAME: its SRV records.");
  visit.value("weight", endpoint.weight, Count{1, 1000},
              "Its share of the requests, relative to the other endpoints.");
  visit.value("priority", endpoint.priority, Count{0, 15},
              "Those of the lowest are used; the next ones where too few of them are healthy.");
  visit.value("backup", endpoint.backup, Flag{},
              "true: used where too few of all the others are healthy.");
  visit.value("zone", endpoint.zone, Text::zone,
              "Where it is: preferred where server.zone is the same. All of a name are in it.");
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
      "Taken off the time after which an upstream closes, as requests take time to arrive.");
  visit.value(
      "non_idempotent_max_idle", pool.non_idempotent_max_idle, Time{milliseconds(0), kDay},
      "A POST or PATCH takes no HTTP/1.1 connection that was idle for so long; 0s: a new one.");
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

// [upstream.NAME.sticky] without a key in it.
inline Sticky with_a_cookie() {
  Sticky sticky;
  sticky.enabled = true;
  return sticky;
}

template <class Visitor>
void describe(Visitor& visit, Some<Sticky> auto& sticky) {
  visit.value("cookie", sticky.cookie, Text::cookie,
              "The cookie's name. Without it: onehop_ and the name of the upstream.");
  visit.value("secret", sticky.secret, Text::token,
              "Signs its values, as in \"${STICKY_SECRET}\". Without it: one for each start.");
  visit.value("path", sticky.path, Text::cookie_path, "Where browsers send it: here and below.");
  visit.value("max_age", sticky.max_age, Time{milliseconds(0), kTwoYears, kSecond},
              "How long browsers keep it; 0s: until they are closed.");
  visit.value("same_site", sticky.same_site, Choice<SameSite>{},
              "Whether requests that other sites cause have it; \"none\", all, is for TLS alone.");
  visit.value("http_only", sticky.http_only, Flag{},
              "Scripts do not see it. Secure is said wherever the client came over TLS.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Ejection> auto& ejection) {
  visit.value("consecutive_failures", ejection.consecutive_failures, Count{0, 1'000'000},
              "So many in a row, of all workers together, eject an endpoint; 0: none do.");
  visit.value("failures", ejection.failures, Text::failure,
              "What counts as one: connect, reset, timeout, 502, 503, 504, 5xx.");
  visit.value("error_share", ejection.error_share, Share{},
              "So much more of its requests fail than of the others': ejected as well; 0: off.");
  visit.value("latency_factor", ejection.latency_factor, Count{0, 1000},
              "So many times the others' mean wait for a response: ejected as well; 0: off.");
  visit.value("min_requests", ejection.min_requests, Count{1, 1'000'000},
              "Within window, of the endpoint and of the others, before they are compared.");
  visit.value("window", ejection.window, Time{kSecond, kMinute, kSecond},
              "What is compared is of so long; once a second.");
  visit.value("time", ejection.time, Time{kTick, kHour},
              "How long the first ejection lasts, +-10 %. Each further one lasts twice as long.");
  visit.value("max_time", ejection.max_time, Time{kTick, kDay}, "And no longer than this.");
  visit.value("max_ejected", ejection.max_ejected, Share{.most = kMillion / 10 * 9},
              "Of the endpoints, at the same time: at least one, and never the last healthy one.");
}

// [upstream.NAME.health] without a key in it.
inline Health asked() {
  Health health;
  health.enabled = true;
  return health;
}

template <class Visitor>
void describe(Visitor& visit, Some<Health> auto& health) {
  visit.value("check", health.check, Choice<HealthCheck>{},
              "A request, a connection alone, or grpc.health.v1; over TLS where the upstream is.");
  visit.value("method", health.method, Text::method, "Of the request. HEAD spares the body.");
  visit.value("path", health.path, Text::request_path,
              "A page that says whether this replica can serve, and costs it little.");
  visit.value("host", health.host, Text::server_name, "\"\": the endpoint's own.");
  visit.value("status", health.status, Text::status, "What is well: classes or numbers.");
  visit.value("body", health.body, Text::any,
              "Is to be in the first 64 KiB of the body; \"\": anything will do.");
  visit.value("service", health.service, Text::any,
              "That grpc.health.v1 is asked for; \"\": the server as a whole.");
  visit.value("interval", health.interval, Time{milliseconds(10), kDay},
              "From one check to the next, +-10 %, so that they do not all come at once.");
  visit.value("unhealthy_interval", health.unhealthy_interval, Time{milliseconds(10), kDay},
              "The same after one that failed: news of its return is wanted soon.");
  visit.value("timeout", health.timeout, Time{kTick, kHour},
              "For all of a check; then it has failed. Far above what it takes under load.");
  visit.value("rise", health.rise, Count{1, 1000}, "So many in a row that pass: it is healthy.");
  visit.value("fall", health.fall, Count{1, 1000}, "So many in a row that fail: it is not.");
  visit.value("start", health.start, Choice<HealthStart>{},
              "checked: a new endpoint gets no request before its first check has passed.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Upstream> auto& upstream) {
  visit.value("endpoints_file", upstream.endpoints_file, Text::optional_file,
              "JSON or TOML with further ones, read again whenever it changes.");
  visit.entries(
      "endpoints", upstream.endpoints,
      Entries<Endpoint>{
          "endpoint", &Endpoint::address, {}, "endpoints_file", !upstream.endpoints_file.empty()},
      "The replicas: \"HOST:PORT\", \"srv:NAME\", \"unix:/path\", or a table with a "
      "weight.");
  visit.value("balance", upstream.balance, Choice<Balance>{},
              "Which endpoint is next: in turn, by load, by expected time, or by a key's hash.");
  visit.value(
      "hash_by", upstream.hash_by, Text::hash_key,
      "The key of ring_hash and maglev: one key, one endpoint, for as long as it is there.");
  visit.value(
      "hash_balance_factor", upstream.hash_balance_factor, Count{0, 1000},
      "The most in flight at one endpoint, in percent of its share; then the next. 0: no bound.");
  visit.value(
      "zone_spill_below", upstream.zone_spill_below, Count{0, 100},
      "Percent of server.zone's weight that must be left to stay in it; with less: all zones.");
  visit.value(
      "slow_start", upstream.slow_start, Time{milliseconds(0), kHour},
      "An endpoint that joins others gets its share of the requests little by little; 0s: off.");
  visit.value(
      "endpoint_drain", upstream.endpoint_drain, Time{milliseconds(0), kDay},
      "Of an endpoint that is gone, what is in flight is cut after it, tunnels too; 0s: at once.");
  visit.value("panic_threshold", upstream.panic_threshold, Share{},
              "Where less of the endpoints is healthy, all are used, as all is better than none.");
  visit.value("backup_threshold", upstream.backup_threshold, Share{},
              "Where less of those before is healthy, the next priority, then backups, join in.");
  visit.value(
      "retries", upstream.retries, Count{0, 15},
      "Attempts beyond the first for one request, for all reasons together; 0: none, for any.");
  visit.value(
      "retry_unseen", upstream.retry_unseen, Flag{},
      "A POST that the application provably did not see, as its connection had ended, goes again.");
  visit.value("protocol", upstream.protocol, Choice<UpstreamProtocol>{},
              "HTTP/1.1, HTTP/2, or what the server prefers, which only TLS can ask (ALPN).");
  visit.value("rate_limits", upstream.rate_limits, Text::rate_limit,
              "Names of [rate_limit.NAME] that a request must be within, whatever its route.");
  visit.value("proxy_protocol", upstream.proxy_protocol, Choice<ProxyProtocol>{},
              "Each connection begins with a PROXY header: its client's addresses. It is for that "
              "client alone.");
  visit.table("pool", upstream.pool, "Connections kept per endpoint and worker.");
  visit.table("timeouts", upstream.timeouts, "The upstream side. 0s switches a timeout off.");
  visit.table("http2", upstream.http2, "HTTP/2 with the endpoints.");
  visit.table("ejection", upstream.ejection, "Endpoints that fail requests get none for a while.");
  visit.optional_table(
      "health", upstream.health, asked(),
      "Endpoints are asked whether they are well. Without this table: they are not.");
  visit.optional_table("tls", upstream.tls, switched_on(),
                       "TLS with the endpoints. Without this table: none.");
  visit.optional_table("sticky", upstream.sticky, with_a_cookie(),
                       "Clients stay with an endpoint by a cookie. Without this table: they do "
                       "not.");
}

}  // namespace onehop::config
