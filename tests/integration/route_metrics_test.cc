// SPDX-License-Identifier: MIT
// What clients saw, by route, in /metrics: whatever the client speaks and however many endpoints
// were asked.
#include <chrono>
#include <future>

#include "tests/support/catch.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

constexpr const char* kRoutes =
    "[[route]]\nhost = \"example.org\"\npath = \"/api\"\nupstream = \"app\"\n"
    "[[route]]\npath = \"/files\"\nupstream = \"app\"\n";

// The statuses that are asked for in the path: "/api/409".
ScriptedOrigin::Script asked_status() {
  return ScriptedOrigin::answering([](const Request& request) {
    const std::string status = request.target.substr(request.target.rfind('/') + 1);
    return "HTTP/1.1 " + status + " X\r\nContent-Length: 2\r\n\r\nxx";
  });
}

// A sample's value in a document of /metrics; -1 where there is none.
double sample(const std::string& text, const std::string& name) {
  const size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

double responses(const std::string& text, const std::string& route, const std::string& code) {
  return sample(text,
                "onehop_downstream_responses_total{route=\"" + route + "\",code=\"" + code + "\"}");
}

double of_time(const std::string& text, const std::string& suffix, const std::string& route,
               const std::string& status_class) {
  return sample(text, "onehop_downstream_request_seconds_" + suffix + "{route=\"" + route +
                          "\",class=\"" + status_class + "\"}");
}

// Once for each status, and what the first proxy says of its only route.
TEST_CASE("matrix: requests are counted by route and exact status") {
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, asked_status());
    const auto client = chain.client();
    for (const char* status : {"200", "409", "429", "429", "503"}) {
      client->ask({.path = std::string("/api/") + status});
      CHECK(client->response().status == std::stoi(status));
    }
    const std::string text = chain.proxy().metrics();
    CHECK(responses(text, "/", "200") == 1);
    CHECK(responses(text, "/", "409") == 1);
    CHECK(responses(text, "/", "429") == 2);
    CHECK(responses(text, "/", "503") == 1);
    CHECK(of_time(text, "count", "/", "4xx") == 3);
    CHECK(of_time(text, "count", "/", "2xx") == 1);
    CHECK(of_time(text, "count", "/", "5xx") == 1);
  });
}

TEST_CASE("a route is named by its host and path, and what no route takes is there too") {
  ScriptedOrigin origin(asked_status());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .routes = kRoutes});
  const auto ask = [&](const std::string& target, const std::string& version,
                       const std::string& host) {
    return proxy.exchange("GET " + target + " HTTP/" + version + "\r\nHost: " + host + "\r\n\r\n")
        .status;
  };
  CHECK(ask("/api/409", "1.0", "Example.org:80") == 409);
  CHECK(ask("/api/204", "1.1", "example.org") == 204);
  CHECK(ask("/files/200", "1.1", "any") == 200);
  CHECK(ask("/nothing", "1.1", "any") == 404);
  CHECK(ask("bad target", "1.1", "any") == 400);
  const std::string text = proxy.metrics();
  CHECK(responses(text, "example.org/api", "409") == 1);
  CHECK(responses(text, "example.org/api", "204") == 1);
  CHECK(responses(text, "/files", "200") == 1);
  CHECK(responses(text, "", "404") == 1);
  CHECK(responses(text, "", "400") == 1);
  CHECK(of_time(text, "count", "example.org/api", "2xx") == 1);
  CHECK(of_time(text, "count", "", "4xx") == 2);
}

TEST_CASE("a client that left before its response is counted with the code none") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    if (connection.read_request()) connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: any\r\n\r\n");
  CHECK(eventually([&] { return origin.requests() == 1; }));
  client.reset();
  CHECK(proxy.wait_number("downstream/requests/by_class/none", 1) == 1);
  const std::string text = proxy.metrics();
  CHECK(responses(text, "/", "none") == 1);
  CHECK(of_time(text, "count", "/", "none") == 1);
}

TEST_CASE(
    "a request's time runs from its first byte to the last of the response, over all attempts") {
  using Clock = std::chrono::steady_clock;
  constexpr milliseconds kPause(30);
  // Within the request's time, however busy the machine is: from when the origin has the request
  // to when it begins to send the last of the response.
  std::promise<double> answering;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    if (!connection.read_request()) return;
    const auto asked = Clock::now();
    if (!connection.quiet_for(kPause)) return;
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    if (!connection.quiet_for(kPause)) return;
    answering.set_value(std::chrono::duration<double>(Clock::now() - asked).count());
    connection.send("world");
    connection.wait_end();
  });
  ProxyConfig config{.endpoints = {"127.0.0.1:1", origin.address()}};
  ProxyProcess proxy(config);
  Client client = proxy.connect();
  const auto begun = Clock::now();
  client.send("GET / HTTP/1.1\r\nHo");
  CHECK(client.quiet_for(kPause));
  client.send("st: any\r\n\r\n");
  CHECK(client.read_response().body == "helloworld");
  const std::string text = proxy.metrics();
  const double whole = std::chrono::duration<double>(Clock::now() - begun).count();
  // The time of the head belongs to the first attempt.
  const std::string head_read =
      ProxyProcess::endpoint("127.0.0.1:1", "phases/request_head_read/max_us");
  const double head = static_cast<double>(proxy.stats().number(head_read)) / 1e6;
  CAPTURE(head, whole);
  CHECK(head > 0);
  CHECK(of_time(text, "count", "/", "2xx") == 1);
  CHECK(of_time(text, "sum", "/", "2xx") >= head + answering.get_future().get());
  CHECK(of_time(text, "sum", "/", "2xx") <= whole);
  const std::string refused =
      "onehop_upstream_attempts_total{upstream=\"app\",endpoint=\"127.0.0.1:1\",class="
      "\"upstream\"}";
  CHECK(sample(text, refused) == 1);
}

TEST_CASE("an error ratio has a value while all is well, and the first error is an increase") {
  ScriptedOrigin origin(asked_status());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  const std::string at = "upstream=\"app\",outcome=\"upstream_closed\",class=\"upstream\"}";
  const std::string idle = proxy.metrics();
  CHECK(sample(idle, "onehop_upstream_outcomes_total{" + at) == 0);
  for (const char* outcome : {"connect_refused", "connect_timeout", "response_head_timeout",
                              "upstream_incomplete", "tls_failed"}) {
    CAPTURE(outcome);
    CHECK(sample(idle, std::string("onehop_downstream_outcomes_total{outcome=\"") + outcome +
                           "\",class=\"upstream\"}") == 0);
  }
  for (const char* by : {"ok", "client", "upstream", "onehop"}) {
    CHECK(sample(idle, "onehop_upstream_attempts_total{upstream=\"app\",endpoint=\"" +
                           origin.address() + "\",class=\"" + by + "\"}") == 0);
  }
  CHECK(of_time(idle, "count", "/", "5xx") == 0);
}

}  // namespace
}  // namespace onehop::test
