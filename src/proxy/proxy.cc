// SPDX-License-Identifier: MIT
#include "onehop/proxy/proxy.h"

#include "exchange.h"
#include "message_fields.h"

namespace onehop::proxy {

Proxy::Proxy(const Parts& parts)
    : parts_(parts),
      field_room_(parts.server.limits.head_fields + kAddedFields),
      random_{parts.seed, parts.seed ^ 0x9E3779B97F4A7C15u} {}

std::unique_ptr<http::Responder> Proxy::open(http::ServerStream& stream, const http::Client& client,
                                             const http::HeadTimes& times) {
  return std::make_unique<Exchange>(*this, stream, client, times);
}

upstream::Upstream* Proxy::route(std::string_view authority, std::string_view target) {
  const auto index = parts_.router.match(authority, target);
  return index.has_value() ? parts_.upstreams[*index].get() : nullptr;
}

// xoroshiro128+: ids must differ, not be secret.
std::string_view Proxy::fresh_request_id() {
  const auto rotate = [](uint64_t value, int bits) {
    return (value << bits) | (value >> (64 - bits));
  };
  constexpr char kDigits[] = "0123456789abcdef";
  for (int half = 0; half < 2; ++half) {
    uint64_t number = random_[0] + random_[1];
    const uint64_t mixed = random_[1] ^ random_[0];
    random_[0] = rotate(random_[0], 24) ^ mixed ^ (mixed << 16);
    random_[1] = rotate(mixed, 37);
    for (int i = 15; i >= 0; --i, number >>= 4) request_id_[half * 16 + i] = kDigits[number & 15];
  }
  return {request_id_, sizeof request_id_};
}

}  // namespace onehop::proxy
