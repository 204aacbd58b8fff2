// SPDX-License-Identifier: MIT
#include "tests/support/tls_peer.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

// What may wait in one direction before its source is left alone.
constexpr size_t kMostWaiting = 64 * 1024;

std::string reason() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

// Two ends of a TCP connection, which, unlike a socket pair, can be reset.
std::pair<Peer, Peer> pair_of_peers() {
  const auto [fd, address] = bind_loopback(1);
  Peer near = Peer::connect(address);
  Peer middle(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
  ::close(fd);
  return {std::move(near), std::move(middle)};
}

std::string serial_of(SSL* ssl) {
  X509* const certificate = SSL_get1_peer_certificate(ssl);
  if (certificate == nullptr) return "";
  BIGNUM* const number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  char* const text = BN_bn2hex(number);
  std::string serial = text;
  OPENSSL_free(text);
  BN_free(number);
  X509_free(certificate);
  return serial;
}

}  // namespace

TlsTunnel::TlsTunnel(const std::string& address, const TlsWish& wish)
    : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
      ssl_(nullptr, SSL_free),
      far_(Peer::connect(address)),
      near_(-1),
      middle_(-1) {
  if (wish.connected) wish.connected();
  shake(wish);
  std::tie(near_, middle_) = pair_of_peers();
  thread_ = std::thread([this] { run(); });
}

TlsTunnel::~TlsTunnel() {
  if (thread_.joinable()) {
    near_.close();
    {
      const std::lock_guard lock(mutex_);  // the thread may be closing it
      ::shutdown(middle_.fd(), SHUT_RDWR);
    }
    thread_.join();
  }
}

int TlsTunnel::keep_session(SSL* ssl, SSL_SESSION* session) {
  auto& tunnel = *static_cast<TlsTunnel*>(SSL_get_app_data(ssl));
  const std::lock_guard lock(tunnel.mutex_);
  tunnel.session_.reset(session, SSL_SESSION_free);
  return 1;  // it is ours now
}

TlsSession TlsTunnel::session() {
  TlsSession session;
  eventually([&] {
    const std::lock_guard lock(mutex_);
    return (session = session_) != nullptr;
  });
  if (session == nullptr) throw PeerError("the server gave no session in time");
  return session;
}

void TlsTunnel::prepare(const TlsWish& wish) {
  SSL_CTX* const context = context_.get();
  if (!wish.ca.empty()) {
    SSL_CTX_load_verify_locations(context, wish.ca.c_str(), nullptr);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (!wish.cert.empty()) {
    SSL_CTX_use_certificate_chain_file(context, wish.cert.c_str());
    SSL_CTX_use_PrivateKey_file(context, wish.key.c_str(), SSL_FILETYPE_PEM);
  }
  if (wish.most_version != 0) SSL_CTX_set_max_proto_version(context, wish.most_version);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  ssl_.reset(SSL_new(context));
  SSL* const ssl = ssl_.get();
  SSL_set_app_data(ssl, this);
  SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_tlsext_host_name(ssl, wish.server_name.c_str());
  if (!wish.ca.empty()) SSL_set1_host(ssl, wish.server_name.c_str());
  if (wish.staple) SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
  if (wish.session != nullptr) {
    // A copy, because OpenSSL uses a session of TLS 1.3 no more than once.
    const TlsSession copy(SSL_SESSION_dup(wish.session.get()), SSL_SESSION_free);
    SSL_set_session(ssl, copy.get());
  }
  if (!wish.alpn.empty()) {
    const std::string list = static_cast<char>(wish.alpn.size()) + wish.alpn;
    SSL_set_alpn_protos(ssl, reinterpret_cast<const uint8_t*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
}

void TlsTunnel::shake(const TlsWish& wish) {
  prepare(wish);
  SSL_set_fd(ssl_.get(), far_.fd());
  const Deadline deadline;
  int status = 0;
  while ((status = SSL_connect(ssl_.get())) != 1) {
    const int error = SSL_get_error(ssl_.get(), status);
    pollfd item{far_.fd(), error == SSL_ERROR_WANT_WRITE ? short{POLLOUT} : short{POLLIN}, 0};
    const bool wants = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    if (!wants) throw PeerError("no TLS handshake: " + reason());
    if (::poll(&item, 1, deadline.poll_timeout()) <= 0) throw PeerError("no TLS handshake in time");
  }
  const uint8_t* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  alpn_.assign(reinterpret_cast<const char*>(chosen), size);
  version_ = SSL_get_version(ssl_.get());
  serial_ = serial_of(ssl_.get());
  resumed_ = SSL_session_reused(ssl_.get()) == 1;
  const uint8_t* staple = nullptr;
  const long staple_size = SSL_get_tlsext_status_ocsp_resp(ssl_.get(), &staple);
  if (staple_size > 0) {
    staple_.assign(reinterpret_cast<const char*>(staple), static_cast<size_t>(staple_size));
  }
}

// From the encrypted connection to the near end. False: that is over, and so is everything.
bool TlsTunnel::inward() {
  std::array<char, 16384> block;
  while (in_open_ && in_.size() < kMostWaiting) {
    const int n = SSL_read(ssl_.get(), block.data(), block.size());
    if (n > 0) {
      in_.append(block.data(), static_cast<size_t>(n));
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), n);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) break;
    ERR_clear_error();
    in_open_ = false;
    if (error == SSL_ERROR_ZERO_RETURN) break;
    if (!in_.empty()) ::send(middle_.fd(), in_.data(), in_.size(), MSG_NOSIGNAL);
    const std::lock_guard lock(mutex_);
    middle_.reset();
    return false;
  }
  while (!in_.empty()) {
    const ssize_t n = ::send(middle_.fd(), in_.data(), in_.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) return true;
    if (n < 0) {
      far_.reset();
      return false;
    }
    in_.erase(0, static_cast<size_t>(n));
  }
  if (!in_open_) middle_.half_close();
  return true;
}

// From the near end to the encrypted connection.
bool TlsTunnel::outward() {
  std::array<char, 16384> block;
  while (out_open_ && out_.size() < kMostWaiting) {
    const ssize_t n = ::recv(middle_.fd(), block.data(), block.size(), 0);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) {
      far_.reset();
      return false;
    }
    if (n == 0) out_open_ = false;
    out_.append(block.data(), static_cast<size_t>(n));
  }
  wants_write_ = false;
  while (!out_.empty()) {
    const int n = SSL_write(ssl_.get(), out_.data(), static_cast<int>(out_.size()));
    if (n > 0) {
      out_.erase(0, static_cast<size_t>(n));
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), n);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_WRITE) wants_write_ = true;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
    out_.clear();
    out_open_ = false;
  }
  if (!out_open_) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  return in_open_ || out_open_;
}

void TlsTunnel::run() {
  while (inward() && outward()) {
    short far_events = wants_write_ ? POLLOUT : 0;
    if (in_open_ && in_.size() < kMostWaiting) far_events |= POLLIN;
    short near_events = in_.empty() ? 0 : POLLOUT;
    if (out_open_ && out_.size() < kMostWaiting) near_events |= POLLIN;
    std::array<pollfd, 2> items{pollfd{far_.fd(), far_events, 0},
                                pollfd{middle_.fd(), near_events, 0}};
    ::poll(items.data(), items.size(), 1000);
  }
  far_.close();
}

std::string client_hello() {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
  BIO* const flight = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), flight);
  SSL_connect(ssl.get());
  ERR_clear_error();
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(flight, &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

}  // namespace onehop::test
