// SPDX-License-Identifier: MIT
// Which endpoint gets a request, and which upstream a route names.
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/h2_origin.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_CASE("round_robin, and the default while nobody has anything to do, go in turn") {
  const std::string balance = GENERATE("balance = \"round_robin\"", "");
  ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  ScriptedOrigin b(ScriptedOrigin::always(ok("b")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {a.address(), b.address()}, .upstream = balance});
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
      ProxyConfig{.endpoints = {"{ address = \"" + a.address() + "\", weight = 3 }", b.address()},
                  .upstream = "balance = \"round_robin\""});
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

TEST_CASE("least_requests does not send its requests to the endpoint that fails fastest") {
  enum class How { error_500, error_503, closes, nobody };
  const How how = GENERATE(How::error_500, How::error_503, How::closes, How::nobody);
  CAPTURE(static_cast<int>(how));
  ScriptedOrigin bad([how](OriginConnection& connection) {
    while (connection.read_request() && how != How::closes)
      connection.send("HTTP/1.1 " + std::string(how == How::error_500 ? "500" : "503") +
                      " No\r\nContent-Length: 0\r\n\r\n");
  });
  ScriptedOrigin good(ScriptedOrigin::always(ok("good")));
  const std::string address = how == How::nobody ? unused_address() : bad.address();
  ProxyProcess proxy(ProxyConfig{.endpoints = {address, good.address()},
                                 .upstream = "balance = \"least_requests\"\nretries = 0"});
  constexpr int kClients = 4;
  constexpr int kEach = 100;
  std::atomic<int> failed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      Client client = proxy.connect();
      for (int j = 0; j < kEach; ++j) {
        client.send(kGet);
        failed += client.read_response().status == 200 ? 0 : 1;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(failed >= 1);
  CHECK(failed <= kClients * kEach / 10);
}

TEST_CASE("least_requests sees what calls of gRPC failed of, behind their status of 200") {
  const std::string status = GENERATE("2", "13", "14");
  const bool trailers_alone = GENERATE(false, true);
  CAPTURE(status, trailers_alone);
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n";
  ScriptedOrigin bad(ScriptedOrigin::always(
      trailers_alone ? head + "Grpc-Status: " + status + "\r\nContent-Length: 0\r\n\r\n"
                     : head + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\ngrpc-status: " +
                           status + "\r\n\r\n"));
  ScriptedOrigin good(ScriptedOrigin::always(head + "grpc-status: 5\r\nContent-Length: 0\r\n\r\n"));
  ProxyProcess proxy(ProxyConfig{.endpoints = {bad.address(), good.address()},
                                 .upstream = "balance = \"least_requests\""});
  Client client = proxy.connect();
  constexpr int kCalls = 100;
  for (int i = 0; i < kCalls; ++i) {
    client.send(
        "POST /a.B/C HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc+proto\r\n"
        "Content-Length: 0\r\n\r\n");
    REQUIRE(client.read_response().status == 200);
  }
  CHECK(bad.requests() >= 1);
  CHECK(bad.requests() <= kCalls / 10);
}

TEST_CASE("what looks like the status of a call is none where nobody called by gRPC") {
  const std::string answer = "HTTP/1.1 200 OK\r\ngrpc-status: 14\r\nContent-Length: 0\r\n\r\n";
  ScriptedOrigin a(ScriptedOrigin::always(answer));
  ScriptedOrigin b(ScriptedOrigin::always(ok("b")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {a.address(), b.address()},
                                 .upstream = "balance = \"least_requests\""});
  Client client = proxy.connect();
  for (int i = 0; i < 20; ++i) {
    client.send(kGet);
    client.read_response();
  }
  CHECK(a.requests() == b.requests());
}

TEST_CASE("least_requests does not feed an endpoint that breaks off, or talks nonsense") {
  const std::string answer =
      GENERATE("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ncut", "nonsense\r\n\r\n",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
               "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n",
               "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n");
  CAPTURE(answer);
  ScriptedOrigin bad([answer](OriginConnection& connection) {
    if (connection.read_request()) connection.send(answer);
  });
  ScriptedOrigin good(ScriptedOrigin::always(ok("good")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {bad.address(), good.address()},
                                 .upstream = "balance = \"least_requests\"\nretries = 0"});
  constexpr int kRequests = 100;
  for (int i = 0; i < kRequests; ++i) {
    Client client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.read_rest();
  }
  CHECK(bad.requests() >= 1);
  CHECK(bad.requests() <= kRequests / 10);
}

TEST_CASE("least_requests does not feed an endpoint of HTTP/2 that turns streams away") {
  const H2Frame refusal = GENERATE(h2_reset(0, kRefusedStream), h2_reset(0, kProtocolError),
                                   h2_reset(0, kEnhanceYourCalm), h2_goaway(0),
                                   h2_headers(0, {{":status", "503"}}, kEndHeaders | kEndStream),
                                   h2_headers(0, {{":status", "200"}}, kEndHeaders));
  CAPTURE(static_cast<int>(refusal.type), refusal.flags);
  std::atomic<int> turned_away = 0;
  ScriptedOrigin bad(h2_script([&](H2Peer& peer, int32_t id) {
    ++turned_away;
    H2Frame frame = refusal;
    if (frame.type != H2Type::goaway) frame.stream = id;
    peer.send(frame);
    const bool begins = frame.type == H2Type::headers && (frame.flags & kEndStream) == 0;
    if (begins) peer.send(h2_reset(id, 2));  // an internal error
  }));
  std::atomic<int> answered = 0;
  ScriptedOrigin good(h2_script([&](H2Peer& peer, int32_t id) {
    ++answered;
    peer.send(h2_headers(id, {{":status", "200"}}, kEndHeaders | kEndStream));
  }));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {bad.address(), good.address()},
                  .upstream = "balance = \"least_requests\"\nretries = 0\nprotocol = \"h2\""});
  constexpr int kRequests = 100;
  H2Peer client = H2Peer::connect(proxy.address());
  for (int i = 0; i < kRequests; ++i) client.finish(client.request(h2_request()));
  CHECK(turned_away >= 1);
  CHECK(turned_away <= kRequests / 10);
  CHECK(answered >= kRequests - kRequests / 10);
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
