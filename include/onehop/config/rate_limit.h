// SPDX-License-Identifier: MIT
// The part of config.h that is about how much one client, or one key, may ask for.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace onehop::config {

using std::chrono::milliseconds;
using std::chrono::seconds;

// "100/1s": so many in so long a time.
struct PerTime {
  uint64_t count = 0;
  milliseconds time = seconds(1);

  bool operator==(const PerTime&) const = default;
};

// [listener.per_client]: what one client address may have, at the accept. An IPv6 client is its
// network.
struct PerClient {
  uint32_t connections = 0;      // open at a time; 0 is no limit
  PerTime new_connections = {};  // a count of 0 is no limit
  uint32_t burst = 0;            // new ones at once; 0: the count of new_connections
  uint32_t ipv6_prefix = 64;
  uint64_t memory = 1024 * 1024;  // bytes, for each of the two limits

  bool enabled() const { return connections != 0 || new_connections.count != 0; }
  bool operator==(const PerClient&) const = default;
};

// [rate_limit.NAME]: a token bucket for each key. Whatever names it shares the same buckets.
struct RateLimit {
  std::string name;
  PerTime rate;               // required: what comes back
  uint32_t burst = 0;         // what a bucket holds; 0: the count of `rate`
  std::string by = "client";  // or "header:NAME", "cookie:NAME", "path", "all"
  uint32_t ipv6_prefix = 64;  // of client addresses, that are one key
  bool dry_run = false;       // counted, and nothing is refused
  bool headers = false;  // RateLimit and RateLimit-Policy in every response, not in a 429 alone
  uint64_t memory = 1024 * 1024;  // bytes, for the keys

  uint64_t bucket() const { return burst != 0 ? burst : rate.count; }
  bool operator==(const RateLimit&) const = default;
};

// What RateLimit::by says, taken apart.
struct RateKey {
  enum class By : uint8_t { client, header, cookie, path, all };
  By by = By::client;
  std::string_view name = {};  // of the field or the cookie; a view of the text
};
std::optional<RateKey> rate_key(std::string_view by);  // nothing: it is no such text

}  // namespace onehop::config
