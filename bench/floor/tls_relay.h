// SPDX-License-Identifier: MIT
// The relay of bench_floor with TLS towards its clients: OpenSSL on the socket itself, and nothing
// around it. A client that only shakes hands costs no connection to the origin.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "../sockets.h"

namespace onehop::bench {

class TlsRelay {
 public:
  // TLS 1.3, tickets as OpenSSL gives them. Files are PEM.
  TlsRelay(sockaddr_in address, sockaddr_in origin, const std::string& certificate,
           const std::string& key);

  [[noreturn]] void run();

 private:
  struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  // Of a descriptor: a client has a session, an upstream connection has none.
  struct End {
    std::unique_ptr<SSL, Free> ssl;
    int other = kNobody;
    bool open = false;
  };

  End& end_of(int fd);
  void take_client();
  void on_client(int fd);
  void on_upstream(int fd);
  bool pass_on(int client);
  void close_both(int client);

  sockaddr_in origin_;
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  Readable readable_;
  int listener_;
  std::vector<End> ends_;  // by descriptor
  std::array<char, 65536> bytes_{};
};

}  // namespace onehop::bench
