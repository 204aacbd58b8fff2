// SPDX-License-Identifier: MIT
// What an upstream's connections are made with, and what one endpoint's handshakes have in common:
// the name that is asked for and verified, and the sessions that can be resumed.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loading.h"
#include "onehop/tls/tls.h"
#include "renewal.h"
#include "transport.h"

namespace onehop::tls {

// The files that [upstream.NAME.tls] names, read.
struct ClientFiles {
  // `previous` may be null; faults have keys below `tls`.
  static Result<ClientFiles, Fault> read(const config::Upstream& upstream,
                                         const ClientFiles* previous,
                                         std::vector<std::string>& warnings);
  bool changed() const;
  bool same_as(const ClientFiles& other) const;  // the very same things in use

  std::optional<Read<LoadedCertificate>> own;
  std::optional<Read<std::vector<CertificatePtr>>> authorities;
};

class OpenSslClientContext final : public ClientContext {
 public:
  // Everything that is wrong with the settings; the keys are below `tls`.
  static std::vector<Fault> faults(const config::Upstream& upstream);

  static Result<std::shared_ptr<const OpenSslClientContext>, Fault> build(
      const config::Upstream& upstream, const OpenSslClientContext* previous,
      std::vector<std::string>& warnings);

  std::vector<CertificateExpiry> expiries() const override;
  bool files_changed() const override { return files_.changed(); }
  bool presents_as(const Context& other) const override;

  const config::UpstreamTls& settings() const { return settings_; }
  config::UpstreamProtocol protocol() const { return protocol_; }
  SSL_CTX& context() const { return *context_; }

 private:
  OpenSslClientContext(const config::Upstream& upstream, ClientFiles files);

  config::UpstreamTls settings_;
  config::UpstreamProtocol protocol_;
  ClientFiles files_;
  ContextPtr context_;
};

// One endpoint as a dialer's handshakes see it. Its connections keep it: a ticket may come when the
// dialer is gone. Belongs to one thread.
class Endpoint final : public TlsTransport::Refusal {
 public:
  // `http1_only`: whatever the context would offer. `observer` points to one, or to null.
  Endpoint(std::shared_ptr<const OpenSslClientContext> context, std::string host, bool http1_only,
           std::shared_ptr<DialObserver*> observer);

  void on_refused(Failure failure, std::string_view detail) override;

  const OpenSslClientContext& context() const { return *context_; }

  // For a handshake with the endpoint: the name to ask for and to verify, and a session to resume
  // where one is left.
  SslPtr make_ssl();

  void remember(SessionPtr session);

 private:
  SessionPtr take_session();

  std::shared_ptr<const OpenSslClientContext> context_;
  std::string name_;
  std::string protocols_;  // to offer, as ALPN writes them
  std::shared_ptr<DialObserver*> observer_;
  bool is_address_;                  // then there is no SNI (RFC 6066 3)
  std::deque<SessionPtr> sessions_;  // the newest last
};

}  // namespace onehop::tls
