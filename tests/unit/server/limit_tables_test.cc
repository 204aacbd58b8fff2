// SPDX-License-Identifier: MIT
#include "src/server/limit_tables.h"

#include "tests/support/catch.h"

namespace onehop::server {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
using telemetry::ClientLimit;

config::Config config_with(const config::PerClient& limits) {
  config::Config config;
  config.listeners.emplace_back().per_client = limits;
  return config;
}

Address client(std::string_view ip) {
  return *Address::numeric(ip, 4000);
}

TEST_CASE("tokens are found again while what they count stays the same") {
  config::Config config;
  config.rate_limits.push_back({.name = "few", .rate = {2, std::chrono::seconds(1)}});
  LimitTables tables;
  tables.use(config);
  const auto first = tables.rate_limits();
  config.rate_limits[0].burst = 7;
  config.rate_limits[0].dry_run = true;
  config.rate_limits.insert(config.rate_limits.begin(),
                            {.name = "new", .rate = {2, std::chrono::seconds(1)}});
  tables.use(config);
  CHECK(tables.rate_limits()[1] == first[0]);
  config.rate_limits[1].by = "path";
  tables.use(config);
  CHECK(tables.rate_limits()[1] != first[0]);
}

TEST_CASE("a place in the gate is held until its holder lets go of it") {
  const config::PerClient limits{.connections = 2};
  LimitTables tables;
  tables.use(config_with(limits));
  const auto gate = tables.listeners()[0];
  auto one = gate->ask(client("192.0.2.1"), limits, kSecond);
  const auto two = gate->ask(client("192.0.2.1"), limits, kSecond);
  CHECK(one.held != nullptr);
  CHECK_FALSE(two.refused_by.has_value());
  CHECK(gate->ask(client("192.0.2.1"), limits, kSecond).refused_by == ClientLimit::connections);
  CHECK_FALSE(gate->ask(client("192.0.2.2"), limits, kSecond).refused_by.has_value());
  one.held.reset();
  CHECK_FALSE(gate->ask(client("192.0.2.1"), limits, kSecond).refused_by.has_value());
}

TEST_CASE("who connects too often is refused, and holds no place") {
  const config::PerClient limits{
      .connections = 2, .new_connections = {1, std::chrono::seconds(1)}, .burst = 1};
  LimitTables tables;
  tables.use(config_with(limits));
  const auto gate = tables.listeners()[0];
  CHECK_FALSE(gate->ask(client("192.0.2.1"), limits, kSecond).refused_by.has_value());
  for (int i = 0; i < 5; ++i) {
    const auto asked = gate->ask(client("192.0.2.1"), limits, kSecond);
    CHECK(asked.refused_by == ClientLimit::new_connections);
    CHECK(asked.held == nullptr);
  }
  CHECK_FALSE(gate->ask(client("192.0.2.1"), limits, 2 * kSecond).refused_by.has_value());
}

TEST_CASE("a gate outlives the configuration that had it, for those who hold places") {
  const config::PerClient limits{.connections = 1};
  LimitTables tables;
  tables.use(config_with(limits));
  auto asked = tables.listeners()[0]->ask(client("192.0.2.1"), limits, kSecond);
  tables.use(config_with({.connections = 3}));
  CHECK(tables.listeners()[0]->ask(client("192.0.2.1"), limits, kSecond).refused_by ==
        ClientLimit::connections);  // the count goes on
  tables.use(config_with({}));
  CHECK(tables.listeners()[0] == nullptr);
  CHECK(asked.held != nullptr);
  asked.held.reset();
}

TEST_CASE("an IPv6 client is its network, and a unix socket has no addresses") {
  const config::PerClient limits{.connections = 1, .ipv6_prefix = 48};
  LimitTables tables;
  tables.use(config_with(limits));
  const auto gate = tables.listeners()[0];
  const auto one = gate->ask(client("2001:db8:1:2::3"), limits, kSecond);
  CHECK(gate->ask(client("2001:db8:1:ffff::1"), limits, kSecond).refused_by ==
        ClientLimit::connections);
  CHECK_FALSE(gate->ask(client("2001:db8:2::1"), limits, kSecond).refused_by.has_value());
  for (int i = 0; i < 3; ++i) {
    const auto process = Address::of_process({0, 1});
    CHECK_FALSE(gate->ask(process, limits, kSecond).refused_by.has_value());
  }
}

}  // namespace
}  // namespace onehop::server
