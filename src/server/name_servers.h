// SPDX-License-Identifier: MIT
// NameServers: the resolver that asks those of the configuration. One with other name servers has a
// resolver of its own; look-ups that are under way keep the one that they have.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/resolver.h"

namespace onehop::server {

class NameServers {
 public:
  explicit NameServers(net::EventLoop& loop) : loop_(loop) {}  // which outlives it

  // The error is a sentence.
  Result<void, std::string> use(const config::Dns& dns);

  const std::shared_ptr<net::Resolver>& resolver() const { return resolver_; }  // after use()

 private:
  net::EventLoop& loop_;
  std::shared_ptr<net::Resolver> resolver_;
  std::optional<config::Dns> asked_of_;  // what the resolver was made for
};

}  // namespace onehop::server
