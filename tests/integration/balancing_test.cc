// SPDX-License-Identifier: MIT
// Which endpoint gets a request, and which upstream a route names.
#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_CASE("round_robin takes the endpoints in turn") {
  ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  ScriptedOrigin b(ScriptedOrigin::always(ok("b")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {a.address(), b.address()}});
  Client client = proxy.connect();
  std::string order;
  for (int i = 0; i < 8; ++i) {
    client.send(kGet);
    order += client.read_response().body;
  }
  CHECK((order == "abababab" || order == "babababa"));
  CHECK(a.accepts() == 1);
  CHECK(b.accepts() == 1);
}

TEST_CASE("round_robin is smooth and gives each endpoint its weight") {
  ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  ScriptedOrigin b(ScriptedOrigin::always(ok("b")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {"{ address = \"" + a.address() + "\", weight = 3 }", b.address()}});
  Client client = proxy.connect();
  std::string order;
  for (int i = 0; i < 40; ++i) {
    client.send(kGet);
    order += client.read_response().body;
  }
  CHECK(a.requests() == 30);
  CHECK(b.requests() == 10);
  CHECK(order.find("bb") == std::string::npos);
  CHECK(order.find("aaaa") == std::string::npos);
}

TEST_CASE("least_requests leaves a busy endpoint alone") {
  Gate gate;
  const auto script = [&](const std::string& name) {
    return [&, name](OriginConnection& connection) {
      while (const std::optional<Request> request = connection.read_request()) {
        if (request->target == "/hold") gate.wait();
        if (!connection.try_send(ok(name))) return;
      }
    };
  };
  ScriptedOrigin a(script("a"));
  ScriptedOrigin b(script("b"));
  ProxyProcess proxy(ProxyConfig{.endpoints = {a.address(), b.address()},
                                 .upstream = "balance = \"least_requests\""});
  std::vector<Client> held;
  for (int i = 0; i < 2; ++i) {
    held.push_back(proxy.connect());
    held.back().send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(eventually([&] { return a.requests() + b.requests() == i + 1; }));
  }
  CHECK(a.requests() == 1);  // one each
  CHECK(b.requests() == 1);
  held.push_back(proxy.connect());
  held.back().send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return a.requests() + b.requests() == 3; }));
  const std::string freer = a.requests() == 1 ? "a" : "b";
  for (int i = 0; i < 10; ++i) CHECK(proxy.get().body == freer);
  gate.open();
  for (Client& client : held) CHECK(client.read_response().status == 200);
}

TEST_CASE("the route with the longest prefix wins, an exact one before it, a host before none") {
  const auto name = [](const std::string& text) { return ScriptedOrigin::always(ok(text)); };
  ScriptedOrigin root(name("root"));
  ScriptedOrigin api(name("api"));
  ScriptedOrigin deep(name("deep"));
  ScriptedOrigin exact(name("exact"));
  ScriptedOrigin host(name("host"));
  ScriptedOrigin wild(name("wild"));
  const auto upstream = [](const std::string& id, const ScriptedOrigin& origin) {
    return "[upstream." + id + "]\nendpoints = [\"" + origin.address() + "\"]\n";
  };
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {root.address()},
      .routes = "[[route]]\npath = \"/\"\nupstream = \"app\"\n"
                "[[route]]\npath = \"/api\"\nupstream = \"api\"\n"
                "[[route]]\npath = \"/api/v2\"\nupstream = \"deep\"\n"
                "[[route]]\npath = \"/api/v2\"\nmatch = \"exact\"\nupstream = \"exact\"\n"
                "[[route]]\nhost = \"shop.example.org\"\npath = \"/\"\nupstream = \"host\"\n"
                "[[route]]\nhost = \"*.example.org\"\npath = \"/\"\nupstream = \"wild\"\n",
      .more = upstream("api", api) + upstream("deep", deep) + upstream("exact", exact) +
              upstream("host", host) + upstream("wild", wild)});
  struct Row {
    std::string host;
    std::string path;
    std::string body;
  };
  for (const Row& row :
       {Row{"a", "/", "root"}, Row{"a", "/apix", "root"}, Row{"a", "/api", "api"},
        Row{"a", "/api?x", "api"}, Row{"a", "/api/", "api"}, Row{"a", "/api/v1", "api"},
        Row{"a", "/api/v2", "exact"}, Row{"a", "/api/v2?x=/", "exact"},
        Row{"a", "/api/v2/x", "deep"}, Row{"a", "/api/v22", "api"},
        Row{"shop.example.org", "/api/v2", "host"}, Row{"SHOP.Example.org:8080", "/", "host"},
        Row{"other.example.org", "/api", "wild"}, Row{"a.b.example.org", "/", "wild"},
        Row{"example.org", "/", "root"}, Row{"notexample.org", "/", "root"}}) {
    CAPTURE(row.host, row.path);
    const Response response = proxy.exchange("GET " + row.path + " HTTP/1.1\r\nHost: " + row.host +
                                             "\r\nConnection: close\r\n\r\n");
    CHECK(response.body == row.body);
  }
}

TEST_CASE("without a route the proxy answers 404 itself and keeps the connection") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .routes = "[[route]]\nhost = \"a\"\npath = \"/app\"\nupstream = \"app\"\n"});
  Client client = proxy.connect();
  client.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
  const Response response = client.read_response();
  CHECK(response.status == 404);
  CHECK_THAT(fault_of_local_reply(response), Catch::Matchers::Equals(""));
  client.send("GET /app HTTP/1.1\r\nHost: b\r\n\r\n");
  CHECK(client.read_response().status == 404);
  client.send("GET /app/x HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().body == "done");
  client.send("HEAD /other HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response("HEAD").status == 404);
  client.send("POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(client.read_response().status == 404);
  CHECK(origin.requests() == 1);
}

}  // namespace
}  // namespace onehop::test
