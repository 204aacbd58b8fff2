// SPDX-License-Identifier: MIT
// A listener's contexts of OpenSSL: one for each set of certificates that some server name is
// served with.
//
// A name's set has of each type of key the first certificate that has it, so one that has the exact
// name comes before all that have the wildcard; OpenSSL then chooses by what the client can verify.
// All contexts demand the
// same of clients, so a ticket that was given under one name proves no less under another; another
// listener has other keys, and other demands after a reload another session id context (edge case
// 96).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "listener_files.h"
#include "onehop/tls/tls.h"
#include "ticket_keys.h"

namespace onehop::tls {

class OpenSslServerContext final : public ServerContext {
 public:
  // Everything that is wrong with the settings; the keys are below `tls`.
  static std::vector<Fault> faults(const config::Listener& listener);

  static Result<std::shared_ptr<const OpenSslServerContext>, Fault> build(
      const config::Listener& listener, const OpenSslServerContext* previous,
      std::vector<std::string>& warnings);

  std::vector<CertificateExpiry> expiries() const override;
  bool files_changed() const override;
  bool presents_as(const Context& other) const override;
  std::string ticket_key_bytes() const override;
  void use_ticket_key_bytes(std::string_view bytes) const override;

  SslPtr make_ssl() const;
  std::chrono::milliseconds handshake_timeout() const { return settings_.handshake_timeout; }

  // The keys of tickets; null when there are none. For tests, too.
  TicketKeys* ticket_keys() const { return ticket_keys_.get(); }

 private:
  OpenSslServerContext(const config::Listener& listener, ListenerFiles files);

  std::optional<Fault> make_contexts();

  using Set = std::vector<const LoadedCertificate*>;
  Set certificates_for(std::string_view name) const;
  Result<SSL_CTX*, Fault> context_of(const Set& set);
  void demand_certificates(SSL_CTX& context) const;
  void set_session_rules(SSL_CTX& context) const;
  SSL_CTX* chosen_for(std::string_view name) const;

  static int on_server_name(SSL* ssl, int* alert, void*) noexcept;
  static int on_protocols(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                          const unsigned char* offered, unsigned offered_size, void*) noexcept;
  static int on_staple(SSL* ssl, void*) noexcept;
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int encrypting) noexcept;

  config::ListenerTls settings_;
  std::string protocols_;            // as ALPN writes them, the preferred one first
  std::string protocols_but_http2_;  // for ciphers that HTTP/2 forbids
  ListenerFiles files_;
  std::string session_id_context_;
  std::shared_ptr<TicketKeys> ticket_keys_;
  std::map<Set, ContextPtr> contexts_;
  std::map<std::string, SSL_CTX*, std::less<>> by_name_;
  SSL_CTX* default_ = nullptr;
};

}  // namespace onehop::tls
