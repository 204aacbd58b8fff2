// SPDX-License-Identifier: MIT
// A proxy between any two protocols: client -> proxy -> origin. Where its upstream side is not
// what the origin speaks, a second onehop stands before the origin and translates.
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
  // `config` is that of the first proxy; its endpoints and its protocols are set here. `origin` is
  // what the script speaks.
  ProxyChain(Leg down, Leg up, ScriptedOrigin::Script script, ProxyConfig config = {},
             Speaks origin = Speaks::h1);

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

// One side of a proxy by its version: HTTP/1.0 is a leg of h1 with another word in its start line.
struct Side {
  Leg leg;
  std::string version = "HTTP/1.1";  // the word; of no meaning over HTTP/2

  bool is(std::string_view word) const { return leg.speaks == Speaks::h1 && version == word; }
  bool is_h2() const { return leg.speaks == Speaks::h2; }
  std::string name() const;  // "HTTP/1.0 over tls"
};

// The same for {HTTP/1.0, 1.1, 2} x {plain, tls} on both sides. Where the upstream's side has TLS
// or HTTP/2, what stands before the origin speaks HTTP/1.1 to it: an origin of HTTP/1.0 is met by
// the proxy itself over plain TCP alone.
void for_all_versions(const std::function<void(const Side& down, const Side& up)>& body);

}  // namespace onehop::test
