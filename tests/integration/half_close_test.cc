// SPDX-License-Identifier: MIT
// A client that ends its side of the connection before its response has left: nobody works for it
// any more (`half_close = "cancel"`, the default).
#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kOutcome[] = "downstream/requests/outcomes/client_half_closed";

TEST_CASE("a client that ends its side while its replica thinks has left") {
  const std::string request =
      GENERATE(as<std::string>(), kGet, "GET / HTTP/1.0\r\n\r\n",
               "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
               "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send(request);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  client.half_close();
  CHECK(client.wait_end() == End::closed);
  CHECK(eventually([&] { return origin.open() == 0; }));
  CHECK(proxy.wait_number(kOutcome, 1) == 1);
  CHECK(proxy.stats().number_or_zero("downstream/requests/outcomes/ok") == 0);
}

TEST_CASE("a client that ends its side in the middle of a response has left") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send(kGet);
  CHECK(client.read_response_head().status == 200);
  client.half_close();
  CHECK(eventually([&] { return origin.open() == 0; }));
  CHECK(proxy.wait_number(kOutcome, 1) == 1);
}

TEST_CASE("those who left make room in the queue for those who wait") {
  Gate go_on;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (request->target == "/slow") go_on.wait();
      connection.send(ok("done"));
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "workers = 1",
                                 .pool = "max_connections = 1\nmax_queue = 8\n"
                                         "queue_timeout = \"1m\""});
  Client slow = proxy.connect();
  slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  for (int round = 0; round < 4; ++round) {
    std::vector<Client> leaving;
    for (int i = 0; i < 8; ++i) {
      leaving.push_back(proxy.connect());
      leaving.back().send(kGet);
      leaving.back().half_close();
    }
    CHECK(proxy.wait_number(kOutcome, 8 * (round + 1)) == 8 * (round + 1));
  }
  CHECK(proxy.wait_number(ProxyProcess::endpoint(origin.address(), "requests/queued"), 0) == 0);
  Client honest = proxy.connect();
  honest.send(kGet);
  CHECK(proxy.wait_number(ProxyProcess::endpoint(origin.address(), "requests/queued"), 1) == 1);
  go_on.open();
  CHECK(honest.read_response().body == "done");
  CHECK(slow.read_response().body == "done");
  CHECK(origin.requests() == 2);
}

TEST_CASE("a response that is complete reaches a client that has ended its side meanwhile") {
  const std::string body(4 << 20, 'x');
  ScriptedOrigin origin(ScriptedOrigin::always(ok(body)));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = Client::connect(proxy.address(), 4096);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  // The replica has said all of it; the last of it waits here.
  std::string taken = client.read_exact(3 << 20);
  REQUIRE(eventually([&] {
    return proxy.stats().number_or_zero(
               ProxyProcess::endpoint(origin.address(), "requests/outcomes/ok")) == 1;
  }));
  client.half_close();
  taken += client.read_rest().bytes;
  CHECK(taken.size() > body.size());
  CHECK(taken.ends_with("xxxx"));
}

TEST_CASE("requests sent ahead by a client that has ended its side are not begun") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  std::string ahead;
  for (int i = 0; i < 50; ++i) ahead += kGet;
  client.send(ahead);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  client.half_close();
  CHECK(client.wait_end() == End::closed);
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  CHECK(origin.requests() == 1);
}

// What it has sent ahead is more than is read before it is answered, and its end is behind that.
TEST_CASE("a client that has sent much ahead has left when it leaves") {
  const bool reset = GENERATE(false, true);
  const size_t ahead = GENERATE(size_t{20} << 10, size_t{60} << 10);
  CAPTURE(reset, ahead);
  ScriptedOrigin origin([](OriginConnection& connection) {
    if (connection.read_request()) connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  {
    Client client = proxy.connect();
    std::string requests = kGet;
    while (requests.size() < ahead) requests += kGet;
    client.send(requests);
    REQUIRE(eventually([&] { return origin.requests() == 1; }));
    if (reset) client.reset();
  }
  CHECK(eventually([&] { return origin.open() == 0; }));
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  CHECK(origin.requests() == 1);
}

}  // namespace
}  // namespace onehop::test
