// SPDX-License-Identifier: MIT
// Dials to upstreams over TLS: what is verified, what is offered, and what a dial costs the second
// time.
#include <cerrno>

#include "parties.h"
#include "tests/support/catch.h"
#include "tls/client_context.h"

namespace onehop::tls {
namespace {

const Address kAnywhere;

// An origin of one listener, and dials to it.
struct Origin {
  explicit Origin(config::Listener given) : listener(std::move(given)) {}
  Origin() : listener(stage.listener()) {}

  // One dial to its end; the connection stays with `client`.
  void dial(Party& client, net::Dialer& dialer) {
    if (context == nullptr) context = stage.context(listener);
    auto dial = dialer.dial(kAnywhere, client);
    REQUIRE(dial.has_value());
    client.dial = std::move(*dial);
    stage.loop.settle();
  }
  void serve(const test::CertificateWish& wish) {
    const auto files = stage.made.leaf(wish);
    listener.tls.certificates = {{files.cert, files.key, ""}};
  }

  Stage stage;
  config::Listener listener;
  std::shared_ptr<const ServerContext> context;
  std::vector<std::unique_ptr<Party>> servers;
  PipeDialer below{stage.loop, [this](net::TransportPtr transport) {
                     servers.push_back(std::make_unique<Party>());
                     Party& server = *servers.back();
                     server.handshake = accept(stage.loop, std::move(transport), context, server);
                   }};
};

}  // namespace

TEST_CASE("a dial verifies the endpoint, sends its name, and connects") {
  Origin origin;
  Party observer;
  Party client;
  const auto dialer = origin.stage.dialer(origin.stage.upstream(), origin.below, &observer);
  origin.dial(client, *dialer);
  REQUIRE(client.secured);
  CHECK(observer.handshakes == 1);
  CHECK(observer.in_progress == 0);
  CHECK(observer.resumed == 0);
  CHECK(client.transport->application_protocol() == "http/1.1");
  REQUIRE(origin.servers.size() == 1);
  Party& server = *origin.servers.front();
  CHECK(server.session.server_name == "localhost");
  client.send("GET");
  origin.stage.loop.settle();
  CHECK(server.received == "GET");
  CHECK(client.deliveries == 0);
}

TEST_CASE("an endpoint that cannot be verified is not connected to") {
  const auto [wish, host, failure] = GENERATE(table<test::CertificateWish, std::string, Failure>({
      {{}, "example.org", Failure::certificate_name},
      {{}, "127.0.0.2", Failure::certificate_name},
      {{.names = {"*.example.org"}}, "a.b.example.org", Failure::certificate_name},
  }));
  Origin origin;
  origin.serve(wish);
  INFO(host);
  Party observer;
  Party client;
  const auto dialer = origin.stage.dialer(origin.stage.upstream(), origin.below, &observer, host);
  origin.dial(client, *dialer);
  CHECK_FALSE(client.secured);
  CHECK(client.dial_error == net::kTlsFailed);
  CHECK(observer.failure == failure);
  CHECK(observer.in_progress == 0);
  CHECK(observer.handshakes == 0);
}

TEST_CASE("a certificate of an unknown authority is refused, unless nobody asks") {
  Origin origin;
  config::Upstream upstream = origin.stage.upstream();
  upstream.tls.ca = origin.stage.made.stranger();
  upstream.tls.insecure_skip_verify = GENERATE(false, true);
  Party observer;
  Party client;
  const auto dialer = origin.stage.dialer(upstream, origin.below, &observer, "other.test");
  origin.dial(client, *dialer);
  CHECK(client.secured == upstream.tls.insecure_skip_verify);
  if (!client.secured) CHECK(observer.failure == Failure::certificate_unverified);
}

TEST_CASE("the system's authorities do not know that of a test") {
  Origin origin;
  config::Upstream upstream = origin.stage.upstream();
  upstream.tls.ca = "";
  Party observer;
  Party client;
  const auto dialer = origin.stage.dialer(upstream, origin.below, &observer);
  origin.dial(client, *dialer);
  CHECK(observer.failure == Failure::certificate_unverified);
}

TEST_CASE("an address is verified as one, and is no server name") {
  const std::string host = GENERATE("127.0.0.1", "::1");
  Origin origin;
  origin.serve({.names = {"localhost", "127.0.0.1", "::1"}});
  Party client;
  const auto dialer = origin.stage.dialer(origin.stage.upstream(), origin.below, nullptr, host);
  origin.dial(client, *dialer);
  REQUIRE(client.secured);
  CHECK(origin.servers.front()->session.server_name.empty());
}

TEST_CASE("a server name of the configuration takes the place of the endpoint's host") {
  Origin origin;
  origin.serve({.names = {"inner.test"}});
  config::Upstream upstream = origin.stage.upstream();
  upstream.tls.server_name = "inner.test";
  Party client;
  const auto dialer = origin.stage.dialer(upstream, origin.below, nullptr, "127.0.0.1");
  origin.dial(client, *dialer);
  REQUIRE(client.secured);
  CHECK(origin.servers.front()->session.server_name == "inner.test");
}

TEST_CASE("the protocols that are offered are those of the configuration") {
  using config::UpstreamProtocol;
  const auto [protocol, origin_has_http2, agreed] =
      GENERATE(table<UpstreamProtocol, bool, std::string>({
          {UpstreamProtocol::h1, true, "http/1.1"},
          {UpstreamProtocol::automatic, true, "h2"},
          {UpstreamProtocol::automatic, false, "http/1.1"},
          {UpstreamProtocol::h2, true, "h2"},
          {UpstreamProtocol::h2, false, ""},
      }));
  Origin origin;
  origin.listener.http2 = origin_has_http2;
  config::Upstream upstream = origin.stage.upstream();
  upstream.protocol = protocol;
  Party observer;
  Party client;
  const auto dialer = origin.stage.dialer(upstream, origin.below, &observer);
  origin.dial(client, *dialer);
  if (agreed.empty()) {
    CHECK(observer.failure == Failure::no_shared_protocol);
    CHECK(client.dial_error == net::kTlsFailed);
  } else {
    REQUIRE(client.secured);
    CHECK(client.transport->application_protocol() == agreed);
  }
}

TEST_CASE("a session of TLS 1.3 is offered once, one of TLS 1.2 again and again") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Stage stage;
  Party server;
  Party client;
  HandClient wish;
  wish.most_version = version;
  stage.connect(client, stage.serve(server, stage.context(stage.listener())), wish);
  stage.loop.settle();
  REQUIRE_FALSE(stage.sessions.empty());
  const auto context = OpenSslClientContext::build(stage.upstream(), nullptr, stage.warnings);
  REQUIRE(context.has_value());
  Endpoint endpoint(*context, "localhost", false, std::make_shared<DialObserver*>(nullptr));
  CHECK(SSL_get_session(endpoint.make_ssl().get()) == nullptr);
  endpoint.remember(std::move(stage.sessions.back()));
  CHECK(SSL_get_session(endpoint.make_ssl().get()) != nullptr);
  const bool offered_again = SSL_get_session(endpoint.make_ssl().get()) != nullptr;
  CHECK(offered_again == (version == TLS1_2_VERSION));
}

TEST_CASE("every further connection to an endpoint resumes the session of the one before") {
  Origin origin;
  Party observer;
  const auto dialer = origin.stage.dialer(origin.stage.upstream(), origin.below, &observer);
  std::vector<std::unique_ptr<Party>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Party>());
    origin.dial(*clients.back(), *dialer);
    REQUIRE(clients.back()->secured);
    if (i == 1) clients.clear();  // a session outlives its connection
  }
  CHECK(observer.handshakes == 4);
  CHECK(observer.resumed == 3);
}

TEST_CASE("a session is not resumed at another endpoint's dialer") {
  Origin origin;
  Party observer;
  Party clients[2];
  for (Party& client : clients) {
    const auto dialer = origin.stage.dialer(origin.stage.upstream(), origin.below, &observer);
    origin.dial(client, *dialer);
    REQUIRE(client.secured);
  }
  CHECK(observer.resumed == 0);
}

TEST_CASE("a certificate of our own is shown to an endpoint that wants one") {
  Origin origin;
  origin.listener.tls.client_certificates = config::ClientCertificates::required;
  origin.listener.tls.client_ca = origin.stage.made.authority();
  config::Upstream upstream = origin.stage.upstream();
  const auto files = origin.stage.made.leaf({.names = {"proxy.test"}});
  upstream.tls.cert = files.cert;
  upstream.tls.key = files.key;
  Party client;
  const auto dialer = origin.stage.dialer(upstream, origin.below, nullptr);
  origin.dial(client, *dialer);
  REQUIRE(origin.servers.front()->secured);
  CHECK(origin.servers.front()->session.peer_subject == "CN=proxy.test,O=onehop tests");
}

TEST_CASE("an endpoint that refuses our certificate behind the handshake is said to have done so") {
  Origin origin;
  origin.listener.tls.client_certificates = config::ClientCertificates::required;
  origin.listener.tls.client_ca = origin.stage.made.authority();
  Party observer;
  Party client;
  const bool dialer_gone = GENERATE(false, true);
  auto dialer = origin.stage.dialer(origin.stage.upstream(), origin.below, &observer);
  if (dialer_gone) {
    auto dial = dialer->dial(kAnywhere, client);
    REQUIRE(dial.has_value());
    client.dial = std::move(*dial);
    origin.context = origin.stage.context(origin.listener);
    dialer.reset();
    origin.stage.loop.settle();
    CHECK_FALSE(observer.failure.has_value());
    return;
  }
  origin.dial(client, *dialer);
  CHECK(observer.handshakes == 1);  // TLS 1.3: the client takes it for done
  CHECK(observer.failure == Failure::refused);
}

TEST_CASE("a dialer that is given another context resumes nothing, and shows what that one has") {
  Origin origin;
  origin.listener.tls.client_certificates = config::ClientCertificates::optional;
  origin.listener.tls.client_ca = origin.stage.made.authority();
  config::Upstream upstream = origin.stage.upstream();
  Party observer;
  Party clients[2];
  const auto dialer = origin.stage.dialer(upstream, origin.below, &observer);
  origin.dial(clients[0], *dialer);
  const auto files = origin.stage.made.leaf({.names = {"proxy.test"}});
  upstream.tls.cert = files.cert;
  upstream.tls.key = files.key;
  const auto renewed = ClientContext::make(upstream, nullptr, origin.stage.warnings);
  REQUIRE(renewed.has_value());
  dialer->use(*renewed);
  origin.dial(clients[1], *dialer);
  CHECK(observer.handshakes == 2);
  CHECK(observer.resumed == 0);
  CHECK(origin.servers.back()->session.peer_subject == "CN=proxy.test,O=onehop tests");
}

TEST_CASE("a dialer for HTTP/1.1 alone offers nothing else") {
  Origin origin;
  config::Upstream upstream = origin.stage.upstream();
  upstream.protocol = config::UpstreamProtocol::automatic;
  const auto context = ClientContext::make(upstream, nullptr, origin.stage.warnings);
  REQUIRE(context.has_value());
  const auto [offer, agreed] = GENERATE(table<Dialer::Offer, std::string>(
      {{Dialer::Offer::all, "h2"}, {Dialer::Offer::http1, "http/1.1"}}));
  Dialer dialer(origin.stage.loop, origin.below, *context, "localhost", nullptr, offer);
  Party client;
  origin.dial(client, dialer);
  REQUIRE(client.secured);
  CHECK(client.transport->application_protocol() == agreed);
}

TEST_CASE("an endpoint that does not answer the handshake is given up in time") {
  Origin origin;
  config::Upstream upstream = origin.stage.upstream();
  upstream.tls.handshake_timeout = std::chrono::seconds(2);
  Party observer;
  Party client;
  std::vector<net::TransportPtr> silent;
  PipeDialer below(origin.stage.loop,
                   [&](net::TransportPtr transport) { silent.push_back(std::move(transport)); });
  const auto dialer = origin.stage.dialer(upstream, below, &observer);
  origin.dial(client, *dialer);
  origin.stage.loop.pass_ms(1900);
  CHECK_FALSE(client.dial_error.has_value());
  origin.stage.loop.pass_ms(200);
  CHECK(client.dial_error == ETIMEDOUT);
  CHECK(observer.failure == Failure::timeout);
}

TEST_CASE("a dial that is refused below is refused as it is, and is no handshake") {
  Origin origin;
  origin.below.refused = ECONNREFUSED;
  Party observer;
  Party client;
  const auto dialer = origin.stage.dialer(origin.stage.upstream(), origin.below, &observer);
  origin.dial(client, *dialer);
  CHECK(client.dial_error == ECONNREFUSED);
  CHECK_FALSE(observer.failure.has_value());
}

TEST_CASE("an endpoint that does not speak TLS is told from one that fails") {
  Origin origin;
  Party plain;
  Party observer;
  Party client;
  PipeDialer below(origin.stage.loop, [&](net::TransportPtr transport) {
    plain.take(std::move(transport));
    plain.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const auto dialer = origin.stage.dialer(origin.stage.upstream(), below, &observer);
  origin.dial(client, *dialer);
  CHECK(client.dial_error == net::kTlsFailed);
  CHECK(observer.failure == Failure::not_tls);
}

TEST_CASE("a dial that is destroyed is given up at each of its steps") {
  const int steps = GENERATE(0, 1, 2, 5, 10);
  Origin origin;
  origin.below.rules.most_read = 50;
  Party client;
  const auto dialer = origin.stage.dialer(origin.stage.upstream(), origin.below, nullptr);
  origin.context = origin.stage.context(origin.listener);
  auto dial = dialer->dial(kAnywhere, client);
  REQUIRE(dial.has_value());
  for (int i = 0; i < steps; ++i) origin.stage.loop.turn_once();
  dial->reset();
  origin.stage.loop.settle();
  CHECK_FALSE(client.secured);
  CHECK_FALSE(client.dial_error.has_value());
  for (const auto& server : origin.servers) CHECK_FALSE(server->secured);
}

}  // namespace onehop::tls
