// SPDX-License-Identifier: MIT
#include "client_context.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <utility>

#include "onehop/base/address.h"
#include "onehop/base/assert.h"
#include "policy.h"

namespace onehop::tls {
namespace {

// A server gives two tickets to a new client; this many connections can be begun with them at once.
constexpr size_t kMostSessions = 8;

int on_new_session(SSL* ssl, SSL_SESSION* session) noexcept {
  static_cast<Endpoint*>(SSL_get_app_data(ssl))->remember(SessionPtr(session));
  return 1;  // it is ours now
}

Result<LoadedCertificate, Fault> load_own_certificate(const config::UpstreamTls& settings) {
  return load_certificate({settings.cert, settings.key, ""});
}

bool has_own_certificate(const config::UpstreamTls& settings) {
  return !settings.cert.empty() || !settings.key.empty();
}

void offer_protocols(SSL_CTX& context, config::UpstreamProtocol protocol) {
  const std::string list = protocol_list(protocol != config::UpstreamProtocol::h1,
                                         protocol != config::UpstreamProtocol::h2);
  // Zero is success, here alone.
  ONEHOP_ASSERT(SSL_CTX_set_alpn_protos(&context,
                                        reinterpret_cast<const unsigned char*>(list.data()),
                                        static_cast<unsigned>(list.size())) == 0);
}

}  // namespace

Result<std::shared_ptr<const ClientContext>, std::string> ClientContext::make(
    const config::Upstream& upstream) {
  auto built = OpenSslClientContext::build(upstream);
  if (built.has_value()) return std::shared_ptr<const ClientContext>(std::move(*built));
  return Unexpected<std::string>(
      fmt::format("tls.{}: {}", built.error().key, built.error().sentence));
}

std::vector<Fault> OpenSslClientContext::faults(const config::Upstream& upstream) {
  const config::UpstreamTls& settings = upstream.tls;
  std::vector<Fault> faults;
  if (!settings.ca.empty()) {
    const auto authorities = load_authorities(settings.ca, "ca");
    if (!authorities.has_value()) faults.push_back(authorities.error());
  }
  if (has_own_certificate(settings)) {
    const auto loaded = load_own_certificate(settings);
    if (!loaded.has_value()) faults.push_back(loaded.error());
  }
  if (!faults.empty()) return faults;
  const auto built = build(upstream);
  if (!built.has_value()) faults.push_back(built.error());
  return faults;
}

OpenSslClientContext::OpenSslClientContext(const config::Upstream& upstream)
    : settings_(upstream.tls), protocol_(upstream.protocol) {}

Result<std::shared_ptr<const OpenSslClientContext>, Fault> OpenSslClientContext::build(
    const config::Upstream& upstream) {
  std::shared_ptr<OpenSslClientContext> made(new OpenSslClientContext(upstream));
  const config::UpstreamTls& settings = made->settings_;
  made->context_.reset(SSL_CTX_new(TLS_client_method()));
  ONEHOP_ASSERT(made->context_ != nullptr);
  SSL_CTX& context = *made->context_;
  apply_common_options(context);
  apply_policy(context, config::ListenerTls{});
  offer_protocols(context, made->protocol_);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(&context, on_new_session);
  if (has_own_certificate(settings)) {
    const auto loaded = load_own_certificate(settings);
    if (!loaded.has_value()) return Unexpected<Fault>(loaded.error());
    if (std::string refusal = use_certificate(context, *loaded); !refusal.empty())
      return Unexpected<Fault>(Fault{"cert", std::move(refusal)});
  }
  if (settings.ca.empty()) {
    if (!settings.insecure_skip_verify) SSL_CTX_set_default_verify_paths(&context);
  } else {
    const auto authorities = load_authorities(settings.ca, "ca");
    if (!authorities.has_value()) return Unexpected<Fault>(authorities.error());
    for (const CertificatePtr& authority : *authorities) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), authority.get());
    }
  }
  SSL_CTX_set_verify(&context, settings.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     nullptr);
  return std::shared_ptr<const OpenSslClientContext>(std::move(made));
}

Endpoint::Endpoint(std::shared_ptr<const OpenSslClientContext> context, std::string host)
    : context_(std::move(context)), name_(std::move(host)) {
  if (!context_->settings().server_name.empty()) name_ = context_->settings().server_name;
  if (name_.size() > 1 && name_.ends_with('.')) name_.pop_back();
  is_address_ = Address::numeric(name_, 0).has_value();
}

SslPtr Endpoint::make_ssl() {
  SslPtr ssl(SSL_new(&context_->context()));
  ONEHOP_ASSERT(ssl != nullptr);
  SSL_set_connect_state(ssl.get());
  SSL_set_app_data(ssl.get(), this);
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl.get());
  if (is_address_) {
    ONEHOP_ASSERT(X509_VERIFY_PARAM_set1_ip_asc(wanted, name_.c_str()) == 1);
  } else {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ONEHOP_ASSERT(X509_VERIFY_PARAM_set1_host(wanted, name_.data(), name_.size()) == 1);
    ONEHOP_ASSERT(SSL_set_tlsext_host_name(ssl.get(), name_.c_str()) == 1);
  }
  if (const SessionPtr session = take_session(); session != nullptr)
    SSL_set_session(ssl.get(), session.get());
  return ssl;
}

void Endpoint::remember(SessionPtr session) {
  sessions_.push_back(std::move(session));
  if (sessions_.size() > kMostSessions) sessions_.pop_front();
}

// The newest. A ticket of TLS 1.3 is used once, or whoever looks on could tell that two connections
// are of the same client (RFC 8446 C.4).
SessionPtr Endpoint::take_session() {
  while (!sessions_.empty()) {
    SSL_SESSION* newest = sessions_.back().get();
    const long age = static_cast<long>(std::time(nullptr)) - SSL_SESSION_get_time(newest);
    if (SSL_SESSION_is_resumable(newest) == 1 && age < SSL_SESSION_get_timeout(newest)) {
      if (SSL_SESSION_get_protocol_version(newest) < TLS1_3_VERSION) {
        SSL_SESSION_up_ref(newest);
        return SessionPtr(newest);
      }
      SessionPtr session = std::move(sessions_.back());
      sessions_.pop_back();
      return session;
    }
    sessions_.pop_back();
  }
  return nullptr;
}

}  // namespace onehop::tls
