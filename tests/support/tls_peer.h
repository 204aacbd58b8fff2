// SPDX-License-Identifier: MIT
// A TLS client for tests: a thread between an ordinary Peer and the encrypted connection, so that
// whatever a test does with a Peer it can do over TLS. A reset goes through both ways, and an end
// without close_notify is a reset: the other side of the thread cannot take it for a proper end.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "tests/support/peer.h"

namespace onehop::test {

using TlsSession = std::shared_ptr<SSL_SESSION>;

struct TlsWish {
  std::string ca = "";  // PEM; nothing is verified without it
  std::string server_name = "localhost";
  std::string alpn = "";  // one protocol; "" offers none
  std::string cert = "";  // of the client
  std::string key = "";
  int most_version = 0;                       // TLS1_2_VERSION; 0: what OpenSSL has
  bool staple = false;                        // asks for an OCSP response
  TlsSession session = nullptr;               // to be resumed
  std::function<void()> connected = nullptr;  // called before the handshake begins
};

// The first flight of a client.
std::string client_hello();

class TlsTunnel {
 public:
  // Throws a PeerError that says why when there is no connection or no handshake.
  TlsTunnel(const std::string& address, const TlsWish& wish);
  ~TlsTunnel();
  TlsTunnel(const TlsTunnel&) = delete;
  TlsTunnel& operator=(const TlsTunnel&) = delete;

  // The near end; once.
  Peer take_peer() { return std::move(near_); }

  const std::string& alpn() const { return alpn_; }        // chosen by the server
  const std::string& version() const { return version_; }  // "TLSv1.3"
  const std::string& serial() const { return serial_; }    // of the server's certificate, in hex
  const std::string& staple() const { return staple_; }    // DER; "" when there is none
  bool resumed() const { return resumed_; }
  // The newest that the server gave; waits for one. With TLS 1.3 it comes before the first
  // response.
  TlsSession session();

 private:
  static int keep_session(SSL* ssl, SSL_SESSION* session);
  void prepare(const TlsWish& wish);
  void shake(const TlsWish& wish);
  void run();
  bool inward();
  bool outward();

  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  Peer far_;
  Peer near_;
  Peer middle_;
  std::string in_;   // decrypted, for the near end
  std::string out_;  // for the far end
  bool in_open_ = true;
  bool out_open_ = true;
  bool wants_write_ = false;
  std::string alpn_, version_, serial_, staple_;
  bool resumed_ = false;
  std::mutex mutex_;  // guards what follows, and the end of middle_
  TlsSession session_;
  std::thread thread_;
};

}  // namespace onehop::test
