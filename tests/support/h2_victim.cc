// SPDX-License-Identifier: MIT
#include "tests/support/h2_victim.h"

#include <algorithm>
#include <utility>

namespace onehop::test {
namespace {

ScriptedOrigin::Script answering(std::string response) {
  return [response = std::move(response)](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      const bool small = request->target == "/small";
      if (!small && response.empty()) {
        connection.read_rest();
        return;
      }
      if (!connection.try_send(small ? ok("small") : response)) return;
    }
  };
}

ProxyConfig aimed(ProxyConfig config, const ScriptedOrigin& origin) {
  config.endpoints = {origin.address()};
  return config;
}

// An attacked origin sees requests cut short, which is no fault of the script.
ScriptedOrigin::Script unmoved(ScriptedOrigin::Script script) {
  return [script = std::move(script)](OriginConnection& connection) {
    try {
      script(connection);
    } catch (const PeerError&) {
      return;
    }
  };
}

// The sanitizer keeps freed memory for a while; that is not the proxy's memory.
SubprocessOptions no_quarantine() {
  return {
      .environment = {{"ASAN_OPTIONS", "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}},
      .open_files = 0,
      .directory = ""};
}

}  // namespace

H2Victim::H2Victim(const std::string& response, ProxyConfig config)
    : origin(unmoved(answering(response))),
      proxy(aimed(std::move(config), origin), no_quarantine()) {
  H2Peer first = connect();
  first.response(first.request(h2_request("GET", "/small")));
  serves();
  before_ = proxy.resident_bytes();
}

bool H2Victim::attack(H2Peer& attacker, int times, const std::function<std::string(int)>& bytes) {
  constexpr int kLooks = 8;  // how often the honest client comes
  std::string batch;
  int next_look = 0;
  bool ended = false;
  for (int i = 0; i < times && !ended; ++i) {
    batch += bytes(i);
    if (batch.size() < 16384 && i + 1 < times) continue;
    // An attacker does not wait: what is not taken within a moment never will be.
    ended = !attacker.try_send(std::exchange(batch, ""));
    if (i < next_look) continue;
    next_look = i + std::max(1, times / kLooks);
    served_meanwhile &= serves();
    most_in_flight = std::max(most_in_flight, in_flight());
    most_grown = std::max(most_grown, grown());
  }
  served_meanwhile &= serves();
  most_grown = std::max(most_grown, grown());
  return ended || !attacker.answers() || attacker.ended();
}

size_t H2Victim::grown() const {
  const size_t now = proxy.resident_bytes();
  return now > before_ ? now - before_ : 0;
}

}  // namespace onehop::test
