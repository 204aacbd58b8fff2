// SPDX-License-Identifier: MIT
// ProbeDialer: makes the connections of one endpoint's health checks as those of its requests are
// made: with a PROXY header that stands for no client, and over TLS.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "onehop/config/config.h"
#include "onehop/tls/tls.h"
#include "proxy_dialer.h"

namespace onehop::upstream {

class ProbeDialer final : private tls::DialObserver {
 public:
  // What is referred to outlives it. `context` is null without TLS, and `host` the name that a
  // certificate is to be for.
  struct Parts {
    net::Loop& loop;
    net::Dialer& dialer;
    config::ProxyProtocol proxy_protocol;
    std::shared_ptr<const tls::ClientContext> context;
    std::string host;
  };
  explicit ProbeDialer(const Parts& parts) {
    net::Dialer* below = &parts.dialer;
    if (parts.proxy_protocol != config::ProxyProtocol::off)
      below = &announcer_.emplace(*below, parts.proxy_protocol);
    DialObserver* const observer = this;
    if (parts.context != nullptr)
      below = &secure_.emplace(parts.loop, *below, parts.context, parts.host, observer);
    any_ = below;
  }

  net::Dialer& any() { return *any_; }
  bool secure() const { return secure_.has_value(); }

  // Checks that begin from now on are made with `context`.
  void use(const std::shared_ptr<const tls::ClientContext>& context) {
    if (secure_.has_value() && context != nullptr) secure_->use(context);
  }

  // What the latest handshake that failed did so by.
  const std::string& fault() const { return fault_; }

 private:
  void on_handshake(bool, uint64_t) override {}
  void on_handshake_failed(tls::Failure failure, std::string_view detail) override {
    fault_ = tls::sentence_of(failure);
    if (!detail.empty()) fault_.append(" (").append(detail).append(")");
  }
  void on_handshakes(int64_t) override {}

  std::string fault_;
  std::optional<ProxyDialer> announcer_;
  std::optional<tls::Dialer> secure_;
  net::Dialer* any_ = nullptr;
};

}  // namespace onehop::upstream
