// SPDX-License-Identifier: MIT
// Certificates of one listener that are renewed, each for itself.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "parties.h"
#include "tests/support/catch.h"
#include "tests/support/deadline.h"

namespace onehop::tls {
namespace {

// A listener with a certificate for a.test, one for b.test and an authority for clients.
struct Renewals {
  Renewals() {
    for (const char* name : {"a", "b"}) {
      install(name, {.names = {name + std::string(".test")}});
      const std::string stem = stage.made.folder() + "/" + name;
      listener.tls.certificates.push_back({stem + ".pem", stem + ".key", ""});
    }
    listener.tls.client_certificates = config::ClientCertificates::optional;
    listener.tls.client_ca = copy("authorities.pem", stage.made.authority());
    context = stage.context(listener);
  }
  std::string copy(const std::string& name, const std::string& from) {
    std::ifstream stream(from);
    return stage.made.file(name, std::string(std::istreambuf_iterator<char>(stream), {}));
  }
  void install(const std::string& name, const test::CertificateWish& wish) {
    const auto files = stage.made.leaf(wish);
    copy(name + ".key", files.key);
    copy(name + ".pem", files.cert);
  }
  // As the process does it when files have changed.
  void refresh() {
    stage.warnings.clear();
    context = stage.context(listener, context.get());
    std::erase_if(stage.warnings, [](const std::string& warning) {
      return warning.find("can be read by others") != warning.npos;
    });
  }
  // The certificate that a client of `name` is shown, by its fingerprint.
  std::string shown(const std::string& name) {
    Party server;
    Party client;
    HandClient wish;
    wish.name = name;
    stage.connect(client, stage.serve(server, context), wish);
    stage.loop.settle();
    REQUIRE(client.secured);
    return fingerprint_of(*SSL_get0_peer_certificate(stage.last_ssl));
  }

  Stage stage;
  config::Listener listener;
  std::shared_ptr<const ServerContext> context;
};

}  // namespace

TEST_CASE("a renewed certificate is taken beside one that is no good, which stays as it was") {
  const std::string how = GENERATE(as<std::string>(), "no certificate", "expired", "another key",
                                   "gone", "no authority");
  CAPTURE(how);
  Renewals site;
  const std::string a = site.shown("a.test");
  const std::string b = site.shown("b.test");
  std::string file = "a.pem";
  if (how == "no certificate") site.stage.made.file("a.pem", "x");
  if (how == "expired") site.install("a", {.names = {"a.test"}, .from_days = -3, .to_days = -1});
  if (how == "another key") site.copy(file = "a.key", site.stage.made.leaf().key);
  if (how == "gone") REQUIRE(std::remove((site.stage.made.folder() + "/a.pem").c_str()) == 0);
  if (how == "no authority") site.stage.made.file(file = "authorities.pem", "x");
  site.install("b", {.names = {"b.test"}});
  CHECK(site.context->files_changed());
  site.refresh();
  REQUIRE(site.stage.warnings.size() == 1);
  CHECK(site.stage.warnings[0].find("/" + file) != std::string::npos);
  CHECK(site.shown("a.test") == a);
  const std::string renewed = site.shown("b.test");
  CHECK(renewed != b);
  CHECK_FALSE(site.context->files_changed());

  // What is said of a file is said once, until the file changes.
  site.install("b", {.names = {"b.test"}});
  site.refresh();
  CHECK(site.stage.warnings.empty());
  CHECK(site.shown("a.test") == a);
  CHECK(site.shown("b.test") != renewed);
  site.install("a", {.names = {"a.test"}});
  site.copy("authorities.pem", site.stage.made.authority());
  site.refresh();
  CHECK(site.stage.warnings.empty());
  CHECK(site.shown("a.test") != a);
}

TEST_CASE("a certificate that is refused is named with its listener, its key and the reason") {
  Renewals site;
  site.listener.address = "127.0.0.1:8443";
  site.stage.made.file("a.pem", "x");
  site.refresh();
  REQUIRE(site.stage.warnings.size() == 1);
  CHECK(site.stage.warnings[0] ==
        "listener 127.0.0.1:8443: the new files are refused and the old ones stay in use: "
        "tls.certificates[0].cert: a PEM file with a certificate, found \"" +
            site.stage.made.folder() + "/a.pem\" without one");
}

TEST_CASE("a certificate that expires while it is in use is served on beside a renewed one") {
  Renewals site;
  site.install("a", {.names = {"a.test"}, .to_seconds = 1});
  site.refresh();
  const std::string a = site.shown("a.test");
  const auto not_after = site.context->expiries()[0].not_after;
  REQUIRE(test::eventually([&] { return std::chrono::system_clock::now() > not_after; }));
  const std::string b = site.shown("b.test");
  site.install("b", {.names = {"b.test"}});
  site.refresh();
  CHECK(site.stage.warnings.empty());
  CHECK(site.shown("a.test") == a);
  CHECK(site.shown("b.test") != b);
}

}  // namespace onehop::tls
