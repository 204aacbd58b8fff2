// SPDX-License-Identifier: MIT
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;
using testing::lines;
using testing::problems_of;

std::string file_with(const std::string& listener, const std::string& route,
                      const std::string& endpoint = "127.0.0.1:9001") {
  return "[[listener]]\naddress = \"" + listener + "\"\n[[route]]\nhost = \"" + route +
         "\"\nupstream = \"app\"\n[upstream.app]\nendpoints = [\"" + endpoint + "\"]\n";
}

Lines warnings_of(const std::string& text) {
  const auto examined = examine(text, "t.toml", testing::variable, {});
  return examined ? lines(examined->warnings) : lines(examined.error());
}

void check_ends(const Lines& problems, const std::string& end) {
  REQUIRE(problems.size() == 1);
  CAPTURE(problems[0], end);
  CHECK(problems[0].ends_with(end));
}

TEST_CASE(
    "a host that is written as a URL, with a port or as a pattern is answered with the host") {
  const std::vector<std::pair<std::string, std::string>> hosts = {
      {"http://a.org", "(a scheme; did you mean \"a.org\"?)"},
      {"https://a.org:8443/api?x", "(a scheme; did you mean \"a.org\"?)"},
      {"//a.org", "(a path)"},
      {"a.org/api", "(a path; did you mean \"a.org\"?)"},
      {"a.org:80", "(a port, and those take no part in matching; did you mean \"a.org\"?)"},
      {"*.a.org:80", "(a port, and those take no part in matching; did you mean \"*.a.org\"?)"},
      {".a.org", "(an empty label; did you mean \"*.a.org\"?)"},
      {"*", "(any host is \"\")"},
      {"~^www", "(there are no regular expressions)"},
      {"www.*.org", "(a character that no name has)"},
  };
  for (const auto& [host, end] : hosts) check_ends(problems_of(file_with(":0", host)), end);
}

TEST_CASE("a host \"_\" is a warning, as it is only a name here") {
  CHECK(warnings_of(file_with(":0", "_")) ==
        Lines{"t.toml:4:8: warning: route[0].host: \"_\" is no more than a name here; any host is "
              "\"\""});
}

TEST_CASE(
    "an address that another program would listen on is answered with the one that is meant") {
  const std::vector<std::pair<std::string, std::string>> addresses = {
      {"8080", "(a port alone has a colon before it; did you mean \":8080\"?)"},
      {"*:8080", "(no address; did you mean \":8080\"?)"},
      {"http://:8080", "(a scheme; did you mean \":8080\"?)"},
      {"https://0.0.0.0:443/", "(a scheme; did you mean \"0.0.0.0:443\"?)"},
      {"127.0.0.1:80800", "(ports end at 65535)"},
      {"[::1]:65536", "(ports end at 65535)"},
      {"example.org:80", "(a name, and listeners begin before names are looked up)"},
      {"/run/onehop.sock",
       "(a unix socket has \"unix:\" before its path; did you mean \"unix:/run/onehop.sock\"?)"},
      {"unix:80", "(a name, and listeners begin before names are looked up)"},
      {"127.0.0.1", "found \"127.0.0.1\""},
      {"::1:80", "found \"::1:80\""},
  };
  for (const auto& [address, end] : addresses) check_ends(problems_of(file_with(address, "")), end);
}

TEST_CASE(
    "an endpoint that is one of the listeners is a warning, as requests would go in circles") {
  const std::vector<std::pair<std::string, std::string>> circles = {
      {"127.0.0.1:8080", "127.0.0.1:8080"}, {":8080", "127.0.0.1:8080"},
      {"[::]:8080", "[::1]:8080"},          {":8080", "localhost:8080"},
      {"10.0.0.1:8080", "10.0.0.1:8080"},
  };
  for (const auto& [listener, endpoint] : circles) {
    CHECK(warnings_of(file_with(listener, "", endpoint)) ==
          Lines{"t.toml:7:14: warning: upstream.app.endpoints[0]: \"" + endpoint +
                "\" is where listener[0] listens, so requests go in circles"});
  }
}

TEST_CASE("an endpoint with a listener's port on another machine is no warning") {
  CHECK(warnings_of(file_with(":8080", "", "10.0.0.1:8080")).empty());
  CHECK(warnings_of(file_with(":8080", "", "app:8080")).empty());
  CHECK(warnings_of(file_with("127.0.0.1:8080", "", "127.0.0.1:8081")).empty());
}

}  // namespace
}  // namespace onehop::config
