// SPDX-License-Identifier: MIT
// `onehop check-health` against a proxy that is ready, one that drains, and everything else that an
// address can hold: the exit code is what an orchestrator acts on, the sentence what a person
// reads.
#include <unistd.h>

#include <csignal>

#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

Finished check_health(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {ProxyProcess::binary(), "check-health"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_program(arguments);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Not healthy: 1, nothing on stdout, and one line on stderr that names the question and the reason.
void check_unhealthy(const Finished& run, const std::string& admin, const std::string& reason) {
  CAPTURE(admin, reason, run.output, run.errors);
  CHECK(run.code == 1);
  CHECK(run.output.empty());
  CHECK(contains(run.errors, "not healthy: GET /readyz of " + admin + ": "));
  CHECK(contains(run.errors, reason));
  CHECK(run.errors.find('\n') == run.errors.size() - 1);
}

TEST_CASE("check-health of a running proxy ends with 0 and says what it asked") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const Finished run = check_health({"--admin", proxy.admin_address()});
  CAPTURE(run.output, run.errors);
  CHECK(run.code == 0);
  CHECK(run.errors.empty());
  CHECK(run.output ==
        "onehop: healthy: GET /readyz of " + proxy.admin_address() + ": status 200 ready\n");
  CHECK(origin.accepts() == 0);  // the question is the proxy's own, no replica sees it
}

TEST_CASE("check-health takes localhost and a bare port for this machine") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const std::string port = proxy.admin_address().substr(proxy.admin_address().rfind(':'));
  for (const std::string& admin : {"localhost" + port, port}) {
    CAPTURE(admin);
    CHECK(check_health({"--admin", admin, "--timeout", "5s"}).code == 0);
  }
}

TEST_CASE("check-health of a proxy that drains ends with 1 and says 503") {
  Gate gate;
  ScriptedOrigin origin(ScriptedOrigin::once_open(gate, ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = "drain = \"60s\""});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  CHECK(check_health({"--admin", proxy.admin_address()}).code == 0);
  proxy.signal(SIGTERM);
  REQUIRE(eventually([&] { return proxy.admin("/readyz").status == 503; }));
  check_unhealthy(check_health({"--admin", proxy.admin_address()}), proxy.admin_address(),
                  "status 503 draining");
  gate.open();
  CHECK(client.read_response().status == 200);
  client.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("check-health of an address where nobody listens ends with 1 at once") {
  const std::string address = unused_address();
  check_unhealthy(check_health({"--admin", address, "--timeout", "10m"}), address,
                  "onnection refused");
}

TEST_CASE("check-health gives up after --timeout on a server that says nothing") {
  const auto [fd, address] = bind_loopback(16);  // the kernel accepts, nobody answers
  check_unhealthy(check_health({"--admin", address, "--timeout", "300ms"}), address,
                  "no answer within 300 ms");
  check_unhealthy(check_health({"--admin", address, "--timeout", "1s"}), address,
                  "no answer within 1 s");
  ::close(fd);
}

TEST_CASE("check-health without --timeout gives up after two seconds") {
  const auto [fd, address] = bind_loopback(16);
  check_unhealthy(check_health({"--admin", address}), address, "no answer within 2 s");
  ::close(fd);
}

TEST_CASE("check-health does not take the beginning of an answer for health") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send("HTTP/1.1 200 OK\r\n");
    connection.wait_end();
  });
  check_unhealthy(check_health({"--admin", origin.address(), "--timeout", "300ms"}),
                  origin.address(), "no answer within 300 ms");
}

TEST_CASE("check-health of a server that is no admin endpoint ends with 1 and says what came") {
  struct Case {
    std::string answer;
    std::string told;
  };
  const std::vector<Case> cases = {
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404\n"},
      {"HTTP/1.1 500 Oh\r\n\r\nfirst\nsecond\n", "status 500 first\n"},
      {"HTTP/1.1 500 Oh\r\n\r\n\x1b[31mred", "status 500\n"},
      {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "it does not speak HTTP/1.1\n"},
      {"", "it does not speak HTTP/1.1\n"},
  };
  for (const Case& row : cases) {
    CAPTURE(row.answer);
    ScriptedOrigin other([&](OriginConnection& connection) {
      connection.must_read_request();
      connection.send(row.answer);
    });
    check_unhealthy(check_health({"--admin", other.address()}), other.address(), row.told);
  }
}

TEST_CASE("check-health with wrong usage ends with 2 and says what is wrong") {
  const std::vector<std::vector<std::string>> rows = {
      {"--nonsense"},
      {"surplus"},
      {"--admin"},
      {"--admin", "garbage"},
      {"--admin", "[::1:80"},
      {"--admin", "127.0.0.1:99999"},
      {"--timeout", "soon"},
      {"--timeout", "2"},
      {"--timeout", "0s"},
      {"--timeout", "-1s"},
      {"--timeout", "2h"},
      {"--timeout", "99999999999999999999s"},
      {"--timeout", "2s", "x"},
  };
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (const std::string& word : row) line += word + " ";
    const Finished run = check_health(row);
    CAPTURE(line, run.output, run.errors);
    CHECK(run.code == 2);
    CHECK(run.output.empty());
    CHECK_FALSE(run.errors.empty());
  }
}

TEST_CASE("check-health says what --timeout may be, and what is wrong with what it was given") {
  struct Case {
    std::string timeout;
    std::string remark;
  };
  for (const Case& row : std::vector<Case>{{"2", " (without a unit: ms, s, m, h)"},
                                           {"soon", " (units: ms, s, m, h)"},
                                           {"2h", ""},
                                           {"61m", ""}}) {
    const Finished run = check_health({"--timeout", row.timeout});
    CHECK(run.errors == "--timeout: \"1ms\" to \"1h\", found \"" + row.timeout + "\"" + row.remark +
                            "\nRun onehop check-health --help for more information.\n");
  }
}

}  // namespace
}  // namespace onehop::test
