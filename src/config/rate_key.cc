// SPDX-License-Identifier: MIT
#include "onehop/base/ascii.h"
#include "onehop/config/rate_limit.h"

namespace onehop::config {

std::optional<RateKey> rate_key(std::string_view by) {
  using By = RateKey::By;
  if (by == "client") return RateKey{By::client};
  if (by == "path") return RateKey{By::path};
  if (by == "all") return RateKey{By::all};
  const size_t colon = by.find(':');
  if (colon == by.npos || !is_token(by.substr(colon + 1))) return std::nullopt;
  const std::string_view kind = by.substr(0, colon);
  if (kind == "header") return RateKey{By::header, by.substr(colon + 1)};
  if (kind == "cookie") return RateKey{By::cookie, by.substr(colon + 1)};
  return std::nullopt;
}

}  // namespace onehop::config
