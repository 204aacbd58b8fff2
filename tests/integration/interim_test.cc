// SPDX-License-Identifier: MIT
// Interim responses (1xx): news of a request that takes long comes for as long as it takes; what
// comes faster than anybody has news is a fault of the endpoint.
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/h2_origin.h"
#include "tests/support/h2_victim.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

constexpr int kMany = 100;
constexpr int kFlood = 100'000;

std::string progress(int number, size_t bytes = 0) {
  return "HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: " + std::to_string(number) +
         "\r\nX-Fill: " + std::string(bytes, 'f') + "\r\n\r\n";
}

TEST_CASE("a hundred interim responses at once reach the client, in order, before the final one") {
  const size_t bytes = GENERATE(size_t{0}, size_t{4000});
  CAPTURE(bytes);
  std::string all;
  for (int i = 0; i < kMany; ++i) all += progress(i, bytes);
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::always(all + ok("done")));
    const auto client = chain.client();
    for (int round = 0; round < 2; ++round) {
      client->ask({});
      for (int i = 0; i < kMany; ++i) {
        const Response head = client->head();
        REQUIRE(head.status == 104);
        REQUIRE(head.field("Upload-Offset") == std::to_string(i));
      }
      CHECK(client->response().body == "done");
    }
  });
}

// Sends until nobody takes it any more.
ScriptedOrigin::Script flood(const std::string& head) {
  return [head](OriginConnection& connection) {
    connection.must_read_request();
    for (int i = 0; i < kFlood; ++i) {
      if (!connection.try_send(head)) return;
    }
    connection.send(ok("after the flood"));
    connection.wait_end();
  };
}

TEST_CASE("a flood of interim responses is a 502, and the next request is served") {
  const bool large = GENERATE(false, true);
  CAPTURE(large);
  for_all_legs([&](Leg down, Leg up) {
    const std::string head = large ? progress(1, 60'000) : "HTTP/1.1 102 Processing\r\n\r\n";
    std::atomic<bool> flooding = true;
    ProxyChain chain(down, up, [&](OriginConnection& connection) {
      if (flooding.exchange(false)) return flood(head)(connection);
      connection.must_read_request();
      connection.send(ok("done"));
      connection.wait_end();
    });
    const auto client = chain.client();
    client->ask({});
    const Response response = client->response();
    CHECK(response.status == 502);
    CHECK(error_token(response) == "http_protocol_error");
    client->ask({});
    CHECK(client->response().body == "done");
  });
}

TEST_CASE("an HTTP/2 endpoint that floods with interim responses loses the stream and no other") {
  ScriptedOrigin origin(h2_script([](H2Peer& peer, int32_t id) {
    if (peer.exchange(id).heads.front().get(":path") == "/flood") {
      const std::string wire = h2_headers(id, {{":status", "103"}}, kEndHeaders).wire();
      for (int i = 0; i < kFlood; ++i) {
        if (!peer.try_send(wire)) return;
      }
    }
    peer.send(h2_headers(id, {{":status", "200"}}, kEndHeaders | kEndStream));
  }));
  ProxyProcess proxy({.endpoints = {origin.address()}, .upstream = "protocol = \"h2\""});
  const Response response = [&] {
    Client client = proxy.connect();
    client.send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
    return client.final_response();
  }();
  CHECK(response.status == 502);
  CHECK(proxy.get().status == 200);
}

TEST_CASE("interim responses of every kind pass, in order, whatever asked for them") {
  const std::string method = GENERATE("GET", "HEAD", "POST");
  CAPTURE(method);
  const std::vector<int> kinds = {100, 102, 103, 104, 199, 100};
  std::string all;
  for (const int status : kinds)
    all += "HTTP/1.1 " + std::to_string(status) + " \r\nLink: </a>; rel=preload\r\n\r\n";
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::always(all + ok("done")));
    const auto client = chain.client();
    client->ask({.method = method, .length = method == "POST" ? Length::known : Length::none});
    for (const int status : kinds) {
      const Response head = client->head();
      REQUIRE(head.status == status);
      REQUIRE(head.field("Link") == "</a>; rel=preload");
    }
    CHECK(client->response().status == 200);
  });
}

TEST_CASE("a 101 that nobody asked for is a 502 behind interim responses too") {
  std::string all;
  for (int i = 0; i < 20; ++i) all += "HTTP/1.1 100 Continue\r\n\r\n";
  all += "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
  for (const Leg down : {Leg{Speaks::h1, Tls::off}, Leg{Speaks::h2, Tls::on}}) {
    ProxyChain chain(down, {}, ScriptedOrigin::always(all + ok("smuggled")));
    const auto client = chain.client();
    client->ask({});
    CHECK(client->response().status == 502);
  }
}

TEST_CASE("an HTTP/2 endpoint that switches protocols loses the stream and no other") {
  ScriptedOrigin origin(h2_script([](H2Peer& peer, int32_t id) {
    const bool switches = peer.exchange(id).heads.front().get(":path") == "/switch";
    const H2Fields head = {{":status", switches ? "101" : "200"}};
    peer.send(h2_headers(id, head, kEndHeaders | (switches ? 0 : kEndStream)));
  }));
  ProxyProcess proxy({.endpoints = {origin.address()}, .upstream = "protocol = \"h2\""});
  Client client = proxy.connect();
  client.send("GET /switch HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.final_response().status == 502);
  CHECK(proxy.get().status == 200);
  CHECK(origin.accepts() == 1);
}

TEST_CASE("interim responses that a client does not take are left out, those with 100 too") {
  constexpr int kStreams = 10;
  constexpr int kHeads = 240;
  const std::string status = GENERATE("100 Continue", "103 Early Hints");
  CAPTURE(status);
  std::string all;
  for (int i = 0; i < kHeads; ++i)
    all += "HTTP/1.1 " + status + "\r\nX-Fill: " + std::string(8000, 'f') + "\r\n\r\n";
  H2Victim victim(all + ok("done"));
  H2Peer client(Peer::connect(victim.proxy.address(), 4096));
  for (int i = 0; i < kStreams; ++i) client.request(h2_request());
  const auto answered = static_cast<int64_t>(all.size()) * kStreams;
  const std::string received =
      ProxyProcess::endpoint(victim.origin.address(), "bytes/received_total");
  REQUIRE(eventually([&] { return victim.proxy.stats().number_or_zero(received) > answered; }));
  // Half a MiB for each stream, and what a sanitizer needs beside it; all of them are 18 MiB.
  CHECK(victim.grown() < attack_growth() + (size_t{3} << 20));
  CHECK(victim.serves());
}

TEST_CASE("a client of HTTP/1.0 gets none of a hundred interim responses, over either protocol") {
  std::string all;
  for (int i = 0; i < kMany; ++i) all += progress(i);
  for (const Leg up : {Leg{Speaks::h1, Tls::off}, Leg{Speaks::h2, Tls::off}}) {
    ProxyChain chain({}, up, ScriptedOrigin::always(all + ok("done")));
    Client client = chain.proxy().connect();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    CHECK(client.read_response().body == "done");
  }
}

}  // namespace
}  // namespace onehop::test
