// SPDX-License-Identifier: MIT
// What an upstream's connections are made with, and what one endpoint's handshakes have in common:
// the name that is asked for and verified, and the sessions that can be resumed.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "loading.h"
#include "onehop/tls/tls.h"

namespace onehop::tls {

class OpenSslClientContext final : public ClientContext {
 public:
  // Everything that is wrong with the settings; the keys are below `tls`.
  static std::vector<Fault> faults(const config::Upstream& upstream);

  static Result<std::shared_ptr<const OpenSslClientContext>, Fault> build(
      const config::Upstream& upstream);

  const config::UpstreamTls& settings() const { return settings_; }
  bool demands_http2() const { return protocol_ == config::UpstreamProtocol::h2; }
  SSL_CTX& context() const { return *context_; }

 private:
  explicit OpenSslClientContext(const config::Upstream& upstream);

  config::UpstreamTls settings_;
  config::UpstreamProtocol protocol_;
  ContextPtr context_;
};

// One endpoint as a dialer's handshakes see it. Its connections keep it: a ticket may come when the
// dialer is gone. Belongs to one thread.
class Endpoint {
 public:
  Endpoint(std::shared_ptr<const OpenSslClientContext> context, std::string host);

  const OpenSslClientContext& context() const { return *context_; }

  // For a handshake with the endpoint: the name to ask for and to verify, and a session to resume
  // where one is left.
  SslPtr make_ssl();

  void remember(SessionPtr session);

 private:
  SessionPtr take_session();

  std::shared_ptr<const OpenSslClientContext> context_;
  std::string name_;
  bool is_address_;                  // then there is no SNI (RFC 6066 3)
  std::deque<SessionPtr> sessions_;  // the newest last
};

}  // namespace onehop::tls
