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
std::string demands(const config::ListenerTls& settings, const ListenerFiles& files) {
  std::string text = fmt::format("{}", static_cast<int>(settings.client_certificates));
  for (const CertificatePtr& authority : files.authorities()) text += fingerprint_of(*authority);
  for (const CrlPtr& list : files.revocations()) text += fingerprint_of(*list);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace

Result<std::shared_ptr<const ServerContext>, std::string> ServerContext::make(
    const config::Listener& listener, const ServerContext* previous,
    std::vector<std::string>& warnings) {
  auto built = OpenSslServerContext::build(
      listener, static_cast<const OpenSslServerContext*>(previous), warnings);
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
    auto loaded = load_certificate(settings.certificates[i]);
    if (!loaded.has_value()) {
      faults.push_back({below(i, loaded.error().key), loaded.error().sentence});
      continue;
    }
    const std::string why = loaded->staple.why_not(Staple::Clock::now());
    if (!why.empty()) {
      faults.push_back({below(i, "ocsp"),
                        fmt::format("an OCSP response that is valid now, found \"{}\", which {}",
                                    loaded->staple.file, why)});
    }
  }
  for (Fault& fault : faults_of_ciphers(settings)) faults.push_back(std::move(fault));
  if (settings.client_certificates != config::ClientCertificates::off) {
    const auto authorities = load_authorities(settings.client_ca, "client_ca");
    if (!authorities.has_value()) faults.push_back(authorities.error());
  }
  if (!settings.client_crl.empty()) {
    const auto revocations = load_revocations(settings.client_crl, "client_crl");
    if (!revocations.has_value()) faults.push_back(revocations.error());
  }
  if (!faults.empty()) return faults;
  std::vector<std::string> unheard;
  const auto built = build(listener, nullptr, unheard);
  if (!built.has_value()) faults.push_back(built.error());
  return faults;
}

OpenSslServerContext::OpenSslServerContext(const config::Listener& listener, ListenerFiles files)
    : settings_(listener.tls),
      protocols_(protocol_list(listener.http2, true)),
      protocols_but_http2_(protocol_list(false, true)),
      files_(std::move(files)) {}

Result<std::shared_ptr<const OpenSslServerContext>, Fault> OpenSslServerContext::build(
    const config::Listener& listener, const OpenSslServerContext* previous,
    std::vector<std::string>& warnings) {
  const config::ListenerTls& settings = listener.tls;
  if (auto faults = faults_of_ciphers(settings); !faults.empty())
    return Unexpected<Fault>(std::move(faults.front()));
  auto files =
      ListenerFiles::read(listener, previous == nullptr ? nullptr : &previous->files_, warnings);
  if (!files.has_value()) return Unexpected<Fault>(std::move(files.error()));
  if (auto fault = fault_of_use(listener, files->certificates()); fault.has_value())
    return Unexpected<Fault>(std::move(*fault));
  std::shared_ptr<OpenSslServerContext> made(new OpenSslServerContext(listener, std::move(*files)));
  made->session_id_context_ = demands(settings, made->files_);
  if (settings.session_tickets) {
    if (previous != nullptr) made->ticket_keys_ = previous->ticket_keys_;
    if (made->ticket_keys_ == nullptr) {
      made->ticket_keys_ =
          std::make_shared<TicketKeys>(settings.ticket_rotation, TicketKeys::Clock::now());
    }
    made->ticket_keys_->set_rotation(settings.ticket_rotation);
  }
  if (auto fault = made->make_contexts(); fault.has_value())
    return Unexpected<Fault>(std::move(*fault));
  return std::shared_ptr<const OpenSslServerContext>(std::move(made));
}

std::string OpenSslServerContext::ticket_key_bytes() const {
  return ticket_keys_ == nullptr ? "" : ticket_keys_->bytes(TicketKeys::Clock::now());
}

void OpenSslServerContext::use_ticket_key_bytes(std::string_view bytes) const {
  if (ticket_keys_ != nullptr) ticket_keys_->use_bytes(bytes, TicketKeys::Clock::now());
}

std::optional<Fault> OpenSslServerContext::make_contexts() {
  const Set certificates = files_.certificates();
  for (const LoadedCertificate* certificate : certificates) {
    for (const std::string& name : certificate->names) {
      auto context = context_of(certificates_for(name));
      if (!context.has_value()) return std::move(context.error());
      by_name_.emplace(name, *context);
    }
  }
  const LoadedCertificate* first = certificates.front();
  auto context =
      context_of(first->names.empty() ? Set{first} : certificates_for(first->names.front()));
  if (!context.has_value()) return std::move(context.error());
  default_ = *context;
  return std::nullopt;
}

OpenSslServerContext::Set OpenSslServerContext::certificates_for(std::string_view name) const {
  Set set;
  for (const LoadedCertificate* certificate : files_.certificates()) {
    const bool has_type = std::ranges::any_of(set, [&](const LoadedCertificate* other) {
      return other->key_type == certificate->key_type;
    });
    if (!has_type && is_for(*certificate, name)) set.push_back(certificate);
  }
  return set;
}

Result<SSL_CTX*, Fault> OpenSslServerContext::context_of(const Set& set) {
  ContextPtr& context = contexts_[set];
  if (context != nullptr) return context.get();
  context = make_server_context(settings_);
  for (const LoadedCertificate* certificate : set) {
    std::string refusal = use_certificate(*context, *certificate);
    if (!refusal.empty()) return Unexpected<Fault>(Fault{"certificates", std::move(refusal)});
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
  for (const CertificatePtr& authority : files_.authorities()) {
    X509_STORE_add_cert(store, authority.get());
    SSL_CTX_add_client_CA(&context, authority.get());
  }
  // With any list, each authority of a chain must have one that is valid: who cannot be looked up
  // is refused.
  for (const CrlPtr& list : files_.revocations()) X509_STORE_add_crl(store, list.get());
  if (!files_.revocations().empty())
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
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
  const OpenSslServerContext& owner = owner_of(ssl);
  const SSL_CIPHER* cipher = SSL_get_pending_cipher(ssl);  // it is chosen before
  const bool may_be_http2 = cipher == nullptr || is_for_http2(*cipher);
  const std::string& ours = may_be_http2 ? owner.protocols_ : owner.protocols_but_http2_;
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
  for (const LoadedCertificate* certificate : owner_of(ssl).files_.certificates()) {
    const Staple& staple = certificate->staple;
    if (certificate->leaf.get() != shown || !staple.is_for_use(Staple::Clock::now())) continue;
    void* copy = OPENSSL_memdup(staple.response.data(), staple.response.size());
    if (copy == nullptr) break;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(staple.response.size()));
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
  for (const LoadedCertificate* certificate : files_.certificates())
    expiries.push_back(expiry_of(*certificate));
  return expiries;
}

bool OpenSslServerContext::presents_as(const Context& other) const {
  return files_.same_as(static_cast<const OpenSslServerContext&>(other).files_);
}

bool OpenSslServerContext::files_changed() const {
  return files_.changed();
}

}  // namespace onehop::tls
