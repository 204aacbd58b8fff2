// SPDX-License-Identifier: MIT
// The part of schema.h that is [rate_limit.NAME].
#pragma once

#include "onehop/config/schema_terms.h"

namespace onehop::config {

template <class Visitor>
void describe(Visitor& visit, Some<RateLimit> auto& limit) {
  visit.value("rate", limit.rate, Frequency{},
              "How many requests of one key, all workers together; more are answered 429.");
  visit.value("burst", limit.burst, Count{1, 1'000'000, "auto"},
              "Requests at once, before the rate holds; auto: the count of the rate.");
  visit.value("by", limit.by, Text::rate_key,
              "What has a budget of its own. A request without that field or cookie has no limit.");
  visit.value("ipv6_prefix", limit.ipv6_prefix, Count{1, 128},
              "Bits of an IPv6 address that are one client: a site has 64 or fewer.");
  visit.value("dry_run", limit.dry_run, Flag{},
              "Count and log what would be refused, and refuse nothing: to find the right rate.");
  visit.value("headers", limit.headers, Flag{},
              "RateLimit and RateLimit-Policy in every response, not only in a 429.");
  visit.value(
      "memory", limit.memory, Bytes{4 * kKiB, kGiB},
      "For the keys: a MiB is for 114,688. When it is full the fullest bucket is forgotten.");
}

}  // namespace onehop::config
