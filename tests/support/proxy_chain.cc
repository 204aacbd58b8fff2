// SPDX-License-Identifier: MIT
#include "tests/support/proxy_chain.h"

#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::test {

std::string listener_tls(Certificates& made) {
  const CertificateFiles files = made.leaf();
  return "[listener.tls]\ncertificates = [{ cert = \"" + files.cert + "\", key = \"" + files.key +
         "\" }]\n";
}

ProxyChain::ProxyChain(Leg down, Leg up, ScriptedOrigin::Script script, ProxyConfig config,
                       Speaks origin)
    : down_(down), origin_(std::move(script)), endpoint_(origin_.address()) {
  if (up.speaks != origin || up.tls == Tls::on) {
    // It believes the first one, so that the origin sees what that says.
    ProxyConfig before_origin{.endpoints = {origin_.address()},
                              .listener = config.listener,
                              .server = "trusted_proxies = [\"127.0.0.1\"]"};
    before_origin.upstream = origin == Speaks::h2 ? "protocol = \"h2\"" : "protocol = \"h1\"";
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

std::string Side::name() const {
  return (is_h2() ? "HTTP/2" : version) + (leg.tls == Tls::on ? " over tls" : "");
}

void for_all_versions(const std::function<void(const Side& down, const Side& up)>& body) {
  for_all_legs([&](Leg down, Leg up) {
    const auto versions = [](Leg leg) -> std::vector<std::string> {
      if (leg.speaks == Speaks::h2) return {"HTTP/2"};
      return {"HTTP/1.0", "HTTP/1.1"};
    };
    for (const std::string& of_client : versions(down)) {
      for (const std::string& of_origin : versions(up)) {
        const Side client{down, of_client};
        const Side origin{up, of_origin};
        INFO("client " << client.name() << ", origin " << origin.name());
        body(client, origin);
      }
    }
  });
}

}  // namespace onehop::test
