// SPDX-License-Identifier: MIT
#include "tls_relay.h"

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace onehop::bench {

TlsRelay::TlsRelay(sockaddr_in address, sockaddr_in origin, const std::string& certificate,
                   const std::string& key)
    : origin_(origin), context_(SSL_CTX_new(TLS_server_method())), listener_(kNobody) {
  SSL_CTX* const context = context_.get();
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    std::exit(1);
  }
  constexpr unsigned char kName[] = "bench_floor";
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_session_id_context(context, kName, sizeof kName);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(context, 1);  // one `recv` for a record, not two
  listener_ = listen_on(address);
  readable_.watch(listener_);
}

void TlsRelay::run() {
  readable_.run([this](int fd) {
    if (fd == listener_) return take_client();
    const End& end = end_of(fd);
    if (end.open) end.ssl != nullptr ? on_client(fd) : on_upstream(fd);
  });
}

TlsRelay::End& TlsRelay::end_of(int fd) {
  const auto at = static_cast<size_t>(fd);
  if (at >= ends_.size()) ends_.resize(at + 1);
  return ends_[at];
}

void TlsRelay::take_client() {
  const int client = accept_one(listener_);
  if (client == kNobody) return;
  End& end = end_of(client);
  end.ssl.reset(SSL_new(context_.get()));
  SSL_set_fd(end.ssl.get(), client);
  SSL_set_accept_state(end.ssl.get());
  end.open = true;
  readable_.watch(client);
}

void TlsRelay::on_client(int fd) {
  SSL* const ssl = end_of(fd).ssl.get();
  if (SSL_is_init_finished(ssl) == 0) {
    const int done = SSL_do_handshake(ssl);
    if (done != 1) {
      if (SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ) close_both(fd);
      return;
    }
    if (SSL_has_pending(ssl) == 0) return;
  }
  do {
    if (!pass_on(fd)) return;
  } while (SSL_has_pending(ssl) == 1);
}

// One record; false: there was none, or it was the end.
bool TlsRelay::pass_on(int client) {
  SSL* const ssl = end_of(client).ssl.get();
  const int size = SSL_read(ssl, bytes_.data(), static_cast<int>(bytes_.size()));
  if (size <= 0) {
    if (SSL_get_error(ssl, size) != SSL_ERROR_WANT_READ) close_both(client);
    return false;
  }
  if (end_of(client).other == kNobody) {
    const int upstream = connect_to(origin_);
    if (upstream == kNobody) {
      close_both(client);
      return false;
    }
    End& end = end_of(upstream);
    end.other = client;
    end.open = true;
    end_of(client).other = upstream;
    readable_.watch(upstream);
  }
  const auto whole = MSG_NOSIGNAL | MSG_DONTWAIT;
  if (send(end_of(client).other, bytes_.data(), static_cast<size_t>(size), whole) == size)
    return true;
  close_both(client);
  return false;
}

void TlsRelay::on_upstream(int fd) {
  const int client = end_of(fd).other;
  const ssize_t size = recv(fd, bytes_.data(), bytes_.size(), MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return;
  SSL* const ssl = end_of(client).ssl.get();
  if (size <= 0 || SSL_write(ssl, bytes_.data(), static_cast<int>(size)) != size)
    close_both(client);
}

void TlsRelay::close_both(int client) {
  End& end = end_of(client);
  ERR_clear_error();
  SSL_shutdown(end.ssl.get());
  end.ssl.reset();
  end.open = false;
  if (const int upstream = std::exchange(end.other, kNobody); upstream != kNobody) {
    end_of(upstream) = End{};
    close(upstream);
  }
  close(client);
}

}  // namespace onehop::bench
