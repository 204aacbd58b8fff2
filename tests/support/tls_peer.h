// SPDX-License-Identifier: MIT
// A TLS client for tests: a thread between an ordinary Peer and the encrypted connection, so that
// whatever a test does with a Peer it can do over TLS. A reset goes through both ways, and an end
// without close_notify is a reset: the other side of the thread cannot take it for a proper end.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <thread>

#include "tests/support/peer.h"

namespace onehop::test {

struct TlsWish {
  std::string ca = "";  // PEM; nothing is verified without it
  std::string server_name = "localhost";
  std::string alpn = "";  // one protocol; "" offers none
  std::string cert = "";  // of the client
  std::string key = "";
};

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

 private:
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
  std::string alpn_, version_, serial_;
  std::thread thread_;
};

}  // namespace onehop::test
