// SPDX-License-Identifier: MIT
// The one declaration of the configuration file: for every field its key, the member behind it, the
// rule its values obey and a line that says what it is and why the default is what it is.
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
//                                        file has the table; without it the member stays as it is
//   tables(key, members, why)            [[listener]]
//   named_tables(key, members, why)      [upstream.NAME]; each member keeps its NAME in `name`
//   entries(key, members, short_form, why)   an inline list; a bare string stands for `short_form`
// and sees a const structure when it only reads. Keys and `why` are literals and live for ever.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "onehop/config/config.h"

namespace onehop::config {

// --- Rules: which values a key takes -------------------------------------------------------------

// An integer. `zero` is a word that may be written in place of 0.
struct Count {
  uint64_t least = 0;
  uint64_t most = 0;
  std::string_view zero = {};
};

// A size: "16KiB", "1MB" or a plain integer. `least_key` names the key whose value `least` is.
struct Bytes {
  uint64_t least = 0;
  uint64_t most = 0;
  std::string_view least_key = {};
};

// A size per second.
struct Rate : Bytes {};

// A duration, always with its unit: "250ms", "4s", "10m", "1h".
struct Time {
  milliseconds least{};
  milliseconds most{};
};

// true or false.
struct Flag {};

// One of the names of an enumeration.
template <class Enum>
struct Choice {};

// Text of a certain form. host and admin_address may be empty, the others not.
enum class Text : uint8_t {
  listen_address,
  admin_address,
  endpoint_address,
  block,
  host,
  path,
  upstream,       // the name of an upstream, where it is used
  upstream_name,  // and where it is given
};

// The names of an enumeration's values, in the order of their declaration.
constexpr std::array<std::string_view, 2> names(Balance) {
  return {"round_robin", "least_requests"};
}
constexpr std::array<std::string_view, 2> names(PathMatch) {
  return {"prefix", "exact"};
}
constexpr std::array<std::string_view, 4> names(LogLevel) {
  return {"debug", "info", "warning", "error"};
}

constexpr bool fits(const Count& rule, uint64_t n) {
  return n >= rule.least && n <= rule.most;
}
constexpr bool fits(const Bytes& rule, uint64_t n) {
  return n >= rule.least && n <= rule.most;
}
constexpr bool fits(const Time& rule, milliseconds t) {
  return t >= rule.least && t <= rule.most;
}
bool fits(Text rule, std::string_view text);  // Text::upstream: whether it exists is check()'s part

// What a rule allows, as the first half of an error message: "0 to 65535".
std::string allowed(const Count& rule);
std::string allowed(const Bytes& rule);
std::string allowed(const Time& rule);
std::string allowed(Flag rule);
std::string allowed(Text rule);

// A value as the file writes it: 3, "auto", "16KiB", true, ["10.0.0.0/8"]. It is valid JSON too.
std::string written(const Count& rule, uint64_t value);
std::string written(const Bytes& rule, uint64_t value);
std::string written(const Time& rule, milliseconds value);
std::string written(Flag rule, bool value);
std::string written(Text rule, std::string_view value);
std::string written(Text rule, const std::vector<std::string>& values);

template <class Enum>
std::string written(Choice<Enum>, Enum value) {
  return '"' + std::string(names(value).at(static_cast<size_t>(value))) + '"';
}

template <class Enum>
std::string allowed(Choice<Enum>) {
  std::string sentence;
  for (const std::string_view name : names(Enum{})) {
    sentence += (sentence.empty() ? "\"" : " or \"") + std::string(name) + '"';
  }
  return sentence;
}

// --- The file, in its order ----------------------------------------------------------------------

// `T` or `const T`: one description serves visitors that write and visitors that only read.
template <class Given, class T>
concept Some = std::same_as<std::remove_const_t<Given>, T>;

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;
inline constexpr uint64_t kTiB = 1024 * kGiB;
inline constexpr milliseconds kTick{1};  // the resolution of every duration
inline constexpr milliseconds kMinute = std::chrono::minutes(1);
inline constexpr milliseconds kHour = std::chrono::hours(1);
inline constexpr milliseconds kDay = std::chrono::hours(24);  // more is a mistake in the unit
inline constexpr milliseconds kWeek = std::chrono::hours(168);

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
              "A larger request body is answered 413; 0 is no limit, as bodies are streamed.");
  visit.value(
      "response_head", limits.response_head, Bytes{kKiB, kMiB},
      "A larger response head is a 502. Applications set large cookies, hence twice as much.");
  visit.value("connections", limits.connections, Count{0, 10'000'000},
              "Open client connections, shared out among the workers, 1 or more each; 0: by the "
              "open file limit.");
}

template <class Visitor>
void describe(Visitor& visit, Some<DownstreamTimeouts> auto& timeouts) {
  visit.value("request_head", timeouts.request_head, Time{milliseconds(0), kDay},
              "Total for a request head, so trickling does not stretch it; then 408.");
  visit.value("request_body", timeouts.request_body, Time{milliseconds(0), kDay},
              "Grace of a request body; each second more is earned at the minimum rate; then 408.");
  visit.value("request_body_min_rate", timeouts.request_body_min_rate, Rate{{1, kGiB}},
              "Bytes per second that a body must average past its grace. Slow phones manage 500.");
  visit.value(
      "idle", timeouts.idle, Time{milliseconds(0), kDay},
      "Wait for the next request of a connection; closed without an answer, as clients expect.");
  visit.value("write_stall", timeouts.write_stall, Time{milliseconds(0), kDay},
              "A client that takes nothing of its response for so long is cut off.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Server> auto& server) {
  visit.value("workers", server.workers, Count{0, 1024, "auto"},
              "Threads, each with its own event loop and pools; \"auto\" is one per CPU.");
  visit.value("drain", server.drain, Time{milliseconds(0), kHour},
              "How long a stop waits for what is in flight: as long as orchestrators commonly do.");
  visit.value("drain_idle", server.drain_idle, Time{milliseconds(0), kMinute},
              "How long a stop keeps idle client connections, for a request already on its way.");
  visit.value("trusted_proxies", server.trusted_proxies, Text::block,
              "Peers whose forwarded fields are believed. Empty: anybody could claim any address.");
  visit.table("limits", server.limits, "Limits on what clients and upstreams send.");
  visit.table("timeouts", server.timeouts, "The client side. 0s switches a timeout off.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Listener> auto& listener) {
  visit.value("address", listener.address, Text::listen_address,
              "Where clients connect; port 0 lets the kernel choose.");
  visit.value(
      "backlog", listener.backlog, Count{1, 65535},
      "Connections that may wait to be accepted. The kernel caps it at net.core.somaxconn.");
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
              "One replica. A name is resolved by the server.");
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
  visit.value("connect", timeouts.connect, Time{milliseconds(0), kHour},
              "For one endpoint. A lost SYN is sent again after 1 s, so 2 s covers one.");
  visit.value(
      "response_head", timeouts.response_head, Time{milliseconds(0), kDay},
      "From the request written to the response head; then 504. As long as slow pages take.");
  visit.value("response_idle", timeouts.response_idle, Time{milliseconds(0), kDay},
              "Between two reads of a response body; then the response is aborted.");
  visit.value("request", timeouts.request, Time{milliseconds(0), kDay},
              "The whole exchange; then 504, or an abort. Off: long downloads are no mistake.");
  visit.value("tunnel_idle", timeouts.tunnel_idle, Time{milliseconds(0), kWeek},
              "An upgraded connection without a byte either way. WebSockets are quiet for long.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Upstream> auto& upstream) {
  visit.entries("endpoints", upstream.endpoints, &Endpoint::address,
                "The replicas: \"HOST:PORT\", or a table with a weight.");
  visit.value("balance", upstream.balance, Choice<Balance>{},
              "Which endpoint is next: in turn by weight, or the one with the fewest in flight.");
  visit.value(
      "retries", upstream.retries, Count{0, 1},
      "Tries on a fresh connection when a reused one failed before any byte of the response.");
  visit.table("pool", upstream.pool, "Connections kept per endpoint and worker.");
  visit.table("timeouts", upstream.timeouts, "The upstream side. 0s switches a timeout off.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Admin> auto& admin) {
  visit.value("listen", admin.listen, Text::admin_address,
              "Where statistics are served; \"\" is nowhere. It has no password: keep it local.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Log> auto& log) {
  visit.value("level", log.level, Choice<LogLevel>{}, "The least severe message that is logged.");
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
