// SPDX-License-Identifier: MIT
// What clients learn of rate limits: the values of RateLimit-Policy and RateLimit
// (draft-ietf-httpapi-ratelimit-headers-10), lists of structured fields (RFC 9651). And what is
// read of a Cookie.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "onehop/base/arena.h"
#include "onehop/base/token_table.h"
#include "onehop/config/rate_limit.h"
#include "onehop/http/fields.h"
#include "text.h"

namespace onehop::proxy {

// Rounded up: who waits so long does not come too early.
constexpr uint64_t whole_seconds(uint64_t ns) {
  return (ns + 999'999'999) / 1'000'000'000;
}

class RateFields {
 public:
  explicit RateFields(Arena& arena) : arena_(arena) {}

  // The quota and its window are the rate as it is configured. What is left is a client's until the
  // bucket is full again; where nothing is, the time is that of the next token.
  void add(const config::RateLimit& limit, const TokenTable::Taken& taken) {
    policies_ = joined(policies_, limit.name, ";q=", limit.rate.count,
                       ";w=", static_cast<uint64_t>(limit.rate.time.count() / 1000));
    remaining_ = joined(remaining_, limit.name, ";r=", taken.left,
                        ";t=", whole_seconds(taken.left > 0 ? taken.full_ns : taken.wait_ns));
  }

  std::string_view policies() const { return policies_; }  // empty where there is none
  std::string_view remaining() const { return remaining_; }

 private:
  std::string_view joined(std::string_view before, std::string_view name, std::string_view first,
                          uint64_t a, std::string_view second, uint64_t b) {
    Text text(arena_, before.size() + name.size() + 64);
    text << before << (before.empty() ? "\"" : ", \"") << name << "\"" << first << a << second << b;
    return text.view();
  }

  Arena& arena_;
  std::string_view policies_;
  std::string_view remaining_;
};

}  // namespace onehop::proxy
