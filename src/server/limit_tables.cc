// SPDX-License-Identifier: MIT
#include "limit_tables.h"

#include <algorithm>
#include <map>
#include <utility>

namespace onehop::server {
namespace {

// Far less than a clock needs to wrap around (TokenTable::refresh), and far more than it costs.
constexpr uint64_t kRefreshNs = 60'000'000'000;

// What a bucket holds and who is refused may change; what is counted by what, and how fast it comes
// back, is another count.
bool same_tokens(const config::RateLimit& a, const config::RateLimit& b) {
  return a.name == b.name && a.rate == b.rate && a.by == b.by && a.ipv6_prefix == b.ipv6_prefix &&
         a.memory == b.memory;
}

}  // namespace

void LimitTables::use(const config::Config& config) {
  std::vector<Tokens> tokens;
  for (const config::RateLimit& limit : config.rate_limits) {
    const auto known = std::ranges::find_if(
        tokens_, [&](const Tokens& one) { return same_tokens(one.of, limit); });
    tokens.push_back(
        {limit, known != tokens_.end()
                    ? known->table
                    : std::make_shared<TokenTable>(
                          limit.memory, limit.rate.count,
                          static_cast<uint64_t>(limit.rate.time.count()) * 1'000'000)});
  }
  tokens_ = std::move(tokens);
  std::vector<std::shared_ptr<ClientGate>> gates;
  std::map<std::string, unsigned> seen;
  for (const config::Listener& listener : config.listeners) {
    const unsigned nth = seen[listener.address]++;
    auto& gate = gates.emplace_back();
    if (!listener.per_client.enabled()) continue;
    const auto known = std::ranges::find_if(gates_, [&](const auto& one) {
      return one != nullptr && one->is_of(listener.address, nth, listener.per_client);
    });
    gate = known != gates_.end() ? *known
                                 : std::make_shared<ClientGate>(listener.address, nth,
                                                                listener.per_client, hash_secret_);
  }
  gates_ = std::move(gates);
}

std::vector<std::shared_ptr<TokenTable>> LimitTables::rate_limits() const {
  std::vector<std::shared_ptr<TokenTable>> tables;
  for (const Tokens& one : tokens_) tables.push_back(one.table);
  return tables;
}

void LimitTables::show(uint64_t now_ns, admin::View& seen) const {
  for (const Tokens& one : tokens_)
    seen.rate_limits.push_back({one.of.name, one.table->live(now_ns), one.table->room()});
}

void LimitTables::refresh(uint64_t now_ns) {
  if (now_ns - refreshed_ns_ < kRefreshNs) return;
  refreshed_ns_ = now_ns;
  for (const Tokens& one : tokens_) one.table->refresh(now_ns);
  for (const auto& gate : gates_) {
    if (gate != nullptr) gate->refresh(now_ns);
  }
}

}  // namespace onehop::server
