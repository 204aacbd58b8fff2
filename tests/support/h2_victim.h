// SPDX-License-Identifier: MIT
// A proxy under attack: what it holds is measured against what it held before, and an honest client
// is served meanwhile.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "tests/support/h2_client.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {

// What the process may grow by; ThreadSanitizer keeps four bytes beside each that is used.
inline size_t attack_growth() {
  const size_t copies = ProxyProcess::sanitizer() == ProxyProcess::Sanitizer::thread ? 5 : 1;
  return copies * 12 << 20;
}

class H2Victim {
 public:
  // The origin answers every request with `response`; without one it answers only "/small".
  explicit H2Victim(const std::string& response = "", ProxyConfig config = {});

  H2Peer connect(const H2Settings& settings = {}) const {
    return H2Peer::connect(proxy.address(), settings);
  }

  // Sends `bytes(i)` for i = 0, 1, ... until the proxy has had enough or `times` are over, and
  // looks after the honest client all along. Returns whether the proxy ended it.
  bool attack(H2Peer& attacker, int times, const std::function<std::string(int)>& bytes);

  // An honest client gets an answer.
  bool serves() const { return proxy.get("/small").status == 200; }
  size_t grown() const;
  int64_t in_flight() const { return proxy.stats().number("downstream/requests/in_flight"); }

  ScriptedOrigin origin;
  ProxyProcess proxy;
  bool served_meanwhile = true;
  int64_t most_in_flight = 0;
  size_t most_grown = 0;

 private:
  size_t before_;
};

}  // namespace onehop::test
