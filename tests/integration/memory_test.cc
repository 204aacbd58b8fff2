// SPDX-License-Identifier: MIT
// Bodies are streamed with bounded memory: a peer that stops taking stops the other one from
// sending (edge cases 68 and 69).
#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr size_t kBody = 64 << 20;
// ThreadSanitizer keeps four bytes beside each that is used, and they are resident as well.
size_t copies() {
  return ProxyProcess::sanitizer() == ProxyProcess::Sanitizer::thread ? 5 : 1;
}
size_t growth() {
  return copies() * (8 << 20);
}
// docs/flow-control.md: output and one delivery for each client, and the bulk chunks of one worker.
constexpr size_t kPinned = (128 + 64 + 64 + 64) << 10;
constexpr size_t kBulkChunks = 8 << 20;
constexpr size_t kSlack = 2 << 20;

// What hundreds of reloads may add. A sanitizer's allocator is not as thrifty.
size_t growth_of_reloads() {
  return ProxyProcess::sanitizer() == ProxyProcess::Sanitizer::none ? kSlack : growth();
}

// The sanitizer keeps freed memory for a while; that is not the proxy's memory.
SubprocessOptions no_quarantine() {
  return {
      .environment = {{"ASAN_OPTIONS", "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}},
      .open_files = 0,
      .directory = ""};
}

TEST_CASE("68: a client that stops reading a large response stops the upstream, and memory stays") {
  const std::string body = noise(kBody);
  Gate stuck;
  std::atomic<size_t> sent = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    if (connection.must_read_request().target == "/small") {
      connection.send(ok("done", "Connection: close\r\n"));
      return;
    }
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n\r\n");
    sent = connection.send_until_stuck(body);
    stuck.open();
    connection.send(std::string_view(body).substr(sent));
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}}, no_quarantine());
  REQUIRE(proxy.get("/small").status == 200);
  const size_t before = proxy.resident_bytes();
  Client client = Peer::connect(proxy.address(), 65536);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response_head().status == 200);
  REQUIRE(stuck.wait_for(patience()));
  CHECK(sent < body.size());
  CHECK(proxy.resident_bytes() < before + growth());
  CHECK((client.read_exact(body.size()) == body));
  CHECK(proxy.resident_bytes() < before + growth());
}

TEST_CASE("68: many clients that stop reading pin little each, however large the reads were") {
  constexpr size_t kClients = 48;
  const std::string body = noise(16 << 20);
  Gate all_stuck;
  Gate done;
  std::atomic<size_t> stuck = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    if (connection.must_read_request().target == "/small") {
      connection.send(ok("done", "Connection: close\r\n"));
      return;
    }
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n\r\n");
    if (connection.send_until_stuck(body) < body.size() && ++stuck == kClients) all_stuck.open();
    done.wait();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}}, no_quarantine());
  REQUIRE(proxy.get("/small").status == 200);
  const size_t before = proxy.resident_bytes();
  std::vector<Client> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.push_back(Peer::connect(proxy.address(), 65536));
    clients.back().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  REQUIRE(all_stuck.wait_for(patience()));
  CHECK(proxy.resident_bytes() < before + copies() * (kClients * kPinned + kBulkChunks + kSlack));
  done.open();
}

TEST_CASE("69: an upstream that stops reading a large upload stops the client, and memory stays") {
  const std::string body = noise(kBody);
  Gate client_stuck;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    const std::optional<Request> head = connection.read_request_head();
    if (head->target == "/small") {
      connection.send(ok("done", "Connection: close\r\n"));
      return;
    }
    client_stuck.wait();
    connection.send(ok(connection.read_exact(body.size()) == body ? "same" : "different"));
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}}, no_quarantine());
  REQUIRE(proxy.get("/small").status == 200);
  const size_t before = proxy.resident_bytes();
  Client client = proxy.connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  const size_t sent = client.send_until_stuck(body);
  CHECK(sent < body.size());
  CHECK(proxy.resident_bytes() < before + growth());
  client_stuck.open();
  client.send(std::string_view(body).substr(sent));
  CHECK(client.read_response().body == "same");
  CHECK(proxy.resident_bytes() < before + growth());
}

TEST_CASE("pipelined requests that nobody reads the answers of do not pile up") {
  const std::string body = noise(100'000);
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (connection.read_request()) {
      if (!connection.try_send(ok(body))) return;
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}}, no_quarantine());
  REQUIRE(proxy.get().status == 200);
  const size_t before = proxy.resident_bytes();
  std::string requests;
  for (int i = 0; i < 400'000; ++i) requests += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  Client client = Peer::connect(proxy.address(), 65536);
  CHECK(client.send_until_stuck(requests) < requests.size());
  CHECK(proxy.resident_bytes() < before + growth());
  client.reset();
  CHECK(proxy.wait_number("downstream/connections/open", 0) == 0);
}

// Each brings another set of endpoints, another pool and another route.
TEST_CASE("after hundreds of reloads memory is what it was after ten") {
  const ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  const ScriptedOrigin b(ScriptedOrigin::always(ok("b")));
  ProxyConfig config{.endpoints = {a.address()}};
  ProxyProcess proxy(config, no_quarantine());
  const auto reload = [&](int times) {
    for (int i = 0; i < times; ++i) {
      config.endpoints = {i % 2 == 0 ? b.address() : a.address()};
      config.pool = "max_idle = " + std::to_string(1 + i % 7);
      config.more = "[[route]]\npath = \"/" + std::to_string(i % 2) + "\"\nupstream = \"app\"\n";
      REQUIRE(proxy.reload(config));
      CHECK(proxy.get().status == 200);
    }
  };
  reload(10);
  const size_t before = proxy.resident_bytes();
  reload(300);
  CHECK(proxy.resident_bytes() < before + growth_of_reloads());
}

}  // namespace
}  // namespace onehop::test
