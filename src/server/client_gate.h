// SPDX-License-Identifier: MIT
// ClientGate: how many connections a client address has on a listener and how often it makes new
// ones ([listener.per_client]), for all workers together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "onehop/base/address.h"
#include "onehop/base/count_table.h"
#include "onehop/base/keyed_hash.h"
#include "onehop/base/token_table.h"
#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/telemetry/rate_limit.h"

namespace onehop::server {

// What it remembers is for all threads at once; the limits are of whoever asks.
class ClientGate final : public std::enable_shared_from_this<ClientGate> {
 public:
  ClientGate(std::string listener, unsigned nth, const config::PerClient& limits,
             const HashSecret& hash_secret);

  // What it remembers is of use for that listener with those limits.
  bool is_of(const std::string& listener, unsigned nth, const config::PerClient& limits) const;

  struct Asked {
    std::optional<telemetry::ClientLimit> refused_by;
    // Holds its place for as long as it lives; null where connections are not limited.
    std::shared_ptr<const http::Held> held;
    bool forgot = false;  // an address lost its bucket, or this one is not counted
  };
  // Whether one more from `address` may come, at `now_ns` of the loop's clock. A unix socket has no
  // addresses: everybody may.
  Asked ask(const Address& address, const config::PerClient& limits, uint64_t now_ns);

  void refresh(uint64_t now_ns) {
    if (tokens_.has_value()) tokens_->refresh(now_ns);
  }

 private:
  struct Place;

  std::string listener_;
  unsigned nth_;
  config::PerClient made_for_;
  HashSecret hash_secret_;
  std::optional<CountTable> counts_;
  std::optional<TokenTable> tokens_;
};

}  // namespace onehop::server
