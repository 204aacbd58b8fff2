// SPDX-License-Identifier: MIT
// What is counted of a rate limit ([rate_limit.NAME]): rows as those of shard.h. And why clients
// are refused at the accept ([listener.per_client]).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "onehop/telemetry/counter.h"

namespace onehop::telemetry {

// clang-format off
#define ONEHOP_RATE_LIMIT_METRICS(COUNTER, GAUGE) \
  COUNTER(allowed, "rate_limit_allowed", none, 1, "Requests that were within the limit") \
  COUNTER(refused, "rate_limit_refused", none, 1, "Requests beyond the limit, which were answered 429") \
  COUNTER(dry_run_refused, "rate_limit_dry_run_refused", none, 1, "Requests beyond a limit with dry_run, which were let pass") \
  COUNTER(forgotten, "rate_limit_forgotten", none, 1, "Keys that were forgotten before their bucket was full again, because the memory of the limit was: each of them begins with a full one")

#define ONEHOP_CLIENT_LIMITS(X) \
  X(connections, "Its address had per_client.connections open") \
  X(new_connections, "Its address connects more often than per_client.new_connections")
// clang-format on

enum class ClientLimit : uint8_t {
#define X(name, help) name,
  ONEHOP_CLIENT_LIMITS(X)
#undef X
};

#define X(name, help) +1
constexpr size_t kClientLimitCount = 0 ONEHOP_CLIENT_LIMITS(X);
#undef X
#define X(name, help) #name,
constexpr std::array<std::string_view, kClientLimitCount> kClientLimitNames = {
    ONEHOP_CLIENT_LIMITS(X)};
#undef X

// Written by its worker only; anybody may read it at any time.
struct RateLimitShard {
  ONEHOP_RATE_LIMIT_METRICS(ONEHOP_COUNTER_MEMBER, ONEHOP_GAUGE_MEMBER)
};

}  // namespace onehop::telemetry
