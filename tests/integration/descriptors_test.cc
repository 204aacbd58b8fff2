// SPDX-License-Identifier: MIT
// Running out of file descriptors (edge cases 72 and 73): nobody is dropped, nothing spins, and it
// passes.
#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

SubprocessOptions few_files() {
  return {.environment = {}, .open_files = 64, .directory = ""};
}

// Answers at once, but for /hold, which waits for the gate.
ScriptedOrigin::Script held_by(Gate& gate) {
  return [&gate](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (request->target == "/hold") gate.wait();
      if (!connection.try_send(ok("done"))) return;
    }
  };
}

TEST_CASE("72: more busy clients than file descriptors wait their turn, and all are served") {
  Gate gate;
  ScriptedOrigin origin(held_by(gate));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}}, few_files());
  REQUIRE(proxy.get().status == 200);
  std::vector<Client> holding;
  for (int i = 0; i < 150; ++i) {
    holding.push_back(proxy.connect());
    holding.back().send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  REQUIRE(eventually([&] { return origin.requests() >= 10; }));
  Client late = proxy.connect();
  late.send(kGet);

  // While it is full it rests: at most a small part of this time is spent computing.
  CHECK(late.quiet_for(milliseconds(100)));
  const milliseconds before = proxy.cpu_time();
  CHECK(late.quiet_for(milliseconds(400)));
  CHECK(proxy.cpu_time() - before <= milliseconds(150));
  CHECK(proxy.open_files() <= 64);

  gate.open();
  holding.clear();
  CHECK(late.read_response().status == 200);
  for (int i = 0; i < 5; ++i) CHECK(proxy.get().status == 200);
}

TEST_CASE("72: those who waited while descriptors were short are all answered, none is dropped") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}}, few_files());
  std::vector<Client> clients;
  for (int i = 0; i < 150; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send(kGet);
  }
  for (Client& client : clients) CHECK(client.read_response().status == 200);
  CHECK(proxy.get().status == 200);
}

TEST_CASE("73: a dial without a descriptor is a fault of the proxy and recovers") {
  Gate gate;
  ScriptedOrigin origin(held_by(gate));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}}, few_files());
  // Each held request takes a descriptor on both sides.
  std::vector<Client> clients;
  for (int i = 0; i < 60; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send("GET /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  }
  REQUIRE(eventually([&] { return origin.requests() >= 10; }));
  gate.open();
  for (Client& client : clients) {
    const Response response = client.read_response();
    CHECK((response.status == 200 || response.status == 503));
  }
  CHECK(proxy.get().status == 200);
}

TEST_CASE("the limit of open files is raised to the hard limit at the start") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const Finished limits = run_program({"cat", "/proc/" + std::to_string(proxy.pid()) + "/limits"});
  const size_t at = limits.output.find("Max open files");
  REQUIRE(at != std::string::npos);
  std::istringstream line(limits.output.substr(at + 14));
  std::string soft;
  std::string hard;
  line >> soft >> hard;
  CHECK(soft == hard);
}

}  // namespace
}  // namespace onehop::test
