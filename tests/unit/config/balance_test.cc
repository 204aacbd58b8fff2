// SPDX-License-Identifier: MIT
// How endpoints are chosen: hashing and its key, zones, and the cookie.
#include <string>
#include <vector>

#include "onehop/config/hash_key.h"
#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;
using testing::lines;

// With `upstream` below its endpoints, from line 7 on, and `server` in line 1.
std::string file_with(const std::string& upstream, const std::string& server = "") {
  return server + "\n[[route]]\nupstream = \"app\"\n[[listener]]\naddress = \":8080\"\n" +
         "[upstream.app]\n" + upstream + "\n";
}
std::string with_endpoints(const std::string& upstream, const std::string& server = "") {
  return file_with("endpoints = [\"127.0.0.1:9001\"]\n" + upstream, server);
}

Lines found_in(const std::string& text) {
  const auto examined = examine(text, "t.toml", testing::variable, {});
  return examined ? lines(examined->warnings) : lines(examined.error());
}

Upstream upstream_of(const std::string& text) {
  const auto config = parse(text, "t.toml", testing::variable);
  REQUIRE(config);
  return config->upstreams.front();
}

TEST_CASE("a key to hash by is of one kind, and has a name where there are many") {
  using Part = HashKey::Part;
  CHECK(*HashKey::parse("client") == HashKey{Part::client});
  CHECK(*HashKey::parse("path") == HashKey{Part::path});
  CHECK(*HashKey::parse("header:X-User") == HashKey{Part::header, "X-User"});
  CHECK(*HashKey::parse("cookie:sid") == HashKey{Part::cookie, "sid"});
  CHECK(*HashKey::parse("query:user.id[]") == HashKey{Part::query, "user.id[]"});
  for (const char* wrong : {"", "Client", "header", "header:", "header:a b", "cookie:a=b",
                            "query:", "query:a&b", "ip", "client:x", "path:/a", "uri"})
    CHECK_FALSE(HashKey::parse(wrong).has_value());
}

TEST_CASE("a hash without a key is a mistake, with its line and column") {
  const std::string expected =
      R"(upstream.app.hash_by: "header:NAME", "cookie:NAME", "query:NAME", "client" or "path", )";
  for (const std::string balance : {"ring_hash", "maglev"}) {
    const Lines found = found_in(with_endpoints("balance = \"" + balance + "\""));
    REQUIRE(found.size() == 1);
    CHECK(found[0] == "t.toml:6:1: " + expected + "as balance is \"" + balance + "\", found none");
    CHECK(found_in(with_endpoints("balance = \"" + balance + "\"\nhash_by = \"client\"")).empty());
  }
}

TEST_CASE("a key that is none is a mistake that says why") {
  const std::string balance = "balance = \"ring_hash\"\n";
  const std::string allowed =
      R"("header:NAME", "cookie:NAME", "query:NAME", "client", "path" or "", found )";
  CHECK(found_in(with_endpoints(balance + "hash_by = \"source\"")) ==
        Lines{"t.toml:9:11: upstream.app.hash_by: " + allowed + "\"source\""});
  CHECK(found_in(with_endpoints(balance + "hash_by = \"header:\"")) ==
        Lines{"t.toml:9:11: upstream.app.hash_by: " + allowed +
              "\"header:\" (no name behind \"header:\")"});
}

TEST_CASE("keys of hashing are a warning where nothing is hashed") {
  const std::string reason = "no effect but with balance \"ring_hash\" or \"maglev\", found ";
  CHECK(found_in(with_endpoints("balance = \"random_two\"\nhash_by = \"client\"\n"
                                "hash_balance_factor = 150")) ==
        Lines{"t.toml:9:11: warning: upstream.app.hash_by: " + reason + "\"client\"",
              "t.toml:10:23: warning: upstream.app.hash_balance_factor: " + reason + "150"});
}

TEST_CASE("a bound of load leaves room for all, or there is none") {
  const std::string hash = "balance = \"maglev\"\nhash_by = \"path\"\nhash_balance_factor = ";
  for (const char* good : {"0", "100", "125", "1000"})
    CHECK(found_in(with_endpoints(hash + good)).empty());
  CHECK(found_in(with_endpoints(hash + "99")) ==
        Lines{"t.toml:10:23: upstream.app.hash_balance_factor: 0, or 100 to 1000, as there is no "
              "room for all below, found 99"});
  CHECK(found_in(with_endpoints(hash + "1001")).size() == 1);
}

TEST_CASE("a zone is of an endpoint and of onehop, and no use without the second") {
  const std::string endpoints =
      "endpoints = [{ address = \"127.0.0.1:9001\", zone = \"eu-1\" }, \"127.0.0.1:9002\"]";
  const Upstream upstream = upstream_of(file_with(endpoints, "server.zone = \"eu-1\""));
  CHECK(upstream.endpoints[0].zone == "eu-1");
  CHECK(upstream.endpoints[1].zone.empty());
  CHECK(found_in(file_with(endpoints, "server.zone = \"eu-1\"")).empty());
  const Lines found = found_in(file_with(endpoints + "\nzone_spill_below = 70"));
  REQUIRE(found.size() == 2);
  CHECK(found[0] ==
        "t.toml:7:51: warning: upstream.app.endpoints[0].zone: no effect while server.zone is "
        "\"\", found \"eu-1\"");
  CHECK(found[1] ==
        "t.toml:8:20: warning: upstream.app.zone_spill_below: no effect while server.zone is "
        "\"\", found 70");
}

TEST_CASE("a cookie is on where its table is, and says what it may be") {
  CHECK_FALSE(upstream_of(with_endpoints("")).sticky.enabled);
  const Sticky plain = upstream_of(with_endpoints("[upstream.app.sticky]")).sticky;
  CHECK(plain.enabled);
  CHECK(plain.cookie.empty());
  CHECK(plain.path == "/");
  CHECK(plain.same_site == SameSite::lax);
  CHECK(plain.http_only);
  const std::string table = "[upstream.app.sticky]\n";
  CHECK(upstream_of(with_endpoints(table + "max_age = \"1h\"\nsame_site = \"none\"\n"
                                           "http_only = false"))
            .sticky.max_age == std::chrono::hours(1));
  for (const char* wrong :
       {"cookie = \"a b\"", "cookie = \"a=b\"", "cookie = \"a;\"", "secret = \"short\"",
        "path = \"app\"", "path = \"/a;b\"", "max_age = \"500ms\"", "same_site = \"Lax \""}) {
    INFO(wrong);
    CHECK(found_in(with_endpoints(table + wrong)).size() == 1);
  }
}

}  // namespace
}  // namespace onehop::config
