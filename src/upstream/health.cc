// SPDX-License-Identifier: MIT
#include "onehop/upstream/health.h"

#include <algorithm>

#include "onehop/config/rules.h"

namespace onehop::upstream {

FailureKinds::FailureKinds(const std::vector<std::string>& names) {
  constexpr auto kNames = config::names(config::Failure{});
  for (const std::string& name : names) {
    const auto found = std::ranges::find(kNames, name);
    if (found != kNames.end()) bits_ |= static_cast<uint8_t>(1u << (found - kNames.begin()));
  }
  const auto all = [](auto... kinds) { return ((1u << static_cast<unsigned>(kinds)) | ...); };
  using config::Failure;
  if (has(Failure::http_5xx))
    bits_ |= static_cast<uint8_t>(all(Failure::http_502, Failure::http_503, Failure::http_504));
}

}  // namespace onehop::upstream
