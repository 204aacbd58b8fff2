// SPDX-License-Identifier: MIT
// `onehop stats` against a running proxy, and against everything that is none.
#include <unistd.h>

#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

Finished stats_of(const std::string& admin, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {ProxyProcess::binary(), "stats", "--admin", admin};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_program(arguments);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The second word of the line that begins with the endpoint's address.
std::string requests_shown(const std::string& table, const std::string& address) {
  std::istringstream words(table);
  std::string word;
  while (words >> word && word != address) {
  }
  words >> word;
  return word;
}

ScriptedOrigin::Script answering_once(std::string bytes) {
  return [bytes = std::move(bytes)](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(bytes);
  };
}

TEST_CASE("stats shows each endpoint with its requests, plain and at most 80 columns wide") {
  ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  ScriptedOrigin b(ScriptedOrigin::always(ok("b")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {a.address(), b.address()}});
  for (int i = 0; i < 5; ++i) REQUIRE(proxy.get().status == 200);
  REQUIRE(proxy.wait_number("downstream/requests/total", 5) == 5);
  const Finished run = stats_of(proxy.admin_address());
  CAPTURE(run.output, run.errors);
  CHECK(run.code == 0);
  CHECK(run.errors.empty());
  CHECK(requests_shown(run.output, a.address()) == std::to_string(a.requests()));
  CHECK(requests_shown(run.output, b.address()) == std::to_string(b.requests()));
  CHECK_FALSE(contains(run.output, "\x1b"));
  std::istringstream lines(run.output);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
}

TEST_CASE("stats --json prints the document that the admin endpoint serves") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  REQUIRE(proxy.get().status == 200);
  REQUIRE(proxy.wait_number("downstream/requests/total", 1) == 1);
  const Finished run = stats_of(proxy.admin_address(), {"--json"});
  CAPTURE(run.output, run.errors);
  CHECK(run.code == 0);
  const Stats printed(run.output);
  CHECK(printed.number(ProxyProcess::endpoint(origin.address(), "requests/total")) == 1);
  CHECK(printed.keys("downstream") == proxy.stats().keys("downstream"));
  CHECK(run.output.ends_with('\n'));
}

TEST_CASE("stats --window shows the latencies of that window, in the table and in the document") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  for (const std::string window : {"10s", "1m", "5m", "total"}) {
    const Finished table = stats_of(proxy.admin_address(), {"--window", window});
    CAPTURE(window, table.output, table.errors);
    CHECK(table.code == 0);
    CHECK(
        contains(table.output, window == "total" ? "; all since start" : "in the last " + window));
    const Finished json = stats_of(proxy.admin_address(), {"--window", window, "--json"});
    CHECK(contains(json.output, "\"window\": \"" + window + "\""));
  }
  CHECK(contains(stats_of(proxy.admin_address(), {"--json"}).output, "\"window\": \"total\""));
}

TEST_CASE("stats with a window that there is none of ends with 2 and lists them") {
  const Finished run = stats_of(unused_address(), {"--window", "2m"});
  CHECK(run.code == 2);
  CHECK(run.output.empty());
  CHECK(contains(run.errors, "--window: 10s, 1m, 5m or total, found \"2m\"\n"));
}

TEST_CASE("stats counts what was turned away from a full queue as an error, and answers it so") {
  Gate gate;
  ScriptedOrigin origin(ScriptedOrigin::once_open(gate, ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .pool = "max_connections = 1\nmax_queue = 0"});
  Client first = proxy.connect();
  first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  REQUIRE(proxy.get().status == 503);
  REQUIRE(proxy.wait_number("downstream/requests/total", 1) == 1);
  const Finished run = stats_of(proxy.admin_address());
  CAPTURE(run.output);
  CHECK(contains(run.output, "        1\nlistening "));
  CHECK(contains(run.output, "; 1 request\nfailed    1 request, answered with an error"));
  gate.open();
  CHECK(first.read_response().status == 200);
}

TEST_CASE("stats takes localhost and a bare port for this machine") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const std::string port = proxy.admin_address().substr(proxy.admin_address().rfind(':'));
  for (const std::string& admin : {"localhost" + port, port}) {
    CAPTURE(admin);
    CHECK(stats_of(admin).code == 0);
  }
}

TEST_CASE("stats of an address where nobody listens ends with 1 and says what the proxy needs") {
  const std::string address = unused_address();
  const Finished run = stats_of(address);
  CAPTURE(run.errors);
  CHECK(run.code == 1);
  CHECK(run.output.empty());
  CHECK(contains(run.errors, address + ": "));
  CHECK(contains(run.errors, "onnection refused"));
  CHECK(contains(run.errors, "--admin"));
  CHECK(contains(run.errors, "[admin] listen"));
}

TEST_CASE("stats of what is no address ends with 2") {
  for (const char* admin : {"garbage", "127.0.0.1", "127.0.0.1:99999", "[::1:80", "a b:80", ":"}) {
    const Finished run = stats_of(admin);
    CAPTURE(admin, run.errors);
    CHECK(run.code == 2);
    CHECK(run.output.empty());
    CHECK(contains(run.errors, admin));
  }
}

TEST_CASE("stats of a server that is no admin endpoint ends with 1 and says what came instead") {
  struct Case {
    std::string answer;
    std::string told;
  };
  const std::vector<Case> cases = {
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404"},
      {ok("<html></html>"), "not JSON"},
      {ok("{}"), "not one of /stats"},
      {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP"},
      {"", "HTTP"},
  };
  for (const Case& row : cases) {
    ScriptedOrigin other(answering_once(row.answer));
    for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--json"}}) {
      const Finished run = stats_of(other.address(), more);
      CAPTURE(row.answer, run.output, run.errors);
      CHECK(run.code == 1);
      CHECK(run.output.empty());
      CHECK(contains(run.errors, other.address()));
      CHECK(contains(run.errors, row.told));
    }
  }
}

TEST_CASE("stats gives up on a server that says nothing") {
  const auto [fd, address] = bind_loopback(16);  // the kernel accepts, nobody answers
  const Finished run = stats_of(address);
  CAPTURE(run.errors);
  CHECK(run.code == 1);
  CHECK(contains(run.errors, "no answer within 5 s"));
  ::close(fd);
}

}  // namespace
}  // namespace onehop::test
