// SPDX-License-Identifier: MIT
// Sticky: the values of the cookie by which clients stay with their endpoints. The value of an
// endpoint is HMAC-SHA-256 of its name and its upstream's, cut to 126 bits: at once an id that says
// nothing of the endpoint and a signature that nobody makes without the secret. So it is the same
// whatever else is in the set, in every worker, and in every onehop that has the secret; and a
// request costs a comparison, with no cryptography.
//
//   configure(upstream) -> rebuild(names) -> find* -> ...     by one thread
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/config/config.h"

namespace onehop::upstream {

class Sticky {
 public:
  static constexpr size_t kLength = 21;  // characters of base64url, 6 bits each

  // `secret` signs where the upstream has none of its own. Before the next rebuild().
  void configure(const config::Upstream& upstream, std::string_view secret);

  // The names of new candidates, by which they are known in all processes.
  void rebuild(std::span<const std::string_view> names);

  const std::string& cookie() const noexcept { return cookie_; }  // its name

  // The candidate that a cookie names, in a time that does not tell how much of it was right.
  std::optional<size_t> find(std::string_view value) const;

  // What a cookie has to be to name this one; until rebuild().
  std::string_view value_of(size_t candidate) const {
    return {values_[candidate].data(), values_[candidate].size()};
  }

 private:
  using Value = std::array<char, kLength>;

  std::string name_;  // of the upstream
  std::string secret_;
  std::string cookie_;
  std::vector<Value> values_;
};

}  // namespace onehop::upstream
