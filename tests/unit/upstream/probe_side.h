// SPDX-License-Identifier: MIT
// What health checks are made of, in a test's hand: a loop, a dialer, and an upstream whose
// endpoints are addresses.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "onehop/proxy/outcome.h"
#include "onehop/upstream/checks.h"
#include "tests/support/catch.h"
#include "tests/support/hand_dialer.h"

namespace onehop::upstream::test {

using onehop::test::HandDialer;
using onehop::test::HandLoop;
using onehop::test::HandPeer;

struct ProbeSide final : Checks::Events {
  ProbeSide() {
    upstream.name = "app";
    upstream.health.enabled = true;
  }

  Checks& checks() {
    if (made == nullptr) {
      Checks::Events& events = *this;
      made = std::make_unique<Checks>(Checks::Parts{loop, dialer, counters, events, "app", seed});
    }
    return *made;
  }

  // The upstream as it is now has these endpoints.
  void use(const std::vector<std::string>& addresses) {
    const auto made_now = std::make_shared<std::vector<SpecRef>>();
    for (const std::string& address : addresses) {
      const auto parsed = parse_host_port(address);
      made_now->push_back(book.spec({.upstream = "app",
                                     .identity = identity_of(upstream),
                                     .tls = false,
                                     .name = address,
                                     .host = parsed->host,
                                     .address = *Address::numeric(parsed->host, parsed->port)}));
      ids[address] = made_now->back()->id;
    }
    set = made_now;
    checks().use(upstream, nullptr, set);
  }

  // Deadlines are exact to 8 ms.
  void pass_ms(uint64_t ms) {
    loop.pass_ms(ms);
    loop.end_turn();
  }

  // One endpoint, whose first check has connected.
  HandPeer& ask() {
    use({"10.0.0.1:8000"});
    pass_ms(8);
    REQUIRE(dialer.pending() == 1);
    HandPeer& peer = dialer.accept();
    loop.end_turn();
    return peer;
  }
  void answer(HandPeer& peer, std::string_view bytes) {
    peer.say(bytes);
    loop.end_turn();
  }

  void on_checked(const std::string&, EndpointId endpoint, Judge::Checked how,
                  const std::string& why) override {
    results.push_back({endpoint, (how == Judge::Checked::passed ? "passed: " : "failed: ") + why});
  }
  // What the latest check found; "" before the first.
  std::string latest() const { return results.empty() ? "" : results.back().second; }

  uint64_t seed = 1;
  HandLoop loop;
  HandDialer dialer{loop};
  telemetry::Telemetry telemetry{proxy::outcome_names(), 1};
  EndpointBook book{telemetry};
  telemetry::EndpointShard counters;
  config::Upstream upstream;
  EndpointSet set;  // in use: what is in it stays the same endpoint
  std::map<std::string, EndpointId> ids;
  std::vector<std::pair<EndpointId, std::string>> results;
  std::unique_ptr<Checks> made;
};

}  // namespace onehop::upstream::test
