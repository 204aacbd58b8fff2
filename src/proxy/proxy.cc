// SPDX-License-Identifier: MIT
#include "onehop/proxy/proxy.h"

#include "exchange.h"
#include "message_fields.h"

namespace onehop::proxy {

Proxy::Proxy(const Parts& parts)
    : parts_(parts),
      guarded_(
          std::make_unique<GuardedFields>(parts.reserved_fields, parts.server.identity_fields)),
      field_room_(parts.server.limits.head_fields + kAddedFields),
      random_{parts.seed, parts.seed ^ 0x9E3779B97F4A7C15u} {}

std::unique_ptr<http::Responder> Proxy::open(http::ServerStream& stream, const http::Client& client,
                                             const http::HeadTimes& times) {
  return std::make_unique<Exchange>(*this, stream, client, times);
}

Result<routing::Way, routing::PathFault> Proxy::way(const http::RequestHead& head,
                                                    Arena& arena) const {
  return routing::find_way(parts_.router, parts_.server.paths, head.authority, head.target, arena);
}

Proxy::~Proxy() = default;

Result<ClientIdentity, Outcome> Proxy::identify(const http::RequestHead& head,
                                                const http::Client& client, Arena& arena) const {
  const config::Via via = parts_.server.via;
  const bool counted = via == config::Via::requests || via == config::Via::both;
  if (counted && goes_in_circles(head.fields)) return Unexpected<Outcome>(Outcome::proxy_loop);
  return proxy::identify(head, client, parts_.trusted, arena);
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
