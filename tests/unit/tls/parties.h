// SPDX-License-Identifier: MIT
// The two sides of a test: a server of the room, clients of the room, and clients that are made by
// hand of OpenSSL where the room's own would not do what the test needs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "onehop/tls/tls.h"
#include "pipe.h"
#include "tests/support/certificates.h"
#include "tests/support/seed.h"
#include "tls/openssl.h"
#include "tls/transport.h"

namespace onehop::tls {

// Writes down what happens to one side.
class Party final : public net::Transport::Events,
                    public Handshake::Events,
                    public net::Dial::Events,
                    public TlsTransport::Waiter,
                    public DialObserver {
 public:
  void take(net::TransportPtr given);
  void send(std::string_view bytes);

  // --- what happened
  bool secured = false;
  Session session;  // as told by a Handshake or a TlsTransport
  std::optional<Failure> failure;
  std::string detail;
  std::optional<int> dial_error;
  int handshakes = 0;       // that the observer was told of
  int64_t in_progress = 0;  // handshakes, as the observer was told
  int resumed = 0;          // of these
  std::string received;
  int deliveries = 0;
  bool ended = false;
  std::optional<int> error;
  int flushed_all = 0;
  int flushed_some = 0;
  size_t most_received = SIZE_MAX;  // then it stops reading

  // --- what it owns
  net::TransportPtr transport;
  std::unique_ptr<Handshake> handshake;
  std::unique_ptr<net::Dial> dial;
  net::TransportPtr shaking;  // by hand; see TlsTransport::Waiter

  void on_bytes(Buffer& bytes) override;
  void on_end() override { ended = true; }
  void on_error(net::NetError given) override { error = given.number; }
  void on_flush(net::Flushed flushed) override;
  void on_handshake_done(Handshake&, net::TransportPtr given, const Session& agreed) override;
  void on_handshake_failed(Handshake&, Failure why, std::string_view words) override;
  void on_connected(net::TransportPtr given) override;
  void on_dial_failed(net::NetError given) override;
  void on_secured() override;
  void on_not_secured(Failure why, std::string_view words) override;
  void on_handshake(bool was_resumed, uint64_t nanoseconds) override;
  void on_handshake_failed(Failure why, std::string_view) override { failure = why; }
  void on_handshakes(int64_t change) override { in_progress += change; }
};

// What a client made by hand brings.
struct HandClient {
  int most_version = 0;   // TLS1_2_VERSION; 0: the latest
  std::string name;       // SNI
  std::string protocols;  // as ALPN writes them
  std::string signatures;
  std::string ciphers;  // of TLS 1.2
  std::string authority;
  test::CertificateFiles certificate;
  SSL_SESSION* session = nullptr;
};

class Stage {
 public:
  Stage() : loop(test::test_seed()) {}

  // A listener with one ECDSA certificate for localhost.
  config::Listener listener();
  // An upstream that trusts the authority.
  config::Upstream upstream() const;

  std::shared_ptr<const ServerContext> context(const config::Listener& listener,
                                               const ServerContext* previous = nullptr);
  std::unique_ptr<Dialer> dialer(const config::Upstream& upstream, net::Dialer& below,
                                 Party* observer, std::string host = "localhost");

  // A server's end of a new pipe: `server` shakes hands on it. The other end is returned.
  net::TransportPtr serve(Party& server, std::shared_ptr<const ServerContext> context,
                          const PipeRules& rules = {});
  // Shakes hands on `below` as a client made by hand.
  void connect(Party& client, net::TransportPtr below, const HandClient& wish = {});

  HandLoop loop;
  test::Certificates made;
  std::vector<std::string> warnings;
  std::vector<SessionPtr> sessions;  // that clients made by hand were given
  SSL* last_ssl = nullptr;           // of the last such client
};

}  // namespace onehop::tls
