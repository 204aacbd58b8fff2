// SPDX-License-Identifier: MIT
// Which OCSP responses are stapled, and until when.
#include "tls/staple.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "parties.h"
#include "tests/support/catch.h"
#include "tests/support/deadline.h"
#include "tls/loading.h"

namespace onehop::tls {
namespace {

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// What a client that asks is given; "" is nothing. The handshake succeeds in any case.
std::string stapled_by(Stage& stage, const std::shared_ptr<const ServerContext>& context) {
  Party server;
  Party client;
  stage.connect(client, stage.serve(server, context));
  stage.loop.settle();
  REQUIRE(client.secured);
  REQUIRE(server.secured);
  const unsigned char* bytes = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(stage.last_ssl, &bytes);
  return size <= 0 ? std::string()
                   : std::string(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

config::Listener with(const test::CertificateFiles& files, const std::string& ocsp) {
  config::Listener listener;
  listener.tls.certificates = {{files.cert, files.key, ocsp}};
  return listener;
}

CertificatePtr certificate_in(const std::string& file) {
  const auto read = load_authorities(file, "ca");
  REQUIRE(read.has_value());
  CertificatePtr first(read->front().get());
  X509_up_ref(first.get());
  return first;
}

}  // namespace

TEST_CASE("a response that is not valid now is not stapled, with a warning") {
  const auto [from, to, words] = GENERATE(table<int, int, std::string>(
      {{-7200, -60, "expired on 2"}, {600, 7200, "is valid only from 2"}}));
  Stage stage;
  const auto files = stage.made.leaf();
  const std::string ocsp =
      stage.made.ocsp_response(files, {.from_seconds = from, .to_seconds = to});
  const auto context = stage.context(with(files, ocsp));
  REQUIRE(stage.warnings.size() == 1);
  CHECK(stage.warnings[0].find("\"" + ocsp + "\" " + words) != std::string::npos);
  CHECK(stapled_by(stage, context).empty());
  CHECK_FALSE(context->files_changed());
}

TEST_CASE("a response that expires is stapled no more, and the next look at the files warns") {
  Stage stage;
  const auto files = stage.made.leaf();
  const std::string ocsp = stage.made.ocsp_response(files, {.to_seconds = 2});
  const auto listener = with(files, ocsp);
  const auto context = stage.context(listener);
  CHECK(stage.warnings.empty());
  CHECK(stapled_by(stage, context) == bytes_of(ocsp));
  CHECK(test::eventually([&] { return stapled_by(stage, context).empty(); }));
  CHECK(context->files_changed());
  const auto next = stage.context(listener, context.get());
  REQUIRE(stage.warnings.size() == 1);
  CHECK(stage.warnings[0].find("\"" + ocsp + "\" expired on 2") != std::string::npos);
  CHECK_FALSE(next->files_changed());
  CHECK(stapled_by(stage, next).empty());
}

TEST_CASE("a renewed response is stapled, one that is no good is refused and the old one stays") {
  Stage stage;
  const auto files = stage.made.leaf();
  const std::string first = bytes_of(stage.made.ocsp_response(files));
  const auto listener = with(files, stage.made.file("live.der", first));
  auto context = stage.context(listener);
  stage.made.file("live.der", bytes_of(stage.made.ocsp_response(files, {.revoked = true})));
  context = stage.context(listener, context.get());
  REQUIRE(stage.warnings.size() == 1);
  CHECK(stage.warnings[0].find("found that it is revoked in ") != std::string::npos);
  CHECK(stapled_by(stage, context) == first);
  const std::string second = bytes_of(stage.made.ocsp_response(files, {.from_seconds = -30}));
  stage.made.file("live.der", second);
  context = stage.context(listener, context.get());
  CHECK(stapled_by(stage, context) == second);
}

TEST_CASE("a response is known by the issuer's key where the chain has it, else by its name") {
  test::Certificates made;
  test::Certificates others;  // of the same names and numbers
  const auto leaf = made.leaf();
  const std::string own = made.ocsp_response(leaf);
  const std::string foreign = others.ocsp_response(leaf);
  const CertificatePtr certificate = certificate_in(leaf.cert);
  std::vector<CertificatePtr> chain;
  CHECK(load_staple(own, leaf.cert, *certificate, chain).has_value());
  CHECK(load_staple(foreign, leaf.cert, *certificate, chain).has_value());
  chain.push_back(certificate_in(made.authority()));
  CHECK(load_staple(own, leaf.cert, *certificate, chain).has_value());
  CHECK_FALSE(load_staple(foreign, leaf.cert, *certificate, chain).has_value());
}

}  // namespace onehop::tls
