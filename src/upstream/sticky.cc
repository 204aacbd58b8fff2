// SPDX-License-Identifier: MIT
#include "onehop/upstream/sticky.h"

#include <cstring>

#include "onehop/tls/digest.h"

namespace onehop::upstream {
namespace {

// RFC 4648 5, without padding.
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

void Sticky::configure(const config::Upstream& upstream, std::string_view secret) {
  name_ = upstream.name;
  secret_ = upstream.sticky.secret.empty() ? secret : upstream.sticky.secret;
  cookie_ = upstream.sticky.cookie.empty() ? "onehop_" + name_ : upstream.sticky.cookie;
}

void Sticky::rebuild(std::span<const std::string_view> names) {
  values_.clear();
  for (const std::string_view name : names) {
    const auto code =
        tls::hmac_sha256(secret_, "onehop sticky 1\n" + name_ + '\n' + std::string(name));
    Value& value = values_.emplace_back();
    for (size_t i = 0; i < value.size(); ++i) {
      const size_t bit = i * 6;
      const unsigned two = static_cast<unsigned>(code[bit / 8] << 8 | code[bit / 8 + 1]);
      value[i] = kDigits[two >> (10 - bit % 8) & 63];
    }
  }
}

// Each is compared to its end, whichever it is, so that the time tells nothing of them.
std::optional<size_t> Sticky::find(std::string_view text) const {
  if (text.size() != kLength) return std::nullopt;
  std::optional<size_t> found;
  for (size_t i = 0; i < values_.size(); ++i) {
    unsigned difference = 0;
    for (size_t k = 0; k < kLength; ++k)
      difference |= static_cast<unsigned>(values_[i][k] ^ text[k]);
    if (difference == 0) found = i;
  }
  return found;
}

}  // namespace onehop::upstream
