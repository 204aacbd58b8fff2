// SPDX-License-Identifier: MIT
// RateLimits: what a worker asks before a request goes on: is it within the limits of its listener,
// its route and its upstream ([rate_limit.NAME])? Made anew with each epoch; the tokens are older
// and belong to the server, which all workers share.
//
// A request takes a token of each limit that it meets, in that order; the first that has none
// refuses it, and the others get theirs back. A limit that is named twice is met once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onehop/base/arena.h"
#include "onehop/base/keyed_hash.h"
#include "onehop/base/token_table.h"
#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/http/head.h"
#include "onehop/telemetry/rate_limit.h"

namespace onehop::proxy {

// What came of it. The views live in the arena that was given, or as long as the snapshot.
struct Rated {
  bool refused = false;
  std::string_view detail = {};     // a sentence for the client, of a refusal
  std::string_view noted = {};      // for the access log: who refused, or would have
  uint64_t retry_after_s = 0;       // of a refusal, at least 1
  std::string_view policies = {};   // the value of RateLimit-Policy; empty: not to be said
  std::string_view remaining = {};  // of RateLimit
};

// Used by one worker's thread.
class RateLimits {
 public:
  // None: every request is within them.
  RateLimits() = default;

  // `tokens` and `counters` are in the order of config.rate_limits, `listeners` are those of the
  // snapshot. `config` outlives it.
  using Terms = std::shared_ptr<const http::ListenerTerms>;
  struct Parts {
    const config::Config& config;
    const std::vector<Terms>& listeners;
    HashSecret hash_secret;
    std::vector<std::shared_ptr<TokenTable>> tokens;
    std::vector<telemetry::RateLimitShard*> counters;
  };
  explicit RateLimits(const Parts& parts);

  struct Asking {
    const http::RequestHead& head;     // its path as routes see it
    const http::ListenerTerms* terms;  // of the listener, or null
    std::optional<size_t> route;       // its place in the configuration
    const http::Client& client;
    std::string_view address;  // of the client, whoever its connection is of
    uint64_t now_ns;           // of the loop's clock
  };
  bool any() const noexcept { return !limits_.empty(); }
  // Null where nothing is to be said: it meets no limit, or is within those that it meets.
  const Rated* ask(const Asking& asking, Arena& arena) const;

 private:
  struct Limit {
    const config::RateLimit* config;
    config::RateKey key;
    std::shared_ptr<TokenTable> tokens;
    telemetry::RateLimitShard* counters;
  };
  using Places = std::vector<size_t>;  // in limits_
  struct Met;

  void add(const std::vector<std::string>& names, Places& places) const;
  std::optional<uint64_t> hash_of(const Limit& limit, const Asking& asking) const;
  const Rated* refuse(const Limit& limit, const TokenTable::Taken& taken, Arena& arena) const;

  std::vector<Limit> limits_;
  HashSecret hash_secret_;
  std::vector<Places> by_route_;                       // those of its upstream among them
  std::vector<std::pair<Terms, Places>> by_listener_;  // only those that have any
};

}  // namespace onehop::proxy
