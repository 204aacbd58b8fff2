// SPDX-License-Identifier: MIT
// Which names an endpoint may have, and which addresses cannot be listened on together.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;
using testing::problems_of;

Lines problems_of_endpoint(const std::string& address) {
  return problems_of("[upstream.app]\nendpoints = [\"" + address +
                     "\"]\n[[route]]\nupstream = \"app\"\n[[listener]]\naddress = \":0\"\n");
}

std::string labels(size_t count, size_t length) {
  std::string name;
  for (size_t i = 0; i < count; ++i) name += std::string(length, 'a') + '.';
  name.pop_back();
  return name;
}

TEST_CASE("a name that no resolver could look up is no endpoint, and the problem says why") {
  constexpr const char* kNumber = "its end is a number, and it is no IPv4 address";
  constexpr const char* kHyphen = "a label begins or ends with \"-\"";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"256.1.1.1", kNumber},
      {"1.2.3", kNumber},
      {"1", kNumber},
      {"1.2.3.4.5", kNumber},
      {"app.0x7F", kNumber},
      {"0X", kNumber},
      {"-app", kHyphen},
      {"app-.local", kHyphen},
      {"app.-", kHyphen},
      {"app..local", "an empty label"},
      {".app", "an empty label"},
      {labels(1, 64), "a label is longer than 63 characters"},
      {labels(4, 63), "the name is longer than 253 characters"},
  };
  for (const auto& [name, reason] : cases) {
    const std::string given = name + ":80";
    const std::string shown =
        given.size() > 80 ? '"' + given.substr(0, 80) + "\"..." : '"' + given + '"';
    CHECK(problems_of_endpoint(given) ==
          Lines{"t.toml:2:14: upstream.app.endpoints[0].address: \"IP:PORT\", \"[IP6]:PORT\" or "
                "\"NAME:PORT\" with a port from 1 to 65535, \"srv:NAME\" or \"unix:/path\", "
                "found " +
                shown + " (" + reason + ")"});
  }
}

TEST_CASE("a name of letters, digits, hyphens and underscores is an endpoint at any legal length") {
  for (const std::string& name :
       {std::string("app"), std::string("my_app-2"), std::string("_app.local"),
        std::string("10.app"), std::string("1a"), std::string("0xyz"), std::string("app.0b1"),
        std::string("255.1.1.1"), labels(1, 63), labels(4, 62) + ".a"}) {
    INFO(name);
    CHECK(problems_of_endpoint(name + ":80").empty());
  }
}

TEST_CASE("the reason why an endpoint is refused is not told where it would tell a secret") {
  CHECK(problems_of_endpoint("${API_TOKEN:-}.1:80") == problems_of_endpoint("${API_TOKEN:-}/:80"));
}

bool conflict(const std::string& first, const std::string& second) {
  const Lines problems =
      problems_of("[[listener]]\naddress = \"" + first + "\"\n[[listener]]\naddress = \"" + second +
                  "\"\n[[route]]\nupstream = \"app\"\n[upstream.app]\nendpoints = [\"a:1\"]\n");
  if (problems.empty()) return false;
  const std::string found = problems[0].find("overlaps") == std::string::npos
                                ? "found that of "
                                : "found \"" + second + "\", which overlaps with that of ";
  CHECK(problems == Lines{"t.toml:4:11: listener[1].address: an address of its own, " + found +
                          "listener[0].address (line 2)"});
  return true;
}

TEST_CASE("an address and the wildcard that holds it cannot be listened on together") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {":80", "127.0.0.1:80"},  {":80", "[::]:80"},
      {":80", "localhost:80"},  {"0.0.0.0:80", "[::ffff:10.0.0.1]:80"},
      {"[::]:80", "[::1]:80"},  {"[::]:80", "10.0.0.1:80"},
      {":80", "0.0.0.0:80"},    {"127.0.0.1:80", "[::ffff:127.0.0.1]:80"},
      {"[::1]:80", "[0::1]:80"}};
  for (const auto& [first, second] : cases) {
    INFO(first << " and " << second);
    CHECK(conflict(first, second));
    CHECK(conflict(second, first));
  }
}

TEST_CASE("addresses without a socket in common can be listened on together") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {":80", ":81"},           {":80", "[::1]:80"}, {"127.0.0.1:80", "127.0.0.2:80"},
      {"127.0.0.1:80", ":443"}, {":0", "[::]:0"},    {"127.0.0.1:80", "[::1]:80"}};
  for (const auto& [first, second] : cases) {
    INFO(first << " and " << second);
    CHECK_FALSE(conflict(first, second));
    CHECK_FALSE(conflict(second, first));
  }
}

TEST_CASE("a route's host may end in a dot, which is taken off") {
  const auto host_of = [](const std::string& host) {
    const auto config =
        parse("[[listener]]\naddress = \":0\"\n[[route]]\nupstream = \"app\"\nhost = \"" + host +
                  "\"\n[upstream.app]\nendpoints = [\"a:1\"]",
              "t.toml", testing::variable);
    return config ? config->routes[0].host : config.error().front().to_string();
  };
  CHECK(host_of("a.org.") == "a.org");
  CHECK(host_of("*.a.org.") == "*.a.org");
  CHECK(host_of("127.0.0.1") == "127.0.0.1");
  CHECK(host_of("a_b") == "a_b");
  CHECK_THAT(host_of(""), Catch::Matchers::Equals(""));
}

}  // namespace
}  // namespace onehop::config
