// SPDX-License-Identifier: MIT
// What `onehop check` says of TLS settings that would fail at the first handshake.
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "parties.h"
#include "tests/support/catch.h"

namespace onehop::tls {
namespace {

// A configuration of a listener and an upstream that has nothing wrong with it.
struct Plan {
  Plan() {
    config::Listener listener = stage.listener();
    const auto second = stage.made.leaf({.names = {"second.test"}});
    listener.tls.certificates.push_back({second.cert, second.key, ""});
    config.listeners = {config::Listener{}, listener};
    config.upstreams = {stage.upstream()};
  }
  config::ListenerTls& listener() { return config.listeners[1].tls; }
  config::Certificate& certificate() { return listener().certificates[1]; }
  config::UpstreamTls& upstream() { return config.upstreams[0].tls; }
  std::string file(std::string_view bytes) { return stage.made.file("given", bytes); }
  void demand_with(const std::string& list) {
    listener().client_certificates = config::ClientCertificates::required;
    listener().client_ca = stage.made.authority();
    listener().client_crl = list;
  }
  // Shows the folder of this run as F.
  std::string shown(std::string text) {
    const std::string& folder = stage.made.folder();
    for (size_t at = text.find(folder); at != text.npos; at = text.find(folder))
      text.replace(at, folder.size(), "F");
    return text;
  }

  Stage stage;
  config::Config config;
};

std::string content(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Row {
  std::string key;
  std::string sentence;  // its beginning, with F for the folder
  std::function<void(Plan&)> spoil;
};

const std::vector<Row>& certificate_rows() {
  static const std::vector<Row> rows = {
      {"certificates[1].cert", "a PEM file with a certificate, found \"F/none\" (No such file",
       [](Plan& plan) { plan.certificate().cert = plan.stage.made.folder() + "/none"; }},
      {"certificates[1].cert", "a PEM file with a certificate, found \"F/given\" without one",
       [](Plan& plan) { plan.certificate().cert = plan.file("hello\n"); }},
      {"certificates[1].cert", "a PEM file with a certificate, found \"F/given\" (",
       [](Plan& plan) {
         plan.certificate().cert =
             plan.file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
       }},
      {"certificates[1].cert", "a PEM file with a certificate, found \"F\" (not a regular file)",
       [](Plan& plan) { plan.certificate().cert = plan.stage.made.folder(); }},
      {"certificates[1].cert",
       "a certificate that is valid now, found \"F/3.pem\", which expired on 2",
       [](Plan& plan) {
         const auto files = plan.stage.made.leaf({.from_days = -9, .to_days = -1});
         plan.certificate() = {files.cert, files.key, ""};
       }},
      {"certificates[1].cert",
       "a certificate that is valid now, found \"F/3.pem\", which is valid only from 2",
       [](Plan& plan) {
         const auto files = plan.stage.made.leaf({.from_days = 2, .to_days = 9});
         plan.certificate() = {files.cert, files.key, ""};
       }},
      {"certificates[1].key", "the private key of \"F/3.pem\", found another one in \"F/2.key\"",
       [](Plan& plan) { plan.certificate().cert = plan.stage.made.leaf().cert; }},
      {"certificates[1].key", "a PEM file with a private key that has no passphrase, found none",
       [](Plan& plan) { plan.certificate().key = ""; }},
      {"certificates[1].key",
       "a PEM file with a private key that has no passphrase, found \"F/given\" without one",
       [](Plan& plan) { plan.certificate().key = plan.file("x"); }},
      {"certificates[1].key",
       "a PEM file with a private key that has no passphrase, found an encrypted one in "
       "\"F/3.key\"",
       [](Plan& plan) {
         plan.certificate().key =
             plan.stage.made.encrypted_key({plan.certificate().cert, plan.certificate().key});
       }},
      {"certificates[1].ocsp", "a DER file with a successful OCSP response, found \"F/given\" (",
       [](Plan& plan) { plan.certificate().ocsp = plan.file("nothing"); }},
      {"certificates[1].ocsp",
       "a DER file with a successful OCSP response, found \"F/given\" with the status trylater",
       [](Plan& plan) {
         plan.certificate().ocsp = plan.file(std::string("\x30\x03\x0a\x01\x03", 5));
       }},
      {"certificates[1].ocsp",
       "an OCSP response for \"F/2.pem\", found one for another certificate in \"F/3.der\"",
       [](Plan& plan) {
         plan.certificate().ocsp = plan.stage.made.ocsp_response(
             {plan.listener().certificates[0].cert, plan.listener().certificates[0].key});
       }},
      {"certificates[1].ocsp",
       "an OCSP response that \"F/2.pem\" is good, found that it is revoked in \"F/3.der\"",
       [](Plan& plan) {
         plan.certificate().ocsp =
             plan.stage.made.ocsp_response({plan.certificate().cert, ""}, {.revoked = true});
       }},
      {"certificates[1].cert",
       "a certificate with a chain that is valid now, found \"F/given\" with "
       "\"CN=localhost,O=onehop tests\", which expired on 2",
       [](Plan& plan) {
         const auto expired = plan.stage.made.leaf({.from_days = -9, .to_days = -1});
         plan.certificate().cert =
             plan.file(content(plan.certificate().cert) + content(expired.cert));
       }},
  };
  return rows;
}

const std::vector<Row>& listener_rows() {
  static const std::vector<Row> rows = {
      {"ciphers", "ciphers of TLS 1.2 in OpenSSL's notation, found \"AES128-GCM-SHA265\"",
       [](Plan& plan) {
         plan.listener().ciphers = "ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA265:!aNULL";
       }},
      {"ciphers", "at least one cipher of TLS 1.2, found \"!aNULL\"",
       [](Plan& plan) { plan.listener().ciphers = "!aNULL"; }},
      {"ciphers", "nothing with policy = \"modern\", which leaves TLS 1.2 out, found \"HIGH\"",
       [](Plan& plan) {
         plan.listener().policy = config::TlsPolicy::modern;
         plan.listener().ciphers = "HIGH";
       }},
      {"cipher_suites", "cipher suites of TLS 1.3 (TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384",
       [](Plan& plan) { plan.listener().cipher_suites = "TLS_AES_128_GCM_SHA256:TLS_RC4"; }},
      {"ciphers",
       "ciphers that authenticate the server and encrypt, found \"ADH-AES256-GCM-SHA384\" among "
       "\"ECDHE+AESGCM:ADH-AES256-GCM-SHA384\"; \":!aNULL:!eNULL\" leaves such out",
       [](Plan& plan) { plan.listener().ciphers = "ECDHE+AESGCM:ADH-AES256-GCM-SHA384"; }},
      {"ciphers",
       "ciphers that authenticate the server and encrypt, found \"ECDHE-ECDSA-NULL-SHA\"",
       [](Plan& plan) { plan.listener().ciphers = "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"; }},
      {"ciphers",
       "at least one cipher for the keys of the certificates (ECDSA), found "
       "\"ECDHE-RSA-AES128-GCM-SHA256\"",
       [](Plan& plan) { plan.listener().ciphers = "ECDHE-RSA-AES128-GCM-SHA256"; }},
      {"ciphers",
       "at least one cipher that HTTP/2 allows (of TLS 1.2: ECDHE with AES-GCM or ChaCha20), or "
       "http2 = false, found \"ECDHE-ECDSA-AES128-SHA\"",
       [](Plan& plan) { plan.listener().ciphers = "ECDHE-ECDSA-AES128-SHA"; }},
      {"client_ca",
       "authorities of which one is valid now, found \"F/3.pem\", where "
       "\"CN=localhost,O=onehop tests\" expired on 2",
       [](Plan& plan) {
         plan.listener().client_certificates = config::ClientCertificates::optional;
         plan.listener().client_ca = plan.stage.made.leaf({.from_days = -9, .to_days = -1}).cert;
       }},
      {"client_ca", "a PEM file with the certificates of authorities, found none",
       [](Plan& plan) {
         plan.listener().client_certificates = config::ClientCertificates::optional;
       }},
      {"client_ca",
       "a PEM file with the certificates of authorities, found \"F/given\" without one",
       [](Plan& plan) {
         plan.listener().client_certificates = config::ClientCertificates::required;
         plan.listener().client_ca = plan.file("");
       }},
      {"client_crl",
       "a PEM file with lists of revoked certificates, found \"F/none\" (No such file",
       [](Plan& plan) { plan.demand_with(plan.stage.made.folder() + "/none"); }},
      {"client_crl", "a PEM file with lists of revoked certificates, found \"F/given\" without one",
       [](Plan& plan) { plan.demand_with(plan.file("")); }},
      {"client_crl",
       "a PEM file with lists of revoked certificates, found \"F/authority.pem\" without one",
       [](Plan& plan) { plan.demand_with(plan.stage.made.authority()); }},
      {"client_crl",
       "lists of revoked certificates that are valid now, found \"F/3.crl\", where that of "
       "\"CN=onehop test authority,O=onehop tests\" expired on 2",
       [](Plan& plan) {
         plan.demand_with(
             plan.stage.made.revocations({}, {.from_seconds = -90, .to_seconds = -30}));
       }},
  };
  return rows;
}

const std::vector<Row>& upstream_rows() {
  static const std::vector<Row> rows = {
      {"ca", "a PEM file with the certificates of authorities, found \"F/none\" (No such file",
       [](Plan& plan) { plan.upstream().ca = plan.stage.made.folder() + "/none"; }},
      {"ca",
       "authorities of which one is valid now, found \"F/3.pem\", where "
       "\"CN=localhost,O=onehop tests\" expired on 2",
       [](Plan& plan) {
         plan.upstream().ca = plan.stage.made.leaf({.from_days = -9, .to_days = -1}).cert;
       }},
      {"cert", "a PEM file with a certificate, found none",
       [](Plan& plan) { plan.upstream().key = plan.certificate().key; }},
      {"key", "a PEM file with a private key that has no passphrase, found none",
       [](Plan& plan) { plan.upstream().cert = plan.certificate().cert; }},
      {"key", "the private key of \"F/2.pem\", found another one in \"F/1.key\"",
       [](Plan& plan) {
         plan.upstream().cert = plan.certificate().cert;
         plan.upstream().key = plan.listener().certificates[0].key;
       }},
  };
  return rows;
}

void check_rows(const std::vector<Row>& rows, const std::string& path) {
  for (const Row& row : rows) {
    Plan plan;
    row.spoil(plan);
    const auto problems = tls::check(plan.config);
    INFO(row.key << ": " << row.sentence);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].key == path + row.key);
    CHECK(plan.shown(problems[0].sentence).substr(0, row.sentence.size()) == row.sentence);
    CHECK(ERR_peek_error() == 0);
  }
}

}  // namespace

TEST_CASE("settings that work are no problem, and what is off is not looked at") {
  Plan plan;
  CHECK(tls::check(plan.config).empty());
  plan.upstream().enabled = false;
  plan.upstream().ca = "/nowhere";
  CHECK(tls::check(plan.config).empty());
  plan.listener().ciphers = "ECDHE+AESGCM:-RSA:!aNULL:@STRENGTH";
  plan.listener().cipher_suites = "TLS_CHACHA20_POLY1305_SHA256";
  CHECK(tls::check(plan.config).empty());
}

TEST_CASE("one cipher that can be used, or one authority that is valid, is enough") {
  Plan plan;
  plan.listener().ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:AES128-SHA";
  CHECK(tls::check(plan.config).empty());
  plan.listener().ciphers = "ECDHE-ECDSA-AES128-SHA";
  plan.config.listeners[1].http2 = false;
  CHECK(tls::check(plan.config).empty());
  const auto expired = plan.stage.made.leaf({.from_days = -9, .to_days = -1});
  plan.upstream().ca = plan.file(content(expired.cert) + content(plan.stage.made.authority()));
  CHECK(tls::check(plan.config).empty());
}

TEST_CASE("an OCSP response that is not valid now is a problem of the file, as a certificate is") {
  const auto [from, until, words] = GENERATE(table<int, int, std::string>(
      {{-7200, -60, "expired on 2"}, {600, 7200, "is valid only from 2"}}));
  Plan plan;
  plan.certificate().ocsp = plan.stage.made.ocsp_response(
      {plan.certificate().cert, ""}, {.from_seconds = from, .to_seconds = until});
  const auto problems = tls::check(plan.config);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].key == "listener[1].tls.certificates[1].ocsp");
  const std::string expected =
      "an OCSP response that is valid now, found \"F/3.der\", which " + words;
  CHECK(plan.shown(problems[0].sentence).substr(0, expected.size()) == expected);
}

TEST_CASE("each setting of a listener that would fail at a handshake is a problem with its key") {
  check_rows(certificate_rows(), "listener[1].tls.");
  check_rows(listener_rows(), "listener[1].tls.");
}

TEST_CASE("each setting of an upstream that would fail at a handshake is a problem with its key") {
  check_rows(upstream_rows(), "upstream.app.tls.");
}

TEST_CASE("all problems are found at once, and a dotted name is quoted") {
  Plan plan;
  plan.config.upstreams[0].name = "app.v2";
  plan.upstream().ca = "";
  plan.upstream().cert = "/nowhere";
  plan.certificate().key = "";
  plan.listener().ciphers = "NONE-OF-THEM";
  const auto problems = tls::check(plan.config);
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].key == "listener[1].tls.certificates[1].key");
  CHECK(problems[1].key == "listener[1].tls.ciphers");
  CHECK(problems[2].key == "upstream.\"app.v2\".tls.cert");
}

TEST_CASE("a context is not made of what check refuses, and says why") {
  for (const auto* rows : {&certificate_rows(), &listener_rows()}) {
    for (const Row& row : *rows) {
      Plan plan;
      row.spoil(plan);
      std::vector<std::string> warnings;
      const auto context = ServerContext::make(plan.config.listeners[1], nullptr, warnings);
      INFO(row.key << ": " << row.sentence);
      REQUIRE_FALSE(context.has_value());
      const std::string expected = "tls." + row.key + ": " + row.sentence;
      CHECK(plan.shown(context.error()).substr(0, expected.size()) == expected);
    }
  }
}

}  // namespace onehop::tls
