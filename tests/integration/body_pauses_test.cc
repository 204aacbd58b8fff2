// SPDX-License-Identifier: MIT
// Request bodies that take their time: what pauses, what converses and what drips.
#include "tests/support/any_client.h"
#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kShort[] =
    "request_body = \"300ms\"\nrequest_body_min_rate = 10000\nrequest_body_idle = \"5s\"";
constexpr milliseconds kPause(900);  // far beyond the grace

ScriptedOrigin::Script counts_body() {
  return ScriptedOrigin::answering(
      [](const Request& request) { return ok(std::to_string(request.body.size())); });
}

TEST_CASE("a body without a length may pause for longer than the grace of the rate") {
  const Speaks speaks = GENERATE(Speaks::h1, Speaks::h2);
  ScriptedOrigin origin(counts_body());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .timeouts = kShort});
  const auto client = connect_any({speaks, Tls::off}, proxy.address(), "a");
  client->ask({.method = "POST", .length = Length::unknown});
  Client clock = proxy.connect();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(clock.quiet_for(kPause));
    REQUIRE(client->send("a line of a pipe\n"));
  }
  client->finish();
  const Response response = client->response();
  CHECK(response.status == 200);
  CHECK(response.body == "51");
}

TEST_CASE("a chunked body may pause anywhere in its framing") {
  ScriptedOrigin origin(counts_body());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .timeouts = kShort});
  const std::string body = "10\r\nsixteen bytes...\r\n5;a=b\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n";
  const size_t first = body.find("5;");
  std::vector<Client> clients;
  for (size_t at = first; at < body.size(); ++at) {
    Client& client = clients.emplace_back(proxy.connect());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                body.substr(0, at));
  }
  Client clock = proxy.connect();
  REQUIRE(clock.quiet_for(kPause));
  for (size_t i = 0; i < clients.size(); ++i) {
    CAPTURE(i);
    clients[i].send(body.substr(first + i));
    CHECK(clients[i].read_response().body == "21");
  }
}

TEST_CASE("framing that carries nothing does not keep a body from falling silent") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    connection.read_rest();
  });
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .timeouts = "request_body_idle = \"600ms\""});
  const std::string silent = "downstream/requests/outcomes/request_body_idle_timeout";
  Client clock = proxy.connect();
  const auto drip = [&](const std::function<bool()>& send) {
    const Deadline deadline;
    while (!deadline.passed() && send() && clock.quiet_for(milliseconds(100))) {
      if (proxy.stats().number_or_zero(silent) > 0) break;
    }
    return proxy.wait_number(silent, 1) == 1;
  };
  SECTION("an extension of a chunk") {
    Client client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n5;a=b");
    CHECK(drip([&] { return client.try_send("c"); }));
  }
  SECTION("zeros of a chunk's size") {
    Client client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0");
    CHECK(drip([&] { return client.try_send("0"); }));
  }
  SECTION("a field of the trailers") {
    Client client = proxy.connect();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: ");
    CHECK(drip([&] { return client.try_send("a"); }));
  }
  SECTION("frames of DATA without data, with padding and without, of gRPC too") {
    constexpr uint8_t kPadded = 8;
    const bool padded = GENERATE(false, true);
    const std::string type = GENERATE("text/plain", "application/grpc");
    H2Peer client = H2Peer::connect(proxy.address());
    const int32_t id =
        client.request(h2_request("POST", "/", {{"content-type", type}}), H2Ends::no);
    client.data(id, "a");
    const H2Frame frame{H2Type::data, padded ? kPadded : uint8_t{0}, id,
                        padded ? std::string("\3\0\0\0", 4) : std::string()};
    CHECK(drip([&] { return client.try_send(frame.wire()); }));
  }
}

TEST_CASE("small messages of gRPC are a conversation, whatever the rate asks for") {
  const Speaks speaks = GENERATE(Speaks::h1, Speaks::h2);
  const std::string type = GENERATE("application/grpc", "Application/gRPC+proto");
  ScriptedOrigin origin(counts_body());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .timeouts = kShort});
  const auto client = connect_any({speaks, Tls::off}, proxy.address(), "a");
  client->ask({.method = "POST",
               .fields = {{"content-type", type}, {"te", "trailers"}},
               .length = Length::unknown});
  Client clock = proxy.connect();
  for (int i = 0; i < 10; ++i) {
    REQUIRE(clock.quiet_for(milliseconds(100)));
    REQUIRE(client->send("12345"));
  }
  client->finish();
  CHECK(client->response().body == "50");
}

TEST_CASE("a body without a length that falls silent is answered 408, with an outcome of its own") {
  const Speaks speaks = GENERATE(Speaks::h1, Speaks::h2);
  const bool grpc = GENERATE(false, true);
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    connection.read_rest();
  });
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .timeouts = "request_body_idle = \"600ms\""});
  const auto client = connect_any({speaks, Tls::off}, proxy.address(), "a");
  H2Fields fields;
  if (grpc) fields.emplace_back("content-type", "application/grpc");
  client->ask({.method = "POST", .fields = fields, .length = Length::unknown});
  REQUIRE(client->send("all that ever comes"));
  const Response response = client->response();
  CHECK(response.status == (grpc ? 200 : 408));
  CHECK(proxy.wait_number("downstream/requests/outcomes/request_body_idle_timeout", 1) == 1);
  CHECK(eventually([&] { return origin.open() == 0; }));
}

TEST_CASE("a drip of a body without a length is cut off as one with a length is") {
  const Speaks speaks = GENERATE(Speaks::h1, Speaks::h2);
  const int every_ms = GENERATE(20, 200, 700);
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.read_request_head();
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .timeouts = kShort});
  const auto client = connect_any({speaks, Tls::off}, proxy.address(), "a");
  client->ask({.method = "POST", .length = Length::unknown});
  Client clock = proxy.connect();
  const Deadline deadline;
  while (!deadline.passed() && client->send("a") && clock.quiet_for(milliseconds(every_ms))) {
    if (proxy.stats().number_or_zero("downstream/requests/outcomes/request_body_timeout") > 0)
      break;
  }
  CHECK(proxy.wait_number("downstream/requests/outcomes/request_body_timeout", 1) == 1);
  CHECK(eventually([&] { return origin.open() == 0; }));
}

}  // namespace
}  // namespace onehop::test
