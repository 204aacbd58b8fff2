// SPDX-License-Identifier: MIT
// A proxy between any two protocols: client -> proxy -> origin. Where its upstream side is not
// plain HTTP/1.1, a second onehop stands before the origin and speaks it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/any_client.h"
#include "tests/support/certificates.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {

// [listener.tls] with a new certificate for localhost and 127.0.0.1.
std::string listener_tls(Certificates& made);

class ProxyChain {
 public:
  // `config` is that of the first proxy; its endpoints and its protocols are set here.
  ProxyChain(Leg down, Leg up, ScriptedOrigin::Script script, ProxyConfig config = {});

  std::unique_ptr<AnyClient> client();
  const ProxyProcess& proxy() const { return *proxy_; }
  const ScriptedOrigin& origin() const { return origin_; }
  // What the first proxy says of its only endpoint.
  int64_t endpoint_number(const std::string& path) const;

 private:
  Leg down_;
  Certificates made_;
  ScriptedOrigin origin_;
  std::optional<ProxyProcess> inner_;
  std::string endpoint_;
  std::optional<ProxyProcess> proxy_;
};

// `body` for {h1, h2} x {plain, tls} on the client's side times the same on the other. What it
// throws fails the test, and the other pairs run all the same.
void for_all_legs(const std::function<void(Leg down, Leg up)>& body);

}  // namespace onehop::test
