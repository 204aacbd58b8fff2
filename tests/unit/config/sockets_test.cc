// SPDX-License-Identifier: MIT
// Unix sockets and the PROXY protocol in a configuration: what is taken, and what is said of the
// rest.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;
using testing::problems_of;

Lines warnings_of(const std::string& text) {
  const auto examined = examine(text, "t.toml", testing::variable, {});
  REQUIRE(examined.has_value());
  return testing::lines(examined->warnings);
}

std::string file_with(const std::string& listener, const std::string& upstream) {
  return "[[listener]]\n" + listener + "\n[[route]]\nupstream = \"app\"\n[upstream.app]\n" +
         upstream + "\n";
}
std::string with_listener(const std::string& listener) {
  return file_with(listener, "endpoints = [\"a:1\"]");
}
std::string with_endpoints(const std::string& endpoints, const std::string& more = "") {
  return file_with("address = \":0\"", "endpoints = [" + endpoints + "]\n" + more);
}

TEST_CASE("the path of a unix socket is taken for a listener and for an endpoint") {
  const std::string longest = "unix:/" + std::string(106, 'x');
  for (const std::string& address : {std::string("unix:/run/a.sock"), longest}) {
    CHECK(problems_of(with_listener("address = \"" + address + "\"")).empty());
    CHECK(problems_of(with_endpoints("\"" + address + "\"")).empty());
  }
}

TEST_CASE("the control socket and a listener have paths of their own") {
  CHECK(
      problems_of(with_listener("address = \"unix:/run/c.sock\"\n[admin]\n"
                                "control = \"/run/c.sock\"")) ==
      Lines{"t.toml:4:11: admin.control: an address of its own, found that of listener[0].address "
            "(line 2)"});
}

TEST_CASE("a path that no unix socket can have is refused, and the problem says why") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"unix:", "(no path behind \"unix:\")"},
      {"unix:a.sock", "(a path that does not begin with \"/\")"},
      {"unix:./a.sock", "(a path that does not begin with \"/\")"},
      {"unix:@a", "(there are no abstract sockets, only paths)"},
      {"unix:/run/", "(a folder; the socket needs a name in it)"},
      {"unix:/" + std::string(107, 'x'), "(a path of 108 bytes; the kernel takes 107 at most)"},
  };
  for (const auto& [address, reason] : cases) {
    for (const std::string& text :
         {with_listener("address = \"" + address + "\""), with_endpoints("\"" + address + "\"")}) {
      CAPTURE(text);
      const Lines problems = problems_of(text);
      REQUIRE(problems.size() == 1);
      CHECK(problems.front().ends_with(reason));
      CHECK(problems.front().find("\"unix:/path\"") != std::string::npos);
    }
  }
}

TEST_CASE("the admin endpoint has a key of its own for a unix socket") {
  const Lines problems =
      problems_of("admin.listen = \"unix:/run/a.sock\"\n" + with_listener("address = \":0\""));
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().ends_with("(a unix socket is for the key `control`)"));
}

TEST_CASE("a path has one listener, and is one endpoint of an upstream; letter case matters") {
  const Lines twice =
      problems_of("[[listener]]\naddress = \"unix:/a\"\n" + with_listener("address = \"unix:/a\""));
  CHECK(twice == Lines{"t.toml:4:11: listener[1].address: an address of its own, found that of "
                       "listener[0].address (line 2)"});
  CHECK(
      problems_of("[[listener]]\naddress = \"unix:/A\"\n" + with_listener("address = \"unix:/a\""))
          .empty());
  CHECK(problems_of(with_endpoints("\"unix:/a\", \"unix:/a\"")).size() == 1);
  CHECK(problems_of(with_endpoints("\"unix:/a\", \"unix:/A\"")).empty());
}

TEST_CASE("an endpoint at the path of a listener is a warning, as requests would go in circles") {
  const Lines warnings =
      warnings_of(file_with("address = \"unix:/a\"", "endpoints = [\"unix:/a\"]"));
  REQUIRE(warnings.size() == 1);
  CHECK(warnings.front().ends_with("is where listener[0] listens, so requests go in circles"));
}

TEST_CASE("the mode of a unix socket is an octal number") {
  for (const char* mode : {"0666", "0600", "660", "0777", "000"})
    CHECK(problems_of(with_listener(std::string("address = \"unix:/a\"\nmode = \"") + mode + '"'))
              .empty());
  for (const char* mode : {"", "rw", "0668", "66", "1777", "00666", "0o660", "-660"}) {
    CAPTURE(mode);
    const Lines problems =
        problems_of(with_listener(std::string("address = \"unix:/a\"\nmode = \"") + mode + '"'));
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().find("mode: an octal number from \"0000\" to \"0777\", found") !=
          std::string::npos);
  }
}

TEST_CASE("peers with a PROXY header are addresses, blocks, and those of unix sockets") {
  CHECK(problems_of(with_listener("address = \":0\"\nproxy_protocol_from = [\"10.0.0.0/8\", "
                                  "\"::1\", \"unix\"]"))
            .empty());
  for (const char* peer : {"", "10.0.0.0/33", "balancer.example", "unix:/run/a.sock", "Unix"}) {
    CAPTURE(peer);
    const Lines problems = problems_of(
        with_listener(std::string("address = \":0\"\nproxy_protocol_from = [\"") + peer + "\"]"));
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().find("proxy_protocol_from[0]: an IP address, a block such as "
                                "\"10.0.0.0/8\", or \"unix\", found") != std::string::npos);
  }
}

TEST_CASE("the version of the PROXY protocol is one of three words") {
  for (const char* version : {"off", "v1", "v2"})
    CHECK(problems_of(with_endpoints("\"a:1\"", std::string("proxy_protocol = \"") + version + '"'))
              .empty());
  const Lines problems = problems_of(with_endpoints("\"a:1\"", "proxy_protocol = true"));
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().find("\"off\" or \"v1\" or \"v2\"") != std::string::npos);
}

TEST_CASE("TLS with an endpoint at a path needs a server_name, or no verification") {
  const std::string tls = "[upstream.app.tls]\n";
  CHECK(problems_of(with_endpoints("\"a:1\", \"unix:/a\"", tls)) ==
        Lines{"t.toml:7:1: upstream.app.tls.server_name: a name, as the endpoint \"unix:/a\" has "
              "none, found \"\""});
  CHECK(problems_of(with_endpoints("\"unix:/a\"", tls + "server_name = \"app.example\"")).empty());
  CHECK(problems_of(with_endpoints("\"unix:/a\"", tls + "insecure_skip_verify = true")).empty());
}

TEST_CASE("keys that are of TCP alone, or of a file alone, are a warning beside the other") {
  CHECK(warnings_of(with_listener("address = \"unix:/a\"\ndefer_accept = true")) ==
        Lines{"t.toml:3:16: warning: listener[0].defer_accept: no effect on a unix socket, found "
              "true"});
  CHECK(warnings_of(with_listener("address = \":0\"\nmode = \"0600\"")) ==
        Lines{"t.toml:3:8: warning: listener[0].mode: no effect but on a unix socket "
              "(\"unix:/path\"), found \"0600\""});
  const std::string timeouts = "[upstream.app.timeouts]\ntcp_keepalive = \"7s\"";
  CHECK(warnings_of(with_endpoints("\"unix:/a\"", timeouts)) ==
        Lines{"t.toml:8:17: warning: upstream.app.timeouts.tcp_keepalive: no effect while every "
              "endpoint is a unix socket, found \"7s\""});
  CHECK(warnings_of(with_endpoints("\"unix:/a\", \"a:1\"", timeouts)).empty());
}

}  // namespace
}  // namespace onehop::config
