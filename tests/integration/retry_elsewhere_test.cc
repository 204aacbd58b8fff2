// SPDX-License-Identifier: MIT
// Where a request goes that an endpoint turned away or left unanswered: to another one first, and
// not for ever. retry_test.cc has what happens where there is only one.
#include <numeric>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr int kRequests = 60;

std::string post(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

// What an HTTP/2 endpoint does with a stream that it does not want.
enum class Refusal { reset, goaway, goaway_and_end };

ScriptedOrigin::Script refusing(Refusal how, std::atomic<int>& asked) {
  return [how, &asked](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      ++asked;
      if (how == Refusal::reset) {
        peer.send(h2_reset(id, kRefusedStream));
        continue;
      }
      peer.send(h2_goaway(id - 1));
      if (how == Refusal::goaway_and_end) return;
    }
  };
}

ScriptedOrigin::Script answering_h2(std::atomic<int>& asked) {
  return [&asked](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      ++asked;
      const std::string body = peer.finish(id).body;
      peer.send(h2_headers(id, {{":status", "200"}}, kEndHeaders));
      peer.send({H2Type::data, kEndStream, id, body});
    }
  };
}

// Each of the two is asked as often, whatever became of that.
std::string in_turn(Speaks speaks) {
  return std::string("balance = \"round_robin\"\n") +
         (speaks == Speaks::h1 ? "" : "protocol = \"h2\"");
}

TEST_CASE("a refused stream goes to another endpoint, whatever its method") {
  const Refusal how = GENERATE(Refusal::reset, Refusal::goaway, Refusal::goaway_and_end);
  CAPTURE(static_cast<int>(how));
  std::atomic<int> refused = 0;
  std::atomic<int> answered = 0;
  ScriptedOrigin bad(refusing(how, refused));
  ScriptedOrigin good(answering_h2(answered));
  ScriptedOrigin other(answering_h2(answered));
  ProxyProcess proxy(ProxyConfig{.endpoints = {bad.address(), good.address(), other.address()},
                                 .upstream = "protocol = \"h2\""});
  for (int i = 0; i < kRequests; ++i) {
    const Response response = proxy.exchange(post("hello"));
    CHECK(response.status == 200);
    CHECK(response.body == "hello");
  }
  CHECK(answered == kRequests);
  CHECK(refused <= kRequests);
}

TEST_CASE("an endpoint alone that refuses every stream is asked so often and no more") {
  std::atomic<int> refused = 0;
  ScriptedOrigin bad(refusing(Refusal::reset, refused));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {bad.address()}, .upstream = "protocol = \"h2\"\nretries = 2"});
  for (int i = 0; i < kRequests; ++i) CHECK(proxy.exchange(post("hello")).status == 502);
  CHECK(refused == 3 * kRequests);
}

TEST_CASE("refusals and failed connects together are held by one bound") {
  std::atomic<int> refused = 0;
  std::vector<std::unique_ptr<ScriptedOrigin>> bad;
  ProxyConfig config{.upstream = "protocol = \"h2\"\nretries = 3"};
  for (int i = 0; i < 4; ++i) {
    bad.push_back(std::make_unique<ScriptedOrigin>(refusing(Refusal::reset, refused)));
    config.endpoints.push_back(bad.back()->address());
    config.endpoints.push_back(unused_address());
  }
  ProxyProcess proxy(config);
  constexpr int kAsked = 8;
  for (int i = 0; i < kAsked; ++i) CHECK(proxy.get().status == 502);
  const Stats stats = proxy.stats();
  int64_t attempts = 0;
  for (const std::string& endpoint : config.endpoints)
    attempts += stats.number(ProxyProcess::endpoint(endpoint, "requests/retries_total"));
  CHECK(attempts == 3 * kAsked);
}

// Reads a request, or its first frames, and closes.
ScriptedOrigin::Script closing(Speaks speaks) {
  return [speaks](OriginConnection& connection) {
    if (speaks == Speaks::h1) {
      connection.read_request();
      return;
    }
    H2Peer peer(connection, H2Peer::Role::server);
    peer.accept();
  };
}

TEST_CASE("an idempotent request whose fresh connection ends unanswered goes to another endpoint") {
  const Speaks speaks = GENERATE(Speaks::h1, Speaks::h2);
  const std::string method = GENERATE(as<std::string>(), "GET", "HEAD", "DELETE", "OPTIONS", "PUT");
  CAPTURE(static_cast<int>(speaks), method);
  std::atomic<int> answered = 0;
  ScriptedOrigin bad(closing(speaks));
  ScriptedOrigin good(speaks == Speaks::h1 ? ScriptedOrigin::always(ok(""))
                                           : answering_h2(answered));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {bad.address(), good.address()}, .upstream = in_turn(speaks)});
  for (int i = 0; i < 4; ++i)
    CHECK(proxy.exchange(method + " / HTTP/1.1\r\nHost: a\r\n\r\n", method).status == 200);
}

TEST_CASE("a request that must not be done twice stays where its fresh connection ended") {
  const Speaks speaks = GENERATE(Speaks::h1, Speaks::h2);
  const std::string method = GENERATE(as<std::string>(), "POST", "PATCH");
  CAPTURE(static_cast<int>(speaks), method);
  std::atomic<int> answered = 0;
  ScriptedOrigin bad(closing(speaks));
  ScriptedOrigin good(speaks == Speaks::h1 ? ScriptedOrigin::always(ok(""))
                                           : answering_h2(answered));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {bad.address(), good.address()}, .upstream = in_turn(speaks)});
  int failed = 0;
  for (int i = 0; i < 4; ++i) {
    const Response response =
        proxy.exchange(method + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", method);
    failed += response.status == 502 ? 1 : 0;
  }
  CHECK(failed == 2);
}

TEST_CASE("a request that ends every connection it comes to is not passed round") {
  std::vector<std::unique_ptr<ScriptedOrigin>> bad;
  ProxyConfig config;
  for (int i = 0; i < 5; ++i) {
    bad.push_back(std::make_unique<ScriptedOrigin>(closing(Speaks::h1)));
    config.endpoints.push_back(bad.back()->address());
  }
  ProxyProcess proxy(config);
  CHECK(proxy.get().status == 502);
  int asked = 0;
  for (const auto& origin : bad) asked += origin->requests();
  CHECK(asked == 2);
}

TEST_CASE("a closed pooled connection sends its request to another endpoint, else to the same") {
  // The first endpoint answers once for each connection, so that the pooled ones are all stale.
  ScriptedOrigin stale([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(ok("once"));
    connection.read_request();
  });
  const bool alive = GENERATE(true, false);
  CAPTURE(alive);
  ScriptedOrigin good(ScriptedOrigin::always(ok("good")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {stale.address(), alive ? good.address() : unused_address()}});
  for (int i = 0; i < 6; ++i) {
    const Response response = proxy.get();
    CHECK(response.status == 200);
  }
}

TEST_CASE("nothing fails before an endpoint that ends its connections after so many requests") {
  const int most = GENERATE(5, 40);
  CAPTURE(most);
  constexpr int kClients = 20;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    int served = 0;
    int32_t last = 0;
    while (const int32_t id = peer.accept()) {
      if (++served > most) continue;  // it was told
      last = id;
      if (served == most) peer.send(h2_goaway(last));
      peer.send(h2_headers(id, {{":status", "200"}}, kEndHeaders | kEndStream));
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .upstream = "protocol = \"h2\""});
  std::atomic<int> failed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      Client client = proxy.connect();
      for (int j = 0; j < 30; ++j) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        failed += client.read_response().status == 200 ? 0 : 1;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(failed == 0);
}

}  // namespace
}  // namespace onehop::test
