// SPDX-License-Identifier: MIT
// LimitTables: what rate limits and listeners remember of clients, for all workers together. Each
// table is found by what it is of, and older than any configuration: tokens and counts survive a
// reload for as long as what they count stays the same.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client_gate.h"
#include "onehop/admin/view.h"
#include "onehop/base/keyed_hash.h"
#include "onehop/base/token_table.h"
#include "onehop/config/config.h"

namespace onehop::server {

// Of the main thread; the tables are for all.
class LimitTables {
 public:
  // From now on these are wanted, and others are forgotten. In the order of the configuration; a
  // listener without a limit has null.
  void use(const config::Config& config);

  const HashSecret& hash_secret() const noexcept { return hash_secret_; }
  std::vector<std::shared_ptr<TokenTable>> rate_limits() const;
  std::vector<std::shared_ptr<ClientGate>> listeners() const { return gates_; }

  // What the rate limits remember now.
  void show(uint64_t now_ns, admin::View& seen) const;

  // Every second: keeps what is over from coming back when the clocks of tables wrap around.
  void refresh(uint64_t now_ns);

 private:
  struct Tokens {
    config::RateLimit of;
    std::shared_ptr<TokenTable> table;
  };
  HashSecret hash_secret_ = HashSecret::random();
  std::vector<Tokens> tokens_;
  std::vector<std::shared_ptr<ClientGate>> gates_;
  uint64_t refreshed_ns_ = 0;
};

}  // namespace onehop::server
