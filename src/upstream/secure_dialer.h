// SPDX-License-Identifier: MIT
// Makes the TLS connections of one endpoint and worker, and counts their handshakes.
#pragma once

#include <memory>
#include <string>

#include "onehop/tls/tls.h"
#include "onehop/upstream/endpoint_set.h"

namespace onehop::upstream {

class SecureDialer final : private tls::DialObserver {
 public:
  // Everything referred to outlives it.
  struct Parts {
    net::Loop& loop;
    net::Dialer& dialer;
    std::shared_ptr<const tls::ClientContext> context;
    const std::string& upstream;
    SpecRef spec;
    telemetry::TlsShard& counters;
  };
  explicit SecureDialer(const Parts& parts);

  net::Dialer& any() { return any_; }      // whatever protocol the context offers
  net::Dialer& http1() { return http1_; }  // HTTP/1.1 alone

  // Dials that begin from now on are made with `context`.
  void use(const std::shared_ptr<const tls::ClientContext>& context);

 private:
  void on_handshake(bool resumed, uint64_t nanoseconds) override;
  void on_handshake_failed(tls::Failure failure, std::string_view detail) override;
  void on_handshakes(int64_t change) override { parts_.counters.in_progress.add(change); }

  Parts parts_;
  tls::Dialer any_;
  tls::Dialer http1_;
};

}  // namespace onehop::upstream
