// SPDX-License-Identifier: MIT
// Lists of revoked client certificates: who is on one is refused, and so is whoever cannot be
// looked up.
#include <cstdio>
#include <optional>
#include <string>

#include "parties.h"
#include "tests/support/catch.h"
#include "tests/support/deadline.h"

namespace onehop::tls {
namespace {

struct Site {
  Site() : good(stage.made.leaf()), revoked(stage.made.leaf()) {
    listener = stage.listener();
    listener.tls.client_certificates = config::ClientCertificates::required;
    listener.tls.client_ca = stage.made.authority();
  }
  // Whether a client with that certificate is let in.
  bool lets_in(const test::CertificateFiles& files, int most_version = 0) {
    Party server;
    Party client;
    HandClient wish;
    wish.certificate = files;
    wish.most_version = most_version;
    stage.connect(client, stage.serve(server, context), wish);
    stage.loop.settle();
    failure = server.failure;
    return server.secured;
  }

  Stage stage;
  test::CertificateFiles good;
  test::CertificateFiles revoked;
  config::Listener listener;
  std::shared_ptr<const ServerContext> context;
  std::optional<Failure> failure;
};

TEST_CASE("who is on the list of revoked certificates is refused, and nobody else") {
  const int version = GENERATE(0, TLS1_2_VERSION);
  CAPTURE(version);
  Site site;
  site.context = site.stage.context(site.listener);
  CHECK(site.lets_in(site.revoked, version));
  site.listener.tls.client_crl = site.stage.made.revocations({site.revoked});
  site.context = site.stage.context(site.listener);
  CHECK(site.lets_in(site.good, version));
  CHECK_FALSE(site.lets_in(site.revoked, version));
  CHECK(site.failure == Failure::certificate_unverified);
}

TEST_CASE("a client whose authority has no list in the file is refused") {
  Site site;
  test::Certificates others;
  site.listener.tls.client_crl = others.revocations({});
  site.context = site.stage.context(site.listener);
  CHECK_FALSE(site.lets_in(site.good));
}

TEST_CASE("a new list is taken, and a file that is no list leaves the old one in use") {
  Site site;
  const std::string first = site.stage.made.revocations({});
  site.listener.tls.client_crl = first;
  site.context = site.stage.context(site.listener);
  CHECK(site.lets_in(site.revoked));
  CHECK_FALSE(site.context->files_changed());
  const std::string second = site.stage.made.revocations({site.revoked});
  REQUIRE(std::rename(second.c_str(), first.c_str()) == 0);
  CHECK(site.context->files_changed());
  const auto before = site.context;
  site.context = site.stage.context(site.listener, before.get());
  CHECK_FALSE(site.context->presents_as(*before));
  CHECK_FALSE(site.lets_in(site.revoked));
  CHECK(site.lets_in(site.good));
  site.stage.warnings.clear();
  site.stage.made.file(first.substr(first.rfind('/') + 1), "no list");
  CHECK(site.context->files_changed());
  site.context = site.stage.context(site.listener, site.context.get());
  REQUIRE(site.stage.warnings.size() == 1);
  CHECK(site.stage.warnings[0].find("tls.client_crl") != std::string::npos);
  CHECK_FALSE(site.lets_in(site.revoked));
  CHECK(site.lets_in(site.good));
}

TEST_CASE("a list that expires in use is said to have, and its clients are refused") {
  Site site;
  site.listener.tls.client_crl = site.stage.made.revocations({}, {.to_seconds = 2});
  site.context = site.stage.context(site.listener);
  CHECK(site.lets_in(site.good));
  site.stage.warnings.clear();
  REQUIRE(test::eventually([&] { return site.context->files_changed(); }));
  REQUIRE(test::eventually([&] { return !site.lets_in(site.good); }));
  site.context = site.stage.context(site.listener, site.context.get());
  REQUIRE(site.stage.warnings.size() == 1);
  CHECK(site.stage.warnings[0].find("expired on 2") != std::string::npos);
}

}  // namespace
}  // namespace onehop::tls
