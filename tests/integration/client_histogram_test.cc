// SPDX-License-Identifier: MIT
// Every request that a client began is once in the histogram of its route and once among its
// statuses, however it ended: retried, refused, cut, reset, left, HEAD, behind 1xx, a tunnel.
#include <sstream>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

// The sum of all samples of `family`, over routes, classes and codes.
int64_t sum_of(const std::string& metrics, const std::string& family) {
  int64_t sum = 0;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(family + "{")) sum += std::stoll(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

void check_counted(const ProxyProcess& proxy, int64_t requests) {
  const auto sum = [&](const char* family) { return sum_of(proxy.metrics(), family); };
  CHECK(eventually([&] { return sum("onehop_downstream_requests_total") == requests; }));
  CHECK(sum("onehop_downstream_requests_total") == requests);
  CHECK(sum("onehop_downstream_request_seconds_count") == requests);
  CHECK(sum("onehop_downstream_responses_total") == requests);
  CHECK(sum("onehop_downstream_outcomes_total") == requests);
}

// By target; anything else is answered "done".
void misbehave(OriginConnection& connection) {
  while (const std::optional<Request> request = connection.read_request()) {
    const std::string& target = request->target;
    if (target == "/reset") return connection.reset();
    if (target == "/malformed") {
      connection.try_send("HTTP/1.1 2OO OK\r\n\r\n");
      return connection.close();
    }
    if (target == "/cut") {
      connection.try_send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
      return connection.close();
    }
    if (target == "/wait") {
      connection.wait_end();
      return;
    }
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
    const std::string answer = request->method == "HEAD" ? head
                               : target == "/hints"
                                   ? "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("done")
                               : target == "/700" ? "HTTP/1.1 700 X\r\nContent-Length: 0\r\n\r\n"
                                                  : ok("done");
    if (!connection.try_send(answer)) return;
  }
}

// Whatever comes, or nothing.
void exchange(AnyClient& client, const Ask& ask) {
  try {
    client.ask(ask);
    client.response();
  } catch (const std::exception&) {
  }
}

TEST_CASE("matrix: every request is once in the client's histogram, however it ended") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, misbehave);
    int64_t requests = 0;
    for (const std::string path : {"/", "/hints", "/700", "/reset", "/malformed", "/cut", "/%zz"}) {
      exchange(*chain.client(), {.path = path});
      ++requests;
    }
    exchange(*chain.client(), {.method = "HEAD"});
    exchange(*chain.client(), {.method = "TRACE", .fields = {{"max-forwards", "0"}}});
    exchange(*chain.client(), {.method = "POST", .path = "/reset"});
    requests += 3;
    const int before = chain.origin().requests();
    {
      const auto leaves = chain.client();
      leaves->ask({.path = "/wait"});
      CHECK(eventually([&] { return chain.origin().requests() == before + 1; }));
      leaves->leave();
    }
    check_counted(chain.proxy(), ++requests);
  });
}

TEST_CASE("a request that goes to a second endpoint is once in the client's histogram") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {unused_address(), origin.address()}});
  for (int i = 0; i < 10; ++i) CHECK(proxy.get("/").status == 200);
  check_counted(proxy, 10);
}

TEST_CASE("a tunnel is once in the client's histogram, when it has ended") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    connection.send(connection.read_exact(5));
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  CHECK(client.read_response_head().status == 101);
  client.send("hello");
  CHECK(client.read_exact(5) == "hello");
  client.half_close();
  check_counted(proxy, 1);
}

TEST_CASE("streams that a client resets at once are each once in its histogram") {
  ScriptedOrigin origin(misbehave);
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  H2Peer client = H2Peer::connect(proxy.address());
  for (int i = 0; i < 20; ++i) {
    const int32_t id = client.request(h2_request("GET", "/wait"));
    client.send(h2_reset(id));
  }
  CHECK(client.answers());
  check_counted(proxy, 20);
}

}  // namespace
}  // namespace onehop::test
