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
#include "onehop/routing/router.h"
#include "onehop/telemetry/shard.h"
#include "onehop/upstream/upstream.h"

namespace onehop::proxy {

// Used by one worker's thread; what it refers to outlives it, and it outlives all exchanges.
class Proxy final : public http::Service {
 public:
  struct Parts {
    net::Loop& loop;
    const config::Server& server;
    const routing::Router& router;
    std::vector<std::unique_ptr<upstream::Upstream>>&
        upstreams;  // in the order of the configuration
    telemetry::DownstreamShard& counters;
    uint64_t seed;  // of the request ids
    // Fields that only onehop may set, whatever listener a client came to.
    std::vector<std::string> reserved_fields = {};
  };
  explicit Proxy(const Parts& parts);

  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client& client,
                                        const http::HeadTimes& times) override;

 private:
  friend class Exchange;
  upstream::Upstream* route(std::string_view authority, std::string_view target);

  // 32 hexadecimal digits, valid until the next call.
  std::string_view fresh_request_id();

  Parts parts_;
  std::vector<http::Field> field_room_;  // of the head that is being sent
  std::array<uint64_t, 2> random_;
  char request_id_[32];
};

}  // namespace onehop::proxy
