// SPDX-License-Identifier: MIT
// Proxy: what answers a worker's requests by forwarding them. It joins a route to an upstream, and
// each request to an exchange.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/proxy/failure_log.h"
#include "onehop/routing/way.h"
#include "onehop/telemetry/shard.h"
#include "onehop/upstream/upstream.h"

namespace onehop::proxy {

class GuardedFields;
struct ClientIdentity;
enum class Outcome : uint8_t;

// Used by one worker's thread; what it refers to outlives it, and it outlives all exchanges.
class Proxy final : public http::Service {
 public:
  struct Parts {
    net::Loop& loop;
    const config::Server& server;
    const routing::Router& router;
    std::vector<std::unique_ptr<upstream::Upstream>>&
        upstreams;  // in the order of the configuration
    telemetry::Shard& shard;
    uint64_t seed;  // of the request ids
    // Fields that only onehop may set, whatever listener a client came to.
    std::vector<std::string> reserved_fields = {};
    FailureLog* failures = nullptr;              // null: failures are only counted
    std::span<const AddressBlock> trusted = {};  // server.trusted_proxies
  };
  explicit Proxy(const Parts& parts);
  ~Proxy();

  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client& client,
                                        const http::HeadTimes& times) override;

 private:
  friend class Exchange;
  Result<routing::Way, routing::PathFault> way(const http::RequestHead& head, Arena& arena) const;

  // The error is the outcome of a request that goes in circles.
  Result<ClientIdentity, Outcome> identify(const http::RequestHead& head,
                                           const http::Client& client, Arena& arena) const;

  // The client's own where it may be kept, else 32 hexadecimal digits; lives in `arena`.
  std::string_view request_id(const http::Fields& fields, Arena& arena);
  std::string_view fresh_request_id();

  Parts parts_;
  std::unique_ptr<const GuardedFields> guarded_;
  std::vector<http::Field> field_room_;  // of the head that is being sent
  std::array<uint64_t, 2> random_;
  char request_id_[32];
};

}  // namespace onehop::proxy
