// SPDX-License-Identifier: MIT
// One side ends before the other, over every pair of protocols of the matrix: responses that come
// early, clients that leave, origins that break off.
#include <atomic>
#include <optional>

#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

TEST_CASE("matrix: a response that comes before the end of its request arrives whole") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, [](OriginConnection& connection) {
      connection.read_request_head();
      connection.try_send("HTTP/1.1 413 Too Large\r\nContent-Length: 7\r\n\r\nstop it");
      connection.read_rest();
    });
    const auto client = chain.client();
    client->ask({.method = "POST", .length = Length::known, .bytes = 100'000'000});
    const std::string piece(10'000, 'x');
    for (int i = 0; i < 10; ++i) client->send(piece);
    const Response response = client->response();
    CHECK(response.status == 413);
    CHECK(response.body == "stop it");
    CHECK(response.complete);
  });
}

TEST_CASE("matrix: a client that gives up while it waits cancels the upstream request") {
  for_all_legs([](Leg down, Leg up) {
    Gate gone;
    ProxyChain chain(down, up, [&](OriginConnection& connection) {
      connection.must_read_request();
      connection.wait_end();
      gone.open();
    });
    const auto client = chain.client();
    client->ask({});
    REQUIRE(eventually([&] { return chain.origin().requests() == 1; }));
    client->leave();
    CHECK(gone.wait_for(patience()));
    CHECK(chain.proxy().wait_number("downstream/requests/in_flight", 0) == 0);
    CHECK(eventually([&] { return chain.endpoint_number("requests/in_flight") == 0; }));
  });
}

TEST_CASE("matrix: a client that gives up in the middle of a response cancels it upstream") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, [](OriginConnection& connection) {
      connection.must_read_request();
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
      while (connection.try_send("5\r\nhello\r\n") && connection.quiet_for(milliseconds(2))) {
      }
    });
    const auto client = chain.client();
    client->ask({});
    CHECK(client->head().status == 200);
    client->leave();
    CHECK(eventually([&] { return chain.origin().open() == 0; }));
  });
}

TEST_CASE("matrix: an upload cut short is not completed for the upstream") {
  for_all_legs([](Leg down, Leg up) {
    Gate ended;
    std::atomic<bool> made_up = false;
    ProxyChain chain(down, up, [&](OriginConnection& connection) {
      connection.read_request_head();
      made_up = connection.read_rest().bytes.find("0\r\n\r\n") != std::string::npos;
      ended.open();
    });
    const auto client = chain.client();
    client->ask({.method = "POST", .length = Length::unknown});
    CHECK(client->send("hello"));
    REQUIRE(eventually([&] { return chain.origin().requests() == 1; }));
    client->leave();
    CHECK(ended.wait_for(patience()));
    CHECK_FALSE(made_up);
  });
}

TEST_CASE("matrix: a response that breaks off is seen as incomplete by the client") {
  const std::string begin =
      GENERATE(as<std::string>(), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  const bool by_reset = GENERATE(false, true);
  CAPTURE(begin, by_reset);
  for_all_legs([&](Leg down, Leg up) {
    Gate client_has_it;
    ProxyChain chain(down, up, [&](OriginConnection& connection) {
      connection.must_read_request();
      connection.send(begin);
      client_has_it.wait();
      by_reset ? connection.reset() : connection.close();
    });
    const auto client = chain.client();
    client->ask({});
    const Response head = client->head();
    CHECK(head.status == 200);
    client_has_it.open();
    CHECK_FALSE(client->rest(head).complete);
  });
}

TEST_CASE("matrix: an upstream that ends before its response makes a 502, and others are served") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, [](OriginConnection& connection) {
      while (const std::optional<Request> request = connection.read_request()) {
        if (request->target == "/bad") return;
        connection.send(ok("done"));
      }
    });
    const auto client = chain.client();
    for (int round = 0; round < 2; ++round) {
      client->ask({.method = "POST", .path = "/bad", .length = Length::known, .bytes = 0});
      const Response bad = client->response();
      CHECK(bad.status == 502);
      client->ask({.path = "/good"});
      CHECK(client->response().body == "done");
    }
  });
}

}  // namespace
}  // namespace onehop::test
