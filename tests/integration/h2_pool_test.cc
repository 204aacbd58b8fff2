// SPDX-License-Identifier: MIT
// The pool where connections carry many streams: when one takes no more of them, who waits, and
// what becomes of the others when a single stream fails.
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

ProxyConfig to(const ScriptedOrigin& origin, const std::string& pool) {
  return {.endpoints = {origin.address()}, .upstream = "protocol = \"h2\"", .pool = pool};
}

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

void answer(H2Peer& origin, int32_t id, const std::string& body) {
  origin.send(h2_headers(id, {{":status", "200"}}, kEndHeaders));
  origin.send({H2Type::data, kEndStream, id, body});
}

std::string path_of(H2Peer& origin, int32_t id) {
  return origin.exchange(id).heads.front().get(":path").value_or("");
}

std::string number_of(const OriginConnection& connection) {
  return "connection " + std::to_string(connection.index());
}

TEST_CASE("a connection that takes no more streams holds no place while it finishes those it has") {
  const bool goaway = GENERATE(true, false);
  CAPTURE(goaway);
  Gate finish;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      if (path_of(peer, id) != "/slow") {
        answer(peer, id, number_of(connection));
        continue;
      }
      if (goaway) peer.send(h2_goaway(id));
      finish.wait();
      answer(peer, id, "slow");
    }
  });
  ProxyProcess proxy(
      to(origin, goaway ? "max_connections = 1" : "max_connections = 1\nmax_requests = 1"));
  Client slow = proxy.connect();
  slow.send(get("/slow"));
  REQUIRE(eventually([&] { return origin.accepts() == 1; }));
  const std::string open = ProxyProcess::endpoint(origin.address(), "connections/open");
  REQUIRE(proxy.wait_number(open, 1) == 1);
  CHECK(proxy.get("/page").body == "connection 1");
  finish.open();
  CHECK(slow.read_response().body == "slow");
}

TEST_CASE("a stream that the origin resets costs no connection, and is not sent again") {
  const uint32_t error = GENERATE(uint32_t{2}, kCancel);
  CAPTURE(error);
  std::atomic<int> bad = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      if (path_of(peer, id) != "/bad") {
        answer(peer, id, number_of(connection));
        continue;
      }
      ++bad;
      peer.send(h2_reset(id, error));
    }
  });
  ProxyProcess proxy(to(origin, ""));
  for (int i = 0; i < 3; ++i) {
    CHECK(proxy.get("/page").body == "connection 0");
    const Response response = proxy.get("/bad");
    CHECK(response.status == 502);
    CHECK(fault_of_local_reply(response).empty());
  }
  CHECK(bad == 3);
  CHECK(proxy.get("/page").body == "connection 0");
}

TEST_CASE("106: a request that is refused several times goes out each time, within reason") {
  const int refusals = GENERATE(3, 1000);
  CAPTURE(refusals);
  std::atomic<int> requests = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      if (requests++ >= refusals) {
        answer(peer, id, peer.finish(id).body);
      } else {
        peer.send(h2_reset(id, kRefusedStream));
      }
    }
  });
  ProxyProcess proxy(to(origin, ""));
  const Response response =
      proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(response.status == (refusals == 3 ? 200 : 502));
  if (refusals == 3) CHECK(response.body == "hello");
  CHECK(requests <= 20);
}

TEST_CASE("max_requests and reuse are kept where many ask at the same moment") {
  const std::string pool = GENERATE(as<std::string>(), "max_requests = 1", "reuse = false");
  CAPTURE(pool);
  constexpr size_t kClients = 10;
  std::atomic<int> second_streams = 0;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept()) {
      if (id > 1) ++second_streams;
      answer(peer, id, "done");
    }
  });
  ProxyProcess proxy(to(origin, pool));
  std::vector<Client> clients;
  for (size_t i = 0; i < kClients; ++i) clients.push_back(proxy.connect());
  for (Client& client : clients) client.send(get("/"));
  for (Client& client : clients) CHECK(client.read_response().body == "done");
  CHECK(second_streams == 0);
  CHECK(origin.accepts() == static_cast<int>(kClients));
}

TEST_CASE("a connection that allows no stream any more is not lent to who waits") {
  Gate lower;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server, {{kMaxConcurrentStreams, 1}});
    while (const int32_t id = peer.accept()) {
      if (path_of(peer, id) == "/held") {
        lower.wait();
        peer.send(h2_settings({{kMaxConcurrentStreams, 0}}));
      }
      answer(peer, id, number_of(connection));
    }
  });
  ProxyProcess proxy(to(origin, "max_connections = 1\nqueue_timeout = \"20s\""));
  CHECK(proxy.get().body == "connection 0");  // its limit is known from here on
  Client first = proxy.connect();
  first.send(get("/held"));
  const std::string at = ProxyProcess::endpoint(origin.address(), "requests/");
  REQUIRE(proxy.wait_number(at + "in_flight", 1) == 1);
  Client second = proxy.connect();
  second.send(get("/"));
  REQUIRE(proxy.wait_number(at + "queued", 1) == 1);
  lower.open();
  CHECK(first.read_response().body == "connection 0");
  CHECK(second.read_response().body == "connection 1");
}

}  // namespace
}  // namespace onehop::test
