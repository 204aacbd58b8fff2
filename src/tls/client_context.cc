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

bool has_own_certificate(const config::UpstreamTls& settings) {
  return !settings.cert.empty() || !settings.key.empty();
}

// A context with what the settings say, and nothing of the files yet.
ContextPtr make_client_context(const config::UpstreamTls& settings) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  ONEHOP_ASSERT(context != nullptr);
  apply_common_options(*context);
  apply_policy(*context, config::ListenerTls{});
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), on_new_session);
  SSL_CTX_set_verify(context.get(),
                     settings.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  return context;
}

Result<LoadedCertificate, Fault> load_own(const config::Upstream& upstream) {
  auto loaded = load_certificate({upstream.tls.cert, upstream.tls.key, ""});
  if (!loaded.has_value()) return loaded;
  const ContextPtr context = make_client_context(upstream.tls);
  if (std::string refusal = use_certificate(*context, *loaded); !refusal.empty())
    return Unexpected<Fault>(Fault{"cert", std::move(refusal)});
  return loaded;
}

}  // namespace

Result<std::shared_ptr<const ClientContext>, std::string> ClientContext::make(
    const config::Upstream& upstream, const ClientContext* previous,
    std::vector<std::string>& warnings) {
  auto built = OpenSslClientContext::build(
      upstream, static_cast<const OpenSslClientContext*>(previous), warnings);
  if (!built.has_value()) {
    return Unexpected<std::string>(
        fmt::format("tls.{}: {}", built.error().key, built.error().sentence));
  }
  if (std::string warning = warning_about_key(upstream.tls.key); !warning.empty())
    warnings.push_back(std::move(warning));
  return std::shared_ptr<const ClientContext>(std::move(*built));
}

Result<ClientFiles, Fault> ClientFiles::read(const config::Upstream& upstream,
                                             const ClientFiles* previous,
                                             std::vector<std::string>& warnings) {
  const config::UpstreamTls& settings = upstream.tls;
  const std::string whose = "upstream " + upstream.name;
  ClientFiles files;
  if (!settings.ca.empty()) {
    const auto* old =
        previous != nullptr && previous->authorities ? &*previous->authorities : nullptr;
    const auto load = [&] { return load_authorities(settings.ca, "ca"); };
    auto read = renew<std::vector<CertificatePtr>>({settings.ca}, old, load, whose, warnings);
    if (!read.has_value()) return Unexpected<Fault>(std::move(read.error()));
    files.authorities = std::move(*read);
  }
  if (has_own_certificate(settings)) {
    const auto* old = previous != nullptr && previous->own ? &*previous->own : nullptr;
    const auto load = [&] { return load_own(upstream); };
    auto read = renew<LoadedCertificate>({settings.cert, settings.key}, old, load, whose, warnings);
    if (!read.has_value()) return Unexpected<Fault>(std::move(read.error()));
    files.own = std::move(*read);
  }
  return files;
}

bool ClientFiles::changed() const {
  return (own.has_value() && own->changed()) || (authorities.has_value() && authorities->changed());
}

bool ClientFiles::same_as(const ClientFiles& other) const {
  const auto equal = [](const auto& one, const auto& two) {
    return one.has_value() == two.has_value() && (!one.has_value() || one->it == two->it);
  };
  return equal(own, other.own) && equal(authorities, other.authorities);
}

bool OpenSslClientContext::presents_as(const Context& other) const {
  return files_.same_as(static_cast<const OpenSslClientContext&>(other).files_);
}

std::vector<Fault> OpenSslClientContext::faults(const config::Upstream& upstream) {
  std::vector<Fault> faults;
  if (!upstream.tls.ca.empty()) {
    const auto authorities = load_authorities(upstream.tls.ca, "ca");
    if (!authorities.has_value()) faults.push_back(authorities.error());
  }
  if (has_own_certificate(upstream.tls)) {
    const auto loaded = load_own(upstream);
    if (!loaded.has_value()) faults.push_back(loaded.error());
  }
  return faults;
}

OpenSslClientContext::OpenSslClientContext(const config::Upstream& upstream, ClientFiles files)
    : settings_(upstream.tls),
      protocol_(upstream.protocol),
      files_(std::move(files)),
      context_(make_client_context(settings_)) {}

Result<std::shared_ptr<const OpenSslClientContext>, Fault> OpenSslClientContext::build(
    const config::Upstream& upstream, const OpenSslClientContext* previous,
    std::vector<std::string>& warnings) {
  auto files =
      ClientFiles::read(upstream, previous == nullptr ? nullptr : &previous->files_, warnings);
  if (!files.has_value()) return Unexpected<Fault>(std::move(files.error()));
  std::shared_ptr<OpenSslClientContext> made(new OpenSslClientContext(upstream, std::move(*files)));
  SSL_CTX& context = *made->context_;
  if (made->files_.own.has_value()) {
    // It was tried with a context like this one.
    ONEHOP_ASSERT(use_certificate(context, *made->files_.own->it).empty());
  }
  if (made->files_.authorities.has_value()) {
    for (const CertificatePtr& authority : *made->files_.authorities->it)
      X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), authority.get());
  } else if (!made->settings_.insecure_skip_verify) {
    SSL_CTX_set_default_verify_paths(&context);
  }
  return std::shared_ptr<const OpenSslClientContext>(std::move(made));
}

std::vector<CertificateExpiry> OpenSslClientContext::expiries() const {
  if (!files_.own.has_value()) return {};
  return {expiry_of(*files_.own->it)};
}

Endpoint::Endpoint(std::shared_ptr<const OpenSslClientContext> context, std::string host,
                   bool http1_only, std::shared_ptr<DialObserver*> observer)
    : context_(std::move(context)), name_(std::move(host)), observer_(std::move(observer)) {
  if (!context_->settings().server_name.empty()) name_ = context_->settings().server_name;
  if (name_.size() > 1 && name_.ends_with('.')) name_.pop_back();
  is_address_ = !name_.empty() && Address::numeric(name_, 0).has_value();
  const config::UpstreamProtocol protocol =
      http1_only ? config::UpstreamProtocol::h1 : context_->protocol();
  protocols_ = protocol_list(protocol != config::UpstreamProtocol::h1,
                             protocol != config::UpstreamProtocol::h2);
}

void Endpoint::on_refused(Failure failure, std::string_view detail) {
  if (*observer_ != nullptr) (*observer_)->on_handshake_failed(failure, detail);
}

SslPtr Endpoint::make_ssl() {
  SslPtr ssl(SSL_new(&context_->context()));
  ONEHOP_ASSERT(ssl != nullptr);
  SSL_set_connect_state(ssl.get());
  SSL_set_app_data(ssl.get(), this);
  // Zero is success, here alone.
  ONEHOP_ASSERT(SSL_set_alpn_protos(ssl.get(),
                                    reinterpret_cast<const unsigned char*>(protocols_.data()),
                                    static_cast<unsigned>(protocols_.size())) == 0);
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl.get());
  if (is_address_) {
    ONEHOP_ASSERT(X509_VERIFY_PARAM_set1_ip_asc(wanted, name_.c_str()) == 1);
  } else {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ONEHOP_ASSERT(X509_VERIFY_PARAM_set1_host(wanted, name_.data(), name_.size()) == 1);
    ONEHOP_ASSERT(name_.empty() || SSL_set_tlsext_host_name(ssl.get(), name_.c_str()) == 1);
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
    const int64_t age = int64_t{std::time(nullptr)} - made_at(*newest);
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
