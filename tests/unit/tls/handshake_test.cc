// SPDX-License-Identifier: MIT
// Handshakes of a listener: what is agreed on, with whom, and why not.
#include "parties.h"
#include "tests/support/catch.h"

namespace onehop::tls {
namespace {

std::string common_name_shown_to(SSL* client) {
  const X509* shown = SSL_get0_peer_certificate(client);
  REQUIRE(shown != nullptr);
  const std::string subject = subject_of(*shown);
  return subject.substr(0, subject.find(','));
}

bool shown_is_rsa(SSL* client) {
  const X509* shown = SSL_get0_peer_certificate(client);
  REQUIRE(shown != nullptr);
  return EVP_PKEY_is_a(X509_get0_pubkey(shown), "RSA") == 1;
}

std::string wire_form(std::initializer_list<std::string_view> protocols) {
  std::string list;
  for (const std::string_view protocol : protocols) {
    list += static_cast<char>(protocol.size());
    list += protocol;
  }
  return list;
}

}  // namespace

TEST_CASE("client and server agree on a version and exchange bytes, also byte by byte") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const size_t most_read = GENERATE(size_t{1}, size_t{64 * 1024});
  Stage stage;
  INFO("seed " << test::test_seed());
  Party server;
  Party client;
  PipeRules rules;
  rules.most_read = most_read;
  HandClient wish;
  wish.most_version = version;
  wish.name = "localhost";
  wish.authority = stage.made.authority();
  stage.connect(client, stage.serve(server, stage.context(stage.listener()), rules), wish);
  CHECK_FALSE(server.secured);
  stage.loop.settle();
  REQUIRE(server.secured);
  REQUIRE(client.secured);
  CHECK(server.session.version == (version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2"));
  CHECK(server.session.cipher == client.session.cipher);
  CHECK(server.session.server_name == "localhost");
  CHECK(server.session.application_protocol.empty());
  CHECK(server.session.peer_subject.empty());
  CHECK_FALSE(server.session.resumed);
  client.send("a question");
  stage.loop.settle();
  CHECK(server.received == "a question");
  server.send("an answer");
  stage.loop.settle();
  CHECK(client.received == "an answer");
}

TEST_CASE("bytes that come together with the end of a handshake are delivered after it") {
  Stage stage;
  Party server;
  Party client;
  stage.connect(client, stage.serve(server, stage.context(stage.listener())));
  while (!client.secured) stage.loop.pass_ms(1);
  client.send("early question");
  stage.loop.settle();
  CHECK(server.received == "early question");
}

TEST_CASE("a session is resumed with its ticket in both versions") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Stage stage;
  const auto context = stage.context(stage.listener());
  HandClient wish;
  wish.most_version = version;
  wish.name = "localhost";
  for (const bool again : {false, true}) {
    Party server;
    Party client;
    if (again) wish.session = stage.sessions.back().get();
    stage.connect(client, stage.serve(server, context), wish);
    stage.loop.settle();
    REQUIRE(server.secured);
    CHECK(server.session.resumed == again);
    CHECK(client.session.resumed == again);
    CHECK(server.session.server_name == "localhost");
    CHECK(client.deliveries == 0);
  }
}

TEST_CASE("without tickets no session is resumed") {
  Stage stage;
  config::Listener listener = stage.listener();
  listener.tls.session_tickets = false;
  Party server;
  Party client;
  stage.connect(client, stage.serve(server, stage.context(listener)));
  stage.loop.settle();
  REQUIRE(client.secured);
  CHECK(stage.sessions.empty());
}

TEST_CASE("a certificate is chosen by exact name, by wildcard of one label, or is the first") {
  Stage stage;
  config::Listener listener;
  for (const char* name : {"default.test", "www.example.org", "*.example.org"}) {
    const auto files = stage.made.leaf({.names = {name}});
    listener.tls.certificates.push_back({files.cert, files.key, ""});
  }
  const auto context = stage.context(listener);
  const auto [asked, shown] = GENERATE(table<std::string, std::string>({
      {"www.example.org", "CN=www.example.org"},
      {"WWW.Example.ORG", "CN=www.example.org"},
      {"api.example.org", "CN=*.example.org"},
      {"a.b.example.org", "CN=default.test"},
      {"example.org", "CN=default.test"},
      {"other.test", "CN=default.test"},
      {"", "CN=default.test"},
  }));
  INFO(asked);
  Party server;
  Party client;
  HandClient wish;
  wish.name = asked;
  stage.connect(client, stage.serve(server, context), wish);
  stage.loop.settle();
  REQUIRE(client.secured);
  CHECK(common_name_shown_to(stage.last_ssl) == shown);
}

TEST_CASE("a client that knows only RSA gets the RSA certificate of a name that has both") {
  Stage stage;
  config::Listener listener;
  const auto ecdsa = stage.made.leaf({.names = {"www.example.org"}});
  const auto rsa = stage.made.leaf({.key = test::TestKey::rsa, .names = {"www.example.org"}});
  listener.tls.certificates = {{ecdsa.cert, ecdsa.key, ""}, {rsa.cert, rsa.key, ""}};
  const auto context = stage.context(listener);
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const auto [signatures, is_rsa] = GENERATE(table<std::string, bool>({
      {"RSA-PSS+SHA256:RSA+SHA256", true},
      {"ECDSA+SHA256", false},
      {"ECDSA+SHA256:RSA-PSS+SHA256", false},
  }));
  INFO(signatures << " " << version);
  Party server;
  Party client;
  HandClient wish;
  wish.name = "www.example.org";
  wish.most_version = version;
  wish.signatures = signatures;
  stage.connect(client, stage.serve(server, context), wish);
  stage.loop.settle();
  REQUIRE(client.secured);
  CHECK(shown_is_rsa(stage.last_ssl) == is_rsa);
}

TEST_CASE("a certificate of the exact name comes before a wildcard's, whatever their keys are") {
  const auto exact_key = GENERATE(test::TestKey::rsa, test::TestKey::ecdsa);
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const bool is_rsa = exact_key == test::TestKey::rsa;
  Stage stage;
  const auto wildcard_key = is_rsa ? test::TestKey::ecdsa : test::TestKey::rsa;
  const auto wildcard = stage.made.leaf({.key = wildcard_key, .names = {"*.example.org"}});
  const auto exact = stage.made.leaf({.key = exact_key, .names = {"www.example.org"}});
  config::Listener listener;
  listener.tls.certificates = {{wildcard.cert, wildcard.key, ""}, {exact.cert, exact.key, ""}};
  const auto context = stage.context(listener);
  const auto [asked, shown_rsa] = GENERATE_COPY(
      table<std::string, bool>({{"www.example.org", is_rsa}, {"api.example.org", !is_rsa}}));
  INFO(asked << " " << is_rsa << " " << version);
  Party server;
  Party client;
  HandClient wish;
  wish.name = asked;
  wish.most_version = version;
  stage.connect(client, stage.serve(server, context), wish);
  stage.loop.settle();
  REQUIRE(client.secured);
  CHECK(shown_is_rsa(stage.last_ssl) == shown_rsa);
}

TEST_CASE("h2 is chosen before http/1.1 where the listener has it") {
  Stage stage;
  config::Listener listener = stage.listener();
  listener.http2 = GENERATE(true, false);
  Party server;
  Party client;
  HandClient wish;
  wish.protocols = wire_form({"http/1.1", "h2"});
  stage.connect(client, stage.serve(server, stage.context(listener)), wish);
  stage.loop.settle();
  REQUIRE(server.secured);
  const std::string expected = listener.http2 ? "h2" : "http/1.1";
  CHECK(server.session.application_protocol == expected);
  CHECK(server.transport->application_protocol() == expected);
  CHECK(client.session.application_protocol == expected);
}

TEST_CASE("h2 is not agreed on for a session whose cipher HTTP/2 forbids, resumed or not") {
  const auto [cipher, offered, expected] = GENERATE(table<std::string, std::string, std::string>({
      {"ECDHE-ECDSA-AES128-SHA", wire_form({"h2", "http/1.1"}), "http/1.1"},
      {"ECDHE-ECDSA-AES128-SHA", wire_form({"h2"}), ""},
      {"ECDHE-ECDSA-AES128-GCM-SHA256", wire_form({"h2", "http/1.1"}), "h2"},
  }));
  INFO(cipher << " " << offered);
  Stage stage;
  config::Listener listener = stage.listener();
  listener.tls.ciphers = "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-GCM-SHA256";
  const auto context = stage.context(listener);
  HandClient wish;
  wish.most_version = TLS1_2_VERSION;
  wish.ciphers = cipher;
  for (const bool again : {false, true}) {
    wish.protocols = again ? offered : wire_form({"http/1.1"});
    Party server;
    Party client;
    if (again) wish.session = stage.sessions.back().get();
    stage.connect(client, stage.serve(server, context), wish);
    stage.loop.settle();
    if (again && expected.empty()) {
      CHECK(server.failure == Failure::no_shared_protocol);
      continue;
    }
    REQUIRE(server.secured);
    CHECK(server.session.resumed == again);
    CHECK(server.session.application_protocol == (again ? expected : "http/1.1"));
  }
  Party server;
  Party client;
  wish.session = nullptr;
  stage.connect(client, stage.serve(server, context), wish);
  stage.loop.settle();
  CHECK(server.secured == !expected.empty());
  if (server.secured) CHECK(server.session.application_protocol == expected);
}

TEST_CASE("a client whose protocols are all unknown is told so") {
  Stage stage;
  Party server;
  Party client;
  HandClient wish;
  wish.protocols = wire_form({"spdy/3", "ftp"});
  stage.connect(client, stage.serve(server, stage.context(stage.listener())), wish);
  stage.loop.settle();
  CHECK(server.failure == Failure::no_shared_protocol);
  CHECK(client.failure == Failure::no_shared_protocol);
  CHECK(client.detail == "tlsv1 alert no application protocol");
}

TEST_CASE("a client of an older version than the policy has is refused") {
  Stage stage;
  config::Listener listener = stage.listener();
  listener.tls.policy = config::TlsPolicy::modern;
  Party server;
  Party client;
  HandClient wish;
  wish.most_version = TLS1_2_VERSION;
  stage.connect(client, stage.serve(server, stage.context(listener)), wish);
  stage.loop.settle();
  CHECK(server.failure == Failure::no_shared_protocol);
  CHECK(client.failure == Failure::no_shared_protocol);
}

TEST_CASE("a custom list of ciphers is what is spoken") {
  Stage stage;
  config::Listener listener = stage.listener();
  listener.tls.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305";
  listener.tls.cipher_suites = "TLS_AES_256_GCM_SHA384";
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Party server;
  Party client;
  HandClient wish;
  wish.most_version = version;
  stage.connect(client, stage.serve(server, stage.context(listener)), wish);
  stage.loop.settle();
  CHECK(server.session.cipher == (version == TLS1_3_VERSION
                                      ? "TLS_AES_256_GCM_SHA384"
                                      : "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"));
}

TEST_CASE("a client that does not trust the certificate says so, and the server hears it") {
  Stage stage;
  Party server;
  Party client;
  HandClient wish;
  wish.authority = stage.made.stranger();
  wish.most_version = TLS1_2_VERSION;
  stage.connect(client, stage.serve(server, stage.context(stage.listener())), wish);
  stage.loop.settle();
  CHECK(client.failure == Failure::certificate_unverified);
  CHECK(server.failure == Failure::refused);
}

TEST_CASE("what is not TLS is told from what is") {
  const std::string bytes = GENERATE(as<std::string>(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                     "\x16\x47garbage", std::string(300, '\0'), "\x80\x2e\x01");
  Stage stage;
  Party server;
  Party client;
  client.take(stage.serve(server, stage.context(stage.listener())));
  client.send(bytes);
  stage.loop.settle();
  CHECK(server.failure == Failure::not_tls);
  CHECK(client.received.empty());
  CHECK(client.ended);
}

TEST_CASE("random bytes in a record are a failed handshake, whatever they are") {
  Stage stage;
  INFO("seed " << test::test_seed());
  const auto context = stage.context(stage.listener());
  for (int i = 0; i < 50; ++i) {
    Party server;
    Party client;
    client.take(stage.serve(server, context));
    std::string bytes = {0x16, 0x03, 0x01, 0x02, 0x00};
    for (int j = 0; j < 600; ++j) bytes += static_cast<char>(stage.loop.random());
    client.send(bytes);
    stage.loop.settle();
    CHECK(server.failure.has_value());
    CHECK_FALSE(server.secured);
  }
}

TEST_CASE("a silent client is given up when the handshake's time is over") {
  Stage stage;
  config::Listener listener = stage.listener();
  listener.tls.handshake_timeout = std::chrono::seconds(3);
  Party server;
  Party client;
  client.take(stage.serve(server, stage.context(listener)));
  stage.loop.pass_ms(2900);
  CHECK_FALSE(server.failure.has_value());
  stage.loop.pass_ms(200);
  CHECK(server.failure == Failure::timeout);
  CHECK(client.ended);
}

TEST_CASE("a client that leaves during the handshake has closed") {
  Stage stage;
  Party server;
  Party client;
  client.take(stage.serve(server, stage.context(stage.listener())));
  client.send("\x16\x03");
  stage.loop.settle();
  if (GENERATE(true, false)) client.transport->close_with_reset();
  client.transport.reset();
  stage.loop.settle();
  CHECK(server.failure == Failure::closed);
}

TEST_CASE("a handshake that is destroyed closes its connection and says nothing") {
  Stage stage;
  Party server;
  Party client;
  stage.connect(client, stage.serve(server, stage.context(stage.listener())));
  server.handshake.reset();
  stage.loop.settle();
  CHECK_FALSE(server.failure.has_value());
  CHECK_FALSE(server.secured);
  CHECK(client.failure == Failure::closed);
}

}  // namespace onehop::tls
