// SPDX-License-Identifier: MIT
#include "onehop/config/hash_key.h"
#include "onehop/config/rate_limit.h"

namespace onehop::config {

// The parts of a request that hash_by knows, but for its query, and all of it.
std::optional<RateKey> rate_key(std::string_view by) {
  using By = RateKey::By;
  if (by == "all") return RateKey{By::all};
  const auto part = HashKey::parse(by);
  if (!part.has_value()) return std::nullopt;
  const std::string_view name = by.substr(by.find(':') + 1);
  switch (part->part) {
    case HashKey::Part::client:
      return RateKey{By::client};
    case HashKey::Part::path:
      return RateKey{By::path};
    case HashKey::Part::header:
      return RateKey{By::header, name};
    case HashKey::Part::cookie:
      return RateKey{By::cookie, name};
    case HashKey::Part::query:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace onehop::config
