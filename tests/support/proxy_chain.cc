// SPDX-License-Identifier: MIT
#include "tests/support/proxy_chain.h"

#include <utility>

#include "tests/support/catch.h"

namespace onehop::test {

std::string listener_tls(Certificates& made) {
  const CertificateFiles files = made.leaf();
  return "[listener.tls]\ncertificates = [{ cert = \"" + files.cert + "\", key = \"" + files.key +
         "\" }]\n";
}

ProxyChain::ProxyChain(Leg down, Leg up, ScriptedOrigin::Script script, ProxyConfig config)
    : down_(down), origin_(std::move(script)), endpoint_(origin_.address()) {
  if (up.speaks == Speaks::h2 || up.tls == Tls::on) {
    ProxyConfig before_origin{.endpoints = {origin_.address()}};
    if (up.tls == Tls::on) before_origin.more = listener_tls(made_);
    inner_.emplace(before_origin);
    endpoint_ = inner_->address();
  }
  config.endpoints = {endpoint_};
  config.upstream += up.speaks == Speaks::h2 ? "\nprotocol = \"h2\"" : "\nprotocol = \"h1\"";
  if (down.tls == Tls::on) config.more += listener_tls(made_);
  if (up.tls == Tls::on) config.more += "[upstream.app.tls]\nca = \"" + made_.authority() + "\"\n";
  proxy_.emplace(config);
}

std::unique_ptr<AnyClient> ProxyChain::client() {
  return connect_any(down_, proxy_->address(), made_.authority());
}

int64_t ProxyChain::endpoint_number(const std::string& path) const {
  return proxy_->stats().number_or_zero(ProxyProcess::endpoint(endpoint_, path));
}

void for_all_legs(const std::function<void(Leg down, Leg up)>& body) {
  constexpr Leg kLegs[] = {
      {Speaks::h1, Tls::off}, {Speaks::h1, Tls::on}, {Speaks::h2, Tls::off}, {Speaks::h2, Tls::on}};
  for (const Leg& down : kLegs) {
    for (const Leg& up : kLegs) {
      INFO("client " << down.name() << ", upstream " << up.name());
      try {
        body(down, up);
      } catch (const std::exception& error) {
        FAIL_CHECK(error.what());
      }
    }
  }
}

}  // namespace onehop::test
