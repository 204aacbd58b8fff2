// SPDX-License-Identifier: MIT
#include "onehop/proxy/proxy.h"

#include <algorithm>
#include <utility>

#include "exchange.h"
#include "message_fields.h"

namespace onehop::proxy {

Proxy::Proxy(const Parts& parts)
    : parts_(parts), random_{parts.seed, parts.seed ^ 0x9E3779B97F4A7C15u} {}

Proxy::~Proxy() = default;

void Proxy::use(std::unique_ptr<Epoch> epoch) {
  // Of requests of the one before, too, which may be larger.
  const size_t fields = epoch->server().limits.head_fields + kAddedFields;
  field_room_.resize(std::max(field_room_.size(), fields));
  Epoch::supersede(std::exchange(epoch_, std::move(epoch)));
}

std::unique_ptr<http::Responder> Proxy::open(http::ServerStream& stream, const http::Client& client,
                                             const http::HeadTimes& times) {
  return std::make_unique<Exchange>(*this, stream, client, times);
}

std::string_view Proxy::request_id(const http::Fields& fields, Arena& arena) {
  const std::string_view given = plain_request_id(fields);
  return arena.copy(given.empty() ? fresh_request_id() : given);
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
