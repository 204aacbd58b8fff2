// SPDX-License-Identifier: MIT
// Makes the TLS connections of one endpoint and worker, and counts their handshakes.
#pragma once

#include <memory>
#include <string>

#include "onehop/upstream/upstream.h"

namespace onehop::upstream {

class SecureDialer final : private tls::DialObserver {
 public:
  // `name` is the endpoint's, as it is configured.
  SecureDialer(const Upstream::Parts& parts, std::string upstream, std::string name,
               telemetry::TlsShard& counters, Reachability& reachability);

  net::Dialer& any() { return any_; }      // whatever protocol the context offers
  net::Dialer& http1() { return http1_; }  // HTTP/1.1 alone

  // Dials that begin from now on are made with `context`.
  void use(const std::shared_ptr<const tls::ClientContext>& context);

 private:
  void on_handshake(bool resumed, uint64_t nanoseconds) override;
  void on_handshake_failed(tls::Failure failure, std::string_view detail) override;
  void on_handshakes(int64_t change) override { counters_.in_progress.add(change); }

  net::Loop& loop_;
  std::string upstream_;
  std::string name_;
  telemetry::TlsShard& counters_;
  Reachability& reachability_;
  tls::Dialer any_;
  tls::Dialer http1_;
};

}  // namespace onehop::upstream
