// SPDX-License-Identifier: MIT
// What a listener's context demands of clients, keeps between connections, and sees of its files.
#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "parties.h"
#include "tests/support/catch.h"
#include "tls/server_context.h"
#include "tls/ticket_keys.h"

namespace onehop::tls {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

config::Listener with_client_certificates(Stage& stage, config::ClientCertificates wanted) {
  config::Listener listener = stage.listener();
  listener.tls.client_certificates = wanted;
  listener.tls.client_ca = stage.made.authority();
  return listener;
}

// Whether a client that brings `session` resumes it; what it is given then is in stage.sessions.
bool resumes(Stage& stage, const std::shared_ptr<const ServerContext>& context,
             const HandClient& wish) {
  Party server;
  Party client;
  stage.connect(client, stage.serve(server, context), wish);
  stage.loop.settle();
  REQUIRE(server.secured);
  return server.session.resumed;
}

std::string ticket_of(const SSL_SESSION* session) {
  const unsigned char* bytes = nullptr;
  size_t size = 0;
  SSL_SESSION_get0_ticket(session, &bytes, &size);
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TicketKeys::Clock::time_point at(seconds since) {
  return TicketKeys::Clock::time_point() + hours(1000) + since;
}

}  // namespace

TEST_CASE("a client certificate is known by subject and fingerprint, also in a resumed session") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Stage stage;
  const auto context =
      stage.context(with_client_certificates(stage, config::ClientCertificates::required));
  HandClient wish;
  wish.most_version = version;
  wish.certificate = stage.made.leaf({.names = {"a+b.test"}});
  std::string fingerprint;
  for (const bool again : {false, true}) {
    Party server;
    Party client;
    if (again) wish.session = stage.sessions.back().get();
    stage.connect(client, stage.serve(server, context), wish);
    stage.loop.settle();
    REQUIRE(server.secured);
    CHECK(server.session.resumed == again);
    CHECK(server.session.peer_subject == "CN=a\\+b.test,O=onehop tests");
    CHECK(server.session.peer_fingerprint.size() == 64);
    if (again) CHECK(server.session.peer_fingerprint == fingerprint);
    fingerprint = server.session.peer_fingerprint;
  }
}

TEST_CASE("a client without a certificate is let in where it is optional alone") {
  const auto wanted =
      GENERATE(config::ClientCertificates::off, config::ClientCertificates::optional,
               config::ClientCertificates::required);
  Stage stage;
  Party server;
  Party client;
  stage.connect(client,
                stage.serve(server, stage.context(with_client_certificates(stage, wanted))));
  stage.loop.settle();
  if (wanted == config::ClientCertificates::required) {
    CHECK_FALSE(server.secured);
    CHECK(server.failure == Failure::certificate_missing);
  } else {
    CHECK(server.secured);
    CHECK(server.session.peer_subject.empty());
    CHECK(server.session.peer_fingerprint.empty());
  }
}

TEST_CASE("a client certificate of an unknown authority is refused, also where it is optional") {
  Stage stage;
  test::Certificates others;
  Party server;
  Party client;
  HandClient wish;
  wish.certificate = others.leaf();
  stage.connect(client,
                stage.serve(server, stage.context(with_client_certificates(
                                        stage, config::ClientCertificates::optional))),
                wish);
  stage.loop.settle();
  CHECK(server.failure == Failure::certificate_unverified);
  // TLS 1.3: the client was done before the server had looked.
  CHECK(client.error.has_value());
}

TEST_CASE("a ticket outlives a reload of the certificates, but not new demands on clients") {
  Stage stage;
  config::Listener listener = stage.listener();
  const auto first = stage.context(listener);
  CHECK_FALSE(resumes(stage, first, {}));
  HandClient wish;

  const auto files = stage.made.leaf();
  listener.tls.certificates = {{files.cert, files.key, ""}};
  const auto second = stage.context(listener, first.get());
  SessionPtr session = std::move(stage.sessions.back());
  wish.session = session.get();
  CHECK(resumes(stage, second, wish));

  listener.tls.client_certificates = config::ClientCertificates::optional;
  listener.tls.client_ca = stage.made.authority();
  const auto third = stage.context(listener, second.get());
  SessionPtr other = std::move(stage.sessions.back());
  wish.session = other.get();
  CHECK_FALSE(resumes(stage, third, wish));
}

TEST_CASE("a ticket of another listener is worth nothing") {
  Stage stage;
  const config::Listener listener = stage.listener();
  CHECK_FALSE(resumes(stage, stage.context(listener), {}));
  HandClient wish;
  SessionPtr session = std::move(stage.sessions.back());
  wish.session = session.get();
  CHECK_FALSE(resumes(stage, stage.context(listener), wish));
}

TEST_CASE("a connection goes on with the certificate that it began with when a new one is there") {
  Stage stage;
  config::Listener listener = stage.listener();
  Party old_server;
  Party old_client;
  auto context = stage.context(listener);
  stage.connect(old_client, stage.serve(old_server, context));
  stage.loop.settle();
  const auto files = stage.made.leaf({.names = {"new.test"}});
  listener.tls.certificates = {{files.cert, files.key, ""}};
  context = stage.context(listener, context.get());
  Party server;
  Party client;
  stage.connect(client, stage.serve(server, context));
  stage.loop.settle();
  CHECK(subject_of(*SSL_get0_peer_certificate(stage.last_ssl)) == "CN=new.test,O=onehop tests");
  old_client.send("still here");
  stage.loop.settle();
  CHECK(old_server.received == "still here");
}

TEST_CASE("the OCSP response of the certificate that is shown is stapled") {
  Stage stage;
  const auto plain = stage.made.leaf({.names = {"plain.test"}});
  const auto stapled = stage.made.leaf({.names = {"stapled.test"}});
  const std::string ocsp = stage.made.ocsp_response(stapled);
  config::Listener listener;
  listener.tls.certificates = {{plain.cert, plain.key, ""}, {stapled.cert, stapled.key, ocsp}};
  const auto context = stage.context(listener);
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  for (const bool wanted : {true, false}) {
    Party server;
    Party client;
    HandClient wish;
    wish.most_version = version;
    wish.name = wanted ? "stapled.test" : "plain.test";
    stage.connect(client, stage.serve(server, context), wish);
    stage.loop.settle();
    REQUIRE(client.secured);
    const unsigned char* bytes = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(stage.last_ssl, &bytes);
    if (wanted) {
      REQUIRE(size > 0);
      CHECK(std::string(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)) ==
            bytes_of(ocsp));
    } else {
      CHECK(size <= 0);
    }
  }
}

TEST_CASE("a context knows when its certificates expire") {
  Stage stage;
  const auto files = stage.made.leaf({.names = {"a.test"}, .to_days = 10});
  config::Listener listener;
  listener.tls.certificates = {{files.cert, files.key, ""}};
  const auto expiries = stage.context(listener)->expiries();
  REQUIRE(expiries.size() == 1);
  CHECK(expiries[0].file == files.cert);
  CHECK(expiries[0].subject == "CN=a.test,O=onehop tests");
  const auto left = expiries[0].not_after - std::chrono::system_clock::now();
  CHECK(left > hours(9 * 24));
  CHECK(left <= hours(10 * 24));
}

TEST_CASE("a change of any of its files is seen, a look at them is none") {
  Stage stage;
  const auto files = stage.made.leaf();
  const auto context = [&] {
    config::Listener listener;
    listener.tls.certificates = {{files.cert, files.key, stage.made.ocsp_response(files)}};
    return stage.context(listener);
  };
  const auto seen = context();
  CHECK_FALSE(seen->files_changed());
  const std::string key = bytes_of(files.key);
  CHECK_FALSE(seen->files_changed());
  stage.made.file(files.key.substr(stage.made.folder().size() + 1), key);
  CHECK(seen->files_changed());
  const auto anew = context();
  CHECK_FALSE(anew->files_changed());
  std::ofstream(files.cert, std::ios::app) << "\n";
  CHECK(anew->files_changed());
}

TEST_CASE("a key that others can read is warned of") {
  Stage stage;
  const auto files = stage.made.leaf();
  config::Listener listener;
  listener.tls.certificates = {{files.cert, files.key, ""}};
  stage.context(listener);
  CHECK(stage.warnings.empty());
  REQUIRE(::chmod(files.key.c_str(), 0644) == 0);
  stage.context(listener);
  REQUIRE(stage.warnings.size() == 1);
  CHECK(stage.warnings[0] ==
        "The private key \"" + files.key + "\" can be read by others than its owner (mode 0644)");
}

TEST_CASE("a ticket key encrypts for one rotation and decrypts for one more") {
  TicketKeys keys(seconds(100), at(seconds(0)));
  const auto first = keys.encrypting(at(seconds(99)));
  CHECK_FALSE(keys.decrypting(first.name, at(seconds(99)))->renew);
  const auto second = keys.encrypting(at(seconds(100)));
  CHECK(second.name != first.name);
  CHECK(second.cipher != first.cipher);
  CHECK(second.mac != first.mac);
  const auto found = keys.decrypting(first.name, at(seconds(199)));
  REQUIRE(found.has_value());
  CHECK(found->renew);
  CHECK(found->key.cipher == first.cipher);
  CHECK_FALSE(keys.decrypting(first.name, at(seconds(200))).has_value());
  const auto third = keys.encrypting(at(seconds(200)));
  CHECK(keys.decrypting(second.name, at(seconds(299)))->renew);
  CHECK_FALSE(keys.decrypting(third.name, at(seconds(10'000))).has_value());
}

TEST_CASE("a ticket of the previous key is resumed and renewed, one of an older key is not") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Stage stage;
  const auto context = stage.context(stage.listener());
  TicketKeys& keys = *static_cast<const OpenSslServerContext&>(*context).ticket_keys();
  HandClient wish;
  wish.most_version = version;
  CHECK_FALSE(resumes(stage, context, wish));
  SessionPtr session = std::move(stage.sessions.back());
  keys.encrypting(TicketKeys::Clock::now() + hours(13));
  wish.session = session.get();
  Party server;
  Party client;
  stage.connect(client, stage.serve(server, context), wish);
  stage.loop.settle();
  CHECK(server.session.resumed);
  CHECK(ticket_of(SSL_get_session(stage.last_ssl)) != ticket_of(session.get()));
  keys.encrypting(TicketKeys::Clock::now() + hours(26));
  CHECK_FALSE(resumes(stage, context, wish));
}

}  // namespace onehop::tls
