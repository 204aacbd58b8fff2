// SPDX-License-Identifier: MIT
// Endpoints of onehop's own zone are preferred while enough of them are left.
#include "upstream/zones.h"

#include <algorithm>
#include <string>
#include <vector>

#include "balancer_side.h"
#include "pool_side.h"
#include "tests/support/small_proxy.h"

namespace onehop::upstream::test {
namespace {

constexpr std::string_view kHere = "a";
constexpr std::string_view kThere = "b";

// Which candidates may be picked, as letters.
std::string to_be_had(const Zones& zones, std::vector<Candidate>& candidates) {
  zones.apply(candidates);
  std::string text;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].out()) text += static_cast<char>('a' + i);
  }
  return text;
}

TEST_CASE("requests stay in a zone until less of it is left than was asked for") {
  Zones zones;
  zones.configure(kHere, 50);
  zones.rebuild(std::vector{kHere, kHere, kHere, kHere, kThere, kThere});
  std::vector<Candidate> candidates(6);
  CHECK(to_be_had(zones, candidates) == "abcd");
  candidates[0].excluded = candidates[1].excluded = true;
  CHECK(to_be_had(zones, candidates) == "cd");
  candidates[2].excluded = true;
  CHECK(to_be_had(zones, candidates) == "def");
  candidates[1].excluded = false;
  CHECK(to_be_had(zones, candidates) == "bd");
}

TEST_CASE("what is left of a zone is counted by weight") {
  Zones zones;
  zones.configure(kHere, 50);
  zones.rebuild(std::vector{kHere, kHere, kThere});
  std::vector<Candidate> candidates(3);
  candidates[0].weight = 3;
  candidates[1].excluded = true;
  CHECK(to_be_had(zones, candidates) == "a");
  candidates[1].excluded = false;
  candidates[0].excluded = true;
  CHECK(to_be_had(zones, candidates) == "bc");
}

TEST_CASE("with 0 a zone is left when nobody is there any more, and with 100 at the first") {
  std::vector<Candidate> candidates(3);
  candidates[0].excluded = true;
  for (const uint32_t percent : {0u, 100u}) {
    Zones zones;
    zones.configure(kHere, percent);
    zones.rebuild(std::vector{kHere, kHere, kThere});
    CHECK(to_be_had(zones, candidates) == (percent == 0 ? "b" : "bc"));
  }
  Zones zones;
  zones.configure(kHere, 0);
  zones.rebuild(std::vector{kHere, kHere, kThere});
  candidates[1].excluded = true;
  CHECK(to_be_had(zones, candidates) == "c");
}

TEST_CASE("nobody is preferred without a zone, and where no endpoint is in it") {
  std::vector<Candidate> candidates(2);
  Zones zones;
  zones.configure("", 50);
  zones.rebuild(std::vector<std::string_view>{"", kThere});
  CHECK(to_be_had(zones, candidates) == "ab");
  zones.configure("c", 50);
  zones.rebuild(std::vector{kHere, kThere});
  CHECK(to_be_had(zones, candidates) == "ab");
}

TEST_CASE("every balancer stays in the zone, goes elsewhere for a retry, and comes back") {
  for (const config::Balance balance : kAlgorithms) {
    HandLoop loop;
    HandDialer dialer{loop};
    config::Upstream upstream;
    upstream.name = "app";
    upstream.balance = balance;
    upstream.hash_by = "client";
    upstream.endpoints = {{.address = "127.0.0.1:9001", .weight = 1, .zone = "a"},
                          {.address = "127.0.0.1:9002", .weight = 1, .zone = "b"},
                          {.address = "127.0.0.1:9003", .weight = 1, .zone = "a"},
                          {.address = "127.0.0.1:9004"}};
    config::Server server;
    server.zone = "a";
    onehop::test::SmallProxy small(onehop::test::config_of(upstream, server), loop, dialer);
    Upstream& made = *small.upstreams.front();
    for (uint64_t i = 0; i < 100; ++i) {
      const std::string& name = made.pick({.hash = mixed(i)})->name();
      CHECK((name.back() == '1' || name.back() == '3'));
    }
    const std::vector<EndpointId> tried = {made.endpoints()[0]->id(), made.endpoints()[2]->id()};
    for (uint64_t i = 0; i < 100; ++i) {
      const std::string& name = made.pick({tried, mixed(i)})->name();
      CHECK((name.back() == '2' || name.back() == '4'));
    }
    CHECK(made.pick({.hash = 1})->name().back() % 2 == 1);
    // A configuration with another zone.
    server.zone = "b";
    small.apply(onehop::test::config_of(upstream, server));
    CHECK(made.pick({.hash = 1})->name().back() == '2');
    server.zone = "";
    small.apply(onehop::test::config_of(upstream, server));
    std::string seen;
    for (uint64_t i = 0; i < 200; ++i) seen += made.pick({.hash = mixed(i)})->name().back();
    for (const char last : {'1', '2', '3', '4'}) CHECK(seen.find(last) != std::string::npos);
    loop.end_turn();
  }
}

}  // namespace
}  // namespace onehop::upstream::test
