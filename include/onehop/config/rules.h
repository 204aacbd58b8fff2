// SPDX-License-Identifier: MIT
// The rules of the configuration file: which values a key takes, in what words that is said, and
// how a value is written. schema.h gives every key one of them.
//
// The idea: a rule is a small value whose type says the kind of key. fits(), allowed() and
// written() are overloaded for each, so that a visitor of the schema treats all kinds alike.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/config/config.h"

namespace onehop::config {

inline constexpr milliseconds kTick{1};  // the resolution of every duration

// An integer. `zero` is a word that may be written in place of 0, which need not be in the range.
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

// A duration, always with its unit: "250ms", "4s", "10m", "1h". It is a multiple of `step`.
struct Time {
  milliseconds least{};
  milliseconds most{};
  milliseconds step = kTick;
};

// So many in so long a time, in whole seconds: "100/1s", "5/m". `zero` is a word that may be
// written in place of a count of 0; without one, there has to be a value.
struct Frequency {
  std::string_view zero = {};
  static constexpr uint64_t kMost = 1'000'000;
};

// A share from 0 to 1, kept in millionths, or "auto" where that is allowed.
struct Share {
  enum class Auto : uint8_t { refused, allowed };
  Auto automatic = Auto::refused;
  uint32_t most = kMillion;
};

// true or false.
struct Flag {};

// One of the names of an enumeration.
template <class Enum>
struct Choice {};

// A list of one entry or more. Where there is a `short_form`, a bare string stands for an entry
// that has no more than that.
template <class T>
struct Entries {
  std::string_view noun;  // "endpoint"
  std::string T::*short_form = nullptr;
  T example{};                    // shown where the list is empty, which nobody may write
  std::string_view instead = {};  // a key that may stand in place of all entries
  bool may_be_empty = false;      // as that key is there
};

// Text of a certain form. Those that say "or nothing" may be empty, and so may host and
// admin_address.
enum class Text : uint8_t {
  listen_address,
  admin_address,
  endpoint_address,
  name_server,
  block,  // or "unix", for those at the other end of a unix socket
  host,
  path,
  upstream,         // the name of an upstream, where it is used
  rate_limit,       // the same of a rate limit
  table_name,       // and where such a name is given
  rate_key,         // "client", "header:NAME" and so on
  file,             // a path; a relative one begins at the folder of the configuration file
  optional_file,    // or nothing
  file_pattern,     // a path that may have wildcards in it
  ciphers,          // a list in OpenSSL's notation, or nothing
  field,            // a field of its own that onehop may add to requests, or nothing
  identity_field,   // a field that says who a client is
  forwarded_form,   // a form in which that is said
  server_name,      // a name or an IP address, or nothing
  optional_socket,  // the path of a unix socket, or nothing; relative as a file's
  file_mode,        // octal
  token,            // a secret that goes with a request, or nothing; never shown
  log_file,         // a path, "-" for standard output, or nothing
  access_format,    // "json", "combined" or a template
  status_class,     // "4xx", or "none" for no response
  failure,          // by which an endpoint fails a request
  method,           // of HTTP
  request_path,     // of a request of onehop's own, with its query
  status,           // a class, "4xx", or a number, "404"
  any,              // or nothing
  hash_key,         // a part of a request (hash_key.h), or nothing
  zone,             // the name of a place, or nothing
  cookie,           // the name of a cookie, or nothing
  cookie_path,      // where a cookie is sent
};

// The names of an enumeration's values, in the order of their declaration.
constexpr std::array<std::string_view, 6> names(Balance) {
  return {"round_robin", "least_requests", "random_two", "peak_ewma", "ring_hash", "maglev"};
}
constexpr std::array<std::string_view, 3> names(SameSite) {
  return {"lax", "strict", "none"};
}
constexpr std::array<std::string_view, 2> names(HalfClose) {
  return {"cancel", "serve"};
}
constexpr std::array<std::string_view, 2> names(PathMatch) {
  return {"prefix", "exact"};
}
constexpr std::array<std::string_view, 3> names(DoubledSlashes) {
  return {"keep", "merge", "refuse"};
}
constexpr std::array<std::string_view, 3> names(EncodedSlashes) {
  return {"keep", "decode", "refuse"};
}
constexpr std::array<std::string_view, 2> names(ForwardedPath) {
  return {"normal", "as_sent"};
}
constexpr std::array<std::string_view, 2> names(Targets) {
  return {"strict", "lenient"};
}
constexpr std::array<std::string_view, 4> names(LogLevel) {
  return {"debug", "info", "warning", "error"};
}

constexpr std::array<std::string_view, 5> names(RoomLevel) {
  return {"same", "debug", "info", "warning", "error"};
}
constexpr std::array<std::string_view, 2> names(LogFormat) {
  return {"text", "json"};
}

// A word that another program has for one of the names.
struct Synonym {
  enum class Use : uint8_t { taken, suggested };
  std::string_view word;
  std::string_view name;
  Use use = Use::suggested;
};
template <class Enum>
constexpr std::array<Synonym, 0> synonyms(Enum) {
  return {};
}
constexpr std::array<Synonym, 17> synonyms(Balance) {
  return {{{"roundrobin", "round_robin"},
           {"rr", "round_robin"},
           {"leastconn", "least_requests"},
           {"least_conn", "least_requests"},
           {"least_connections", "least_requests"},
           {"least_request", "least_requests"},
           {"random", "random_two"},
           {"p2c", "random_two"},
           {"least_time", "peak_ewma"},
           {"ewma", "peak_ewma"},
           {"hash", "ring_hash"},
           {"consistent_hash", "ring_hash"},
           {"consistent", "ring_hash"},
           {"ip_hash", "ring_hash"},
           {"source", "ring_hash"},
           {"uri", "ring_hash"},
           {"uri_hash", "ring_hash"}}};
}
constexpr std::array<Synonym, 6> synonyms(UpstreamProtocol) {
  return {{{"http/1.1", "h1"},
           {"http1", "h1"},
           {"http/2", "h2"},
           {"http2", "h2"},
           {"h2c", "h2"},
           {"grpc", "h2"}}};
}
constexpr std::array<Synonym, 11> synonyms(LogLevel) {
  return {{{"warn", "warning", Synonym::Use::taken},
           {"trace", "debug"},
           {"verbose", "debug"},
           {"information", "info"},
           {"notice", "info"},
           {"err", "error"},
           {"crit", "error"},
           {"critical", "error"},
           {"alert", "error"},
           {"emerg", "error"},
           {"fatal", "error"}}};
}
constexpr std::array<Synonym, 11> synonyms(RoomLevel) {
  return synonyms(LogLevel{});
}
constexpr std::array<std::string_view, 2> names(TlsPolicy) {
  return {"intermediate", "modern"};
}
constexpr std::array<std::string_view, 3> names(ClientCertificates) {
  return {"off", "optional", "required"};
}
constexpr std::array<std::string_view, 4> names(Via) {
  return {"off", "requests", "responses", "both"};
}
constexpr std::array<std::string_view, 3> names(ProxyProtocol) {
  return {"off", "v1", "v2"};
}
constexpr std::array<std::string_view, 7> names(Failure) {
  return {"connect", "reset", "timeout", "502", "503", "504", "5xx"};
}
constexpr std::array<std::string_view, 3> names(HealthCheck) {
  return {"http", "tcp", "grpc"};
}
constexpr std::array<std::string_view, 2> names(HealthStart) {
  return {"healthy", "checked"};
}
constexpr std::array<std::string_view, 3> names(UpstreamProtocol) {
  return {"h1", "h2", "auto"};
}

constexpr bool fits(const Count& rule, uint64_t n) {
  return (n >= rule.least && n <= rule.most) || (n == 0 && !rule.zero.empty());
}
constexpr bool fits(const Bytes& rule, uint64_t n) {
  return n >= rule.least && n <= rule.most;
}
constexpr bool fits(const Time& rule, milliseconds t) {
  return t >= rule.least && t <= rule.most && t % rule.step == milliseconds(0);
}
constexpr bool fits(const Frequency& rule, const PerTime& value) {
  if (value.count == 0) return !rule.zero.empty();
  return value.count <= Frequency::kMost && value.time >= std::chrono::seconds(1) &&
         value.time <= std::chrono::hours(24) &&
         value.time % std::chrono::seconds(1) == milliseconds(0);
}
constexpr bool fits(Share rule, uint32_t millionths) {
  const bool automatic = millionths == AccessLog::kAutomatic;
  return automatic ? rule.automatic == Share::Auto::allowed : millionths <= rule.most;
}
// Whether a name that is used exists is check()'s part.
bool fits(Text rule, std::string_view text);

// What a rule allows, as the first half of an error message: "0 to 65535".
std::string allowed(const Count& rule);
std::string allowed(const Bytes& rule);
std::string allowed(const Time& rule);
std::string allowed(const Frequency& rule);
std::string allowed(Share rule);
std::string allowed(Flag rule);
std::string allowed(Text rule);
template <class T>
std::string allowed(const Entries<T>& rule) {
  const std::string least = "at least one " + std::string(rule.noun);
  return rule.instead.empty() ? least : least + ", or " + std::string(rule.instead);
}

// A value as the file writes it: 3, "auto", "16KiB", true, ["10.0.0.0/8"]. It is valid JSON too.
std::string written(const Count& rule, uint64_t value);
std::string written(const Bytes& rule, uint64_t value);
std::string written(const Time& rule, milliseconds value);
std::string written(const Frequency& rule, const PerTime& value);
std::string written(Share rule, uint32_t millionths);
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

}  // namespace onehop::config
