// SPDX-License-Identifier: MIT
// The part of config.h that is [upstream.NAME] and its tables.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "onehop/config/balancing.h"

namespace onehop::config {

constexpr uint32_t kMillion = 1'000'000;  // shares are kept in millionths

enum class ProxyProtocol : uint8_t { off, v1, v2 };
enum class UpstreamProtocol : uint8_t { h1, h2, automatic };  // automatic: by ALPN, over TLS
enum class HealthCheck : uint8_t { http, tcp, grpc };
enum class HealthStart : uint8_t { healthy, checked };  // what an endpoint is before its first one
// How an endpoint fails a request: no connection, no whole response, none in time, or that status.
enum class Failure : uint8_t { connect, reset, timeout, http_502, http_503, http_504, http_5xx };

// One entry of [upstream.NAME] endpoints: "HOST:PORT" or { address = "HOST:PORT", weight = N }.
struct Endpoint {
  std::string address;
  uint32_t weight = 1;    // 1 to 1000
  uint32_t priority = 0;  // 0 to 15; the lowest are used first
  bool backup = false;    // used after all that are none, whatever their priority
  std::string zone = {};  // where it is; "": nobody says

  bool operator==(const Endpoint&) const = default;
};

// [upstream.NAME.pool]
struct Pool {
  // False: a new connection for every request (for comparisons).
  bool reuse = true;
  uint32_t max_idle = 256;                      // idle connections kept per endpoint and worker
  milliseconds idle_timeout = seconds(4);       // app servers close theirs after 2 to 5 s
  milliseconds keep_alive_margin = seconds(1);  // taken off an upstream's `Keep-Alive: timeout=N`
  uint64_t max_requests = 10'000;               // per connection; 0 is no limit
  milliseconds max_age = seconds(600);          // +-20 % jitter; 0 is no limit
  // Per endpoint, shared out among the workers, at least one each; 0 is no limit.
  uint32_t max_connections = 0;
  // Requests per endpoint and worker that may wait for a connection; more: 503.
  uint32_t max_queue = 1024;
  milliseconds queue_timeout = seconds(1);  // how long one may wait; then 503
  // A request that must not be done twice takes no connection that was idle for so long.
  milliseconds non_idempotent_max_idle = seconds(1);

  bool operator==(const Pool&) const = default;
};

// [upstream.NAME.timeouts]. 0 switches one off.
struct UpstreamTimeouts {
  milliseconds connect = seconds(2);         // one endpoint; covers one lost SYN
  milliseconds response_head = seconds(60);  // from the request written to the response head; 504
  milliseconds response_idle = seconds(60);  // between two reads of a response body; aborts
  // The whole exchange; 504, or abort once the response began.
  milliseconds request = milliseconds(0);
  // An upgraded connection without a byte in either direction.
  milliseconds tunnel_idle = seconds(3600);
  // Sent data that the endpoint's host does not acknowledge, or has no room for (TCP_USER_TIMEOUT).
  milliseconds tcp_user_timeout = milliseconds(0);
  milliseconds tcp_keepalive = seconds(60);   // quiet for so long, then probed by the kernel
  milliseconds http2_ping = milliseconds(0);  // quiet for so long, then asked with a PING

  bool operator==(const UpstreamTimeouts&) const = default;
};

// [upstream.NAME.http2]: HTTP/2 with endpoints.
struct UpstreamHttp2 {
  // Bytes an endpoint may send ahead on one stream: at first, and once its reader has kept up.
  uint64_t stream_window = 64 * 1024;
  uint64_t max_stream_window = 4 * 1024 * 1024;

  bool operator==(const UpstreamHttp2&) const = default;
};

// [upstream.NAME.tls]
struct UpstreamTls {
  bool enabled = false;  // true where the file has the table
  std::string ca;        // a PEM file; "" is the system's store
  // Sent as SNI and looked for in the certificate; "" is the host of the endpoint's address.
  std::string server_name;
  std::string cert;  // a client certificate, PEM; "" is none
  std::string key;
  bool insecure_skip_verify = false;
  milliseconds handshake_timeout = seconds(5);
  milliseconds reload_interval = seconds(10);  // how often the files are looked at for a change

  bool operator==(const UpstreamTls&) const = default;
};

// [upstream.NAME.health]: endpoints are asked whether they are well. On where the table is.
struct Health {
  bool enabled = false;
  HealthCheck check = HealthCheck::http;
  std::string method = "GET";
  std::string path = "/";
  std::string host;                              // "" is the endpoint's own
  std::vector<std::string> status = {"2xx"};     // classes and numbers that are well
  std::string body;                              // is in the response's body; "" is not looked for
  std::string service;                           // of gRPC; "" is the server as a whole
  milliseconds interval = seconds(5);            // from one check to the next, +-10 %
  milliseconds unhealthy_interval = seconds(1);  // the same while the last one failed
  milliseconds timeout = seconds(2);
  uint32_t rise = 2;  // so many in a row that pass make an endpoint healthy
  uint32_t fall = 3;  // and so many that fail unhealthy
  HealthStart start = HealthStart::healthy;

  bool operator==(const Health&) const = default;
};

// [upstream.NAME.ejection]: endpoints that fail requests get none for a while.
struct Ejection {
  // So many failures in a row, of all workers together; 0: nobody is ejected for that.
  uint32_t consecutive_failures = 5;
  std::vector<std::string> failures = {"connect", "reset", "timeout"};  // what counts as one
  // By comparison with the other endpoints, once a second, over `window`, where an endpoint and
  // those others ended at least `min_requests` each.
  uint32_t error_share = kMillion / 2;  // so much more of its requests fail than of theirs; 0: off
  uint32_t latency_factor = 0;          // its mean wait is so many times theirs; 0: off
  uint32_t min_requests = 100;
  milliseconds window = seconds(10);
  milliseconds time = seconds(10);  // of the first; each further one is twice as long
  milliseconds max_time = std::chrono::minutes(5);
  uint32_t max_ejected = kMillion / 2;  // share of the endpoints that may be at the same time

  bool operator==(const Ejection&) const = default;
};

// [upstream.NAME]
struct Upstream {
  std::string name;
  std::vector<Endpoint> endpoints;
  std::string endpoints_file;  // JSON or TOML with further ones, watched; "" is none
  // How long a new endpoint's share of the requests grows to its weight; 0: it has it at once.
  milliseconds slow_start = milliseconds(0);
  milliseconds endpoint_drain = seconds(30);  // how long what is in flight at a gone one may take
  // Where less of the endpoints than this is healthy, all of them are used.
  uint32_t panic_threshold = kMillion / 4;
  // Where less than this of the endpoints that come before is healthy, those of the next priority,
  // and then the backups, are used too; 0: where none is.
  uint32_t backup_threshold = 0;
  // What endpoints are told of the client before the first byte.
  ProxyProtocol proxy_protocol = ProxyProtocol::off;
  Balance balance = Balance::least_requests;
  // What the hashing balancers look at (hash_key.h); "" where balance is none of them.
  std::string hash_by;
  // The most requests in flight of one endpoint, in percent of its share, with a hashing balancer;
  // 0: no bound.
  uint32_t hash_balance_factor = 125;
  // Percent of the weight of the endpoints in onehop's zone: with less to be had there, all zones
  // are used.
  uint32_t zone_spill_below = 50;
  // Attempts beyond the first that one request may have, whatever the others failed by; 0 to 15.
  uint32_t retries = 5;
  // Whether a request that must not be done twice is sent again, once, where it is proven that the
  // application saw nothing of it (docs/decisions/0049).
  bool retry_unseen = false;
  UpstreamProtocol protocol = UpstreamProtocol::h1;
  std::vector<std::string> rate_limits;  // names of [rate_limit.NAME]
  Pool pool;
  UpstreamTimeouts timeouts;
  UpstreamHttp2 http2;
  UpstreamTls tls;
  Sticky sticky;
  Ejection ejection;
  Health health;

  bool operator==(const Upstream&) const = default;
};

}  // namespace onehop::config
