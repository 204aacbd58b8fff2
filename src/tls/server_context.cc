// SPDX-License-Identifier: MIT
#include "server_context.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <utility>

#include "onehop/base/ascii.h"
#include "onehop/base/assert.h"
#include "policy.h"

namespace onehop::tls {
namespace {

// What the callbacks are called for: the context that each SSL_CTX of it points to.
const OpenSslServerContext& owner_of(const SSL* ssl) noexcept {
  return *static_cast<const OpenSslServerContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

std::string below(size_t index, std::string_view key) {
  return fmt::format("certificates[{}].{}", index, key);
}

// A wildcard stands for one label (RFC 6125 6.4.3).
std::string wildcard_of(std::string_view name) {
  const size_t dot = name.find('.');
  return dot == name.npos ? std::string() : "*" + std::string(name.substr(dot));
}

bool is_for(const LoadedCertificate& certificate, std::string_view name) {
  return std::ranges::find(certificate.names, name) != certificate.names.end();
}

// Under these demands sessions may be resumed.
std::string demands(const config::ListenerTls& settings,
                    const std::vector<CertificatePtr>& authorities) {
  std::string text = fmt::format("{}", static_cast<int>(settings.client_certificates));
  for (const CertificatePtr& authority : authorities) text += fingerprint_of(*authority);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace

Result<std::shared_ptr<const ServerContext>, std::string> ServerContext::make(
    const config::Listener& listener, const ServerContext* previous,
    std::vector<std::string>& warnings) {
  auto built = OpenSslServerContext::build(listener, previous);
  if (!built.has_value()) {
    return Unexpected<std::string>(
        fmt::format("tls.{}: {}", built.error().key, built.error().sentence));
  }
  for (const config::Certificate& files : listener.tls.certificates) {
    if (std::string warning = warning_about_key(files.key); !warning.empty())
      warnings.push_back(std::move(warning));
  }
  return std::shared_ptr<const ServerContext>(std::move(*built));
}

std::vector<Fault> OpenSslServerContext::faults(const config::Listener& listener) {
  const config::ListenerTls& settings = listener.tls;
  std::vector<Fault> faults;
  for (size_t i = 0; i < settings.certificates.size(); ++i) {
    const auto loaded = load_certificate(settings.certificates[i]);
    if (!loaded.has_value())
      faults.push_back({below(i, loaded.error().key), loaded.error().sentence});
  }
  for (Fault& fault : faults_of_ciphers(settings)) faults.push_back(std::move(fault));
  if (settings.client_certificates != config::ClientCertificates::off) {
    const auto authorities = load_authorities(settings.client_ca, "client_ca");
    if (!authorities.has_value()) faults.push_back(authorities.error());
  }
  if (!faults.empty()) return faults;
  // Each by itself is fine; what OpenSSL says to them together is left.
  const auto built = build(listener, nullptr);
  if (!built.has_value()) faults.push_back(built.error());
  return faults;
}

OpenSslServerContext::OpenSslServerContext(const config::Listener& listener)
    : settings_(listener.tls), protocols_(protocol_list(listener.http2, true)) {}

Result<std::shared_ptr<const OpenSslServerContext>, Fault> OpenSslServerContext::build(
    const config::Listener& listener, const ServerContext* previous) {
  std::shared_ptr<OpenSslServerContext> made(new OpenSslServerContext(listener));
  const config::ListenerTls& settings = made->settings_;
  if (auto faults = faults_of_ciphers(settings); !faults.empty())
    return Unexpected<Fault>(std::move(faults.front()));
  for (size_t i = 0; i < settings.certificates.size(); ++i) {
    const config::Certificate& files = settings.certificates[i];
    // Before they are read: what changes meanwhile is seen later.
    for (const std::string& file : {files.cert, files.key, files.ocsp}) {
      if (!file.empty()) made->stamps_.emplace_back(file);
    }
    auto loaded = load_certificate(files);
    if (!loaded.has_value())
      return Unexpected<Fault>(Fault{below(i, loaded.error().key), loaded.error().sentence});
    made->certificates_.push_back(std::move(*loaded));
  }
  if (settings.client_certificates != config::ClientCertificates::off) {
    made->stamps_.emplace_back(settings.client_ca);
    auto authorities = load_authorities(settings.client_ca, "client_ca");
    if (!authorities.has_value()) return Unexpected<Fault>(std::move(authorities.error()));
    made->authorities_ = std::move(*authorities);
  }
  made->session_id_context_ = demands(settings, made->authorities_);
  if (settings.session_tickets) {
    if (previous != nullptr)
      made->ticket_keys_ = static_cast<const OpenSslServerContext*>(previous)->ticket_keys_;
    if (made->ticket_keys_ == nullptr) {
      made->ticket_keys_ =
          std::make_shared<TicketKeys>(settings.ticket_rotation, TicketKeys::Clock::now());
    }
    made->ticket_keys_->set_rotation(settings.ticket_rotation);
  }
  for (const LoadedCertificate& certificate : made->certificates_) {
    for (const std::string& name : certificate.names) {
      auto context = made->context_of(made->certificates_for(name));
      if (!context.has_value()) return Unexpected<Fault>(std::move(context.error()));
      made->by_name_.emplace(name, *context);
    }
  }
  const LoadedCertificate& first = made->certificates_.front();
  auto context = made->context_of(
      first.names.empty() ? Set{&first} : made->certificates_for(first.names.front()));
  if (!context.has_value()) return Unexpected<Fault>(std::move(context.error()));
  made->default_ = *context;
  return std::shared_ptr<const OpenSslServerContext>(std::move(made));
}

OpenSslServerContext::Set OpenSslServerContext::certificates_for(std::string_view name) const {
  Set set;
  const auto add_first_of_each_type = [&](std::string_view wanted) {
    for (const LoadedCertificate& certificate : certificates_) {
      const bool has_type = std::ranges::any_of(set, [&](const LoadedCertificate* other) {
        return other->key_type == certificate.key_type;
      });
      if (!has_type && is_for(certificate, wanted)) set.push_back(&certificate);
    }
  };
  add_first_of_each_type(name);
  if (const std::string wildcard = wildcard_of(name); !wildcard.empty())
    add_first_of_each_type(wildcard);
  return set;
}

Result<SSL_CTX*, Fault> OpenSslServerContext::context_of(const Set& set) {
  ContextPtr& context = contexts_[set];
  if (context != nullptr) return context.get();
  context.reset(SSL_CTX_new(TLS_server_method()));
  ONEHOP_ASSERT(context != nullptr);
  apply_common_options(*context);
  apply_policy(*context, settings_);
  for (const LoadedCertificate* certificate : set) {
    std::string refusal = use_certificate(*context, *certificate);
    if (refusal.empty()) continue;
    const auto index = static_cast<size_t>(certificate - certificates_.data());
    return Unexpected<Fault>(Fault{below(index, "cert"), std::move(refusal)});
  }
  SSL_CTX_set_app_data(context.get(), this);
  SSL_CTX_set_tlsext_servername_callback(context.get(), on_server_name);
  SSL_CTX_set_alpn_select_cb(context.get(), on_protocols, nullptr);
  SSL_CTX_set_tlsext_status_cb(context.get(), on_staple);
  demand_certificates(*context);
  set_session_rules(*context);
  return context.get();
}

void OpenSslServerContext::demand_certificates(SSL_CTX& context) const {
  if (settings_.client_certificates == config::ClientCertificates::off) return;
  X509_STORE* store = SSL_CTX_get_cert_store(&context);
  for (const CertificatePtr& authority : authorities_) {
    X509_STORE_add_cert(store, authority.get());
    SSL_CTX_add_client_CA(&context, authority.get());
  }
  const bool required = settings_.client_certificates == config::ClientCertificates::required;
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
}

// Sessions live in tickets alone: nothing is kept here for a client that may never come back.
void OpenSslServerContext::set_session_rules(SSL_CTX& context) const {
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(&context,
                                 reinterpret_cast<const unsigned char*>(session_id_context_.data()),
                                 static_cast<unsigned>(session_id_context_.size()));
  if (ticket_keys_ == nullptr) {
    SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(&context, 0);
    return;
  }
  const auto lifetime = std::chrono::ceil<std::chrono::seconds>(settings_.ticket_rotation);
  SSL_CTX_set_timeout(&context, static_cast<long>(lifetime.count()));
  SSL_CTX_set_tlsext_ticket_key_evp_cb(&context, on_ticket);
}

SslPtr OpenSslServerContext::make_ssl() const {
  SslPtr ssl(SSL_new(default_));
  ONEHOP_ASSERT(ssl != nullptr);
  SSL_set_accept_state(ssl.get());
  return ssl;
}

SSL_CTX* OpenSslServerContext::chosen_for(std::string_view given) const {
  std::string name(given);
  std::ranges::transform(name, name.begin(), to_lower);
  if (name.ends_with('.')) name.pop_back();
  if (const auto exact = by_name_.find(name); exact != by_name_.end()) return exact->second;
  const auto wildcard = by_name_.find(wildcard_of(name));
  return wildcard == by_name_.end() ? default_ : wildcard->second;
}

int OpenSslServerContext::on_server_name(SSL* ssl, int*, void*) noexcept {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* chosen = owner_of(ssl).chosen_for(name);
  if (chosen != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, chosen);
  return SSL_TLSEXT_ERR_OK;
}

// The first of ours that the client offers. A client that offers others only is told so, rather
// than talked to in a language that it did not ask for (edge case 93).
int OpenSslServerContext::on_protocols(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                                       const unsigned char* offered, unsigned offered_size,
                                       void*) noexcept {
  const std::string& ours = owner_of(ssl).protocols_;
  unsigned char* found = nullptr;
  const int outcome =
      SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_size);
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

int OpenSslServerContext::on_staple(SSL* ssl, void*) noexcept {
  // By now OpenSSL has chosen the certificate.
  const X509* shown = SSL_get_certificate(ssl);
  for (const LoadedCertificate& certificate : owner_of(ssl).certificates_) {
    if (certificate.leaf.get() != shown || certificate.ocsp.empty()) continue;
    void* copy = OPENSSL_memdup(certificate.ocsp.data(), certificate.ocsp.size());
    if (copy == nullptr) break;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(certificate.ocsp.size()));
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

int OpenSslServerContext::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv,
                                    EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                                    int encrypting) noexcept {
  constexpr int kFine = 1;
  constexpr int kRenew = 2;
  TicketKeys* keys = owner_of(ssl).ticket_keys();
  if (keys == nullptr) return 0;
  const int outcome = prepare_ticket(*keys, name, iv, cipher, mac, encrypting != 0);
  // A client of TLS 1.3 uses a ticket once, so it wants another.
  const bool renew = encrypting == 0 && outcome == kFine && SSL_version(ssl) >= TLS1_3_VERSION;
  return renew ? kRenew : outcome;
}

std::vector<CertificateExpiry> OpenSslServerContext::expiries() const {
  std::vector<CertificateExpiry> expiries;
  for (const LoadedCertificate& certificate : certificates_) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.leaf.get()), &parts) != 1) continue;
    expiries.push_back({certificate.file, subject_of(*certificate.leaf),
                        std::chrono::system_clock::from_time_t(::timegm(&parts))});
  }
  return expiries;
}

bool OpenSslServerContext::files_changed() const {
  return std::ranges::any_of(stamps_, [](const FileStamp& stamp) { return stamp.changed(); });
}

}  // namespace onehop::tls
