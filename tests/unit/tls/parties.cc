// SPDX-License-Identifier: MIT
#include "parties.h"

#include <utility>

#include "tests/support/catch.h"

namespace onehop::tls {

void Party::take(net::TransportPtr given) {
  transport = std::move(given);
  transport->set_events(*this);
  transport->set_reading(true);
}

void Party::send(std::string_view bytes) {
  transport->output().append(bytes);
  transport->send();
}

void Party::on_bytes(Buffer& bytes) {
  ++deliveries;
  received += bytes.to_string();
  if (received.size() >= most_received) transport->set_reading(false);
}

void Party::on_flush(net::Flushed flushed) {
  ++(flushed == net::Flushed::all ? flushed_all : flushed_some);
}

void Party::on_handshake_done(Handshake&, net::TransportPtr given, const Session& agreed) {
  secured = true;
  session = agreed;
  take(std::move(given));
  handshake.reset();
}

void Party::on_handshake_failed(Handshake&, Failure why, std::string_view words) {
  failure = why;
  detail = words;
  handshake.reset();
}

void Party::on_connected(net::TransportPtr given) {
  secured = true;
  take(std::move(given));
  dial.reset();
}

void Party::on_dial_failed(net::NetError given) {
  dial_error = given.number;
  dial.reset();
}

void Party::on_secured() {
  secured = true;
  session = static_cast<TlsTransport&>(*shaking).session();
  take(std::move(shaking));
}

void Party::on_not_secured(Failure why, std::string_view words) {
  failure = why;
  detail = words;
  shaking.reset();
}

void Party::on_handshake(bool was_resumed, uint64_t) {
  ++handshakes;
  if (was_resumed) ++resumed;
}

config::Listener Stage::listener() {
  const auto files = made.leaf();
  config::Listener listener;
  listener.tls.certificates = {{files.cert, files.key, ""}};
  return listener;
}

config::Upstream Stage::upstream() const {
  config::Upstream upstream;
  upstream.name = "app";
  upstream.tls.enabled = true;
  upstream.tls.ca = made.authority();
  return upstream;
}

std::shared_ptr<const ServerContext> Stage::context(const config::Listener& listener,
                                                    const ServerContext* previous) {
  auto context = ServerContext::make(listener, previous, warnings);
  if (!context.has_value()) FAIL(context.error());
  return *context;
}

std::unique_ptr<Dialer> Stage::dialer(const config::Upstream& upstream, net::Dialer& below,
                                      Party* observer, std::string host) {
  auto context = ClientContext::make(upstream, nullptr, warnings);
  if (!context.has_value()) FAIL(context.error());
  return std::make_unique<Dialer>(loop, below, *context, std::move(host), observer);
}

net::TransportPtr Stage::serve(Party& server, std::shared_ptr<const ServerContext> context,
                               const PipeRules& rules) {
  auto ends = PipeEnd::pair(loop, rules);
  server.handshake = accept(loop, std::move(ends.second), std::move(context), server);
  return std::move(ends.first);
}

void Stage::connect(Party& client, net::TransportPtr below, const HandClient& wish) {
  const ContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (wish.most_version != 0) SSL_CTX_set_max_proto_version(context.get(), wish.most_version);
  if (!wish.signatures.empty())
    REQUIRE(SSL_CTX_set1_sigalgs_list(context.get(), wish.signatures.c_str()) == 1);
  if (!wish.ciphers.empty())
    REQUIRE(SSL_CTX_set_cipher_list(context.get(), wish.ciphers.c_str()) == 1);
  if (!wish.authority.empty()) {
    REQUIRE(SSL_CTX_load_verify_file(context.get(), wish.authority.c_str()) == 1);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (!wish.certificate.cert.empty()) {
    REQUIRE(SSL_CTX_use_certificate_chain_file(context.get(), wish.certificate.cert.c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context.get(), wish.certificate.key.c_str(),
                                        SSL_FILETYPE_PEM) == 1);
  }
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), [](SSL* ssl, SSL_SESSION* session) {
    static_cast<Stage*>(SSL_get_app_data(ssl))->sessions.emplace_back(session);
    return 1;
  });
  SslPtr ssl(SSL_new(context.get()));
  last_ssl = ssl.get();
  SSL_set_connect_state(ssl.get());
  SSL_set_app_data(ssl.get(), this);
  if (!wish.name.empty()) SSL_set_tlsext_host_name(ssl.get(), wish.name.c_str());
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(wish.protocols.data()),
                      static_cast<unsigned>(wish.protocols.size()));
  SSL_set_tlsext_status_type(ssl.get(), TLSEXT_STATUSTYPE_ocsp);
  if (wish.session != nullptr) SSL_set_session(ssl.get(), wish.session);
  client.shaking =
      net::TransportPtr(new TlsTransport(loop, std::move(below), std::move(ssl), nullptr, client));
}

}  // namespace onehop::tls
