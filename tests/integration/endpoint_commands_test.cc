// SPDX-License-Identifier: MIT
// Endpoints that an operator adds, drains, weighs and removes while requests come.
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"
#include "tests/support/unix_peer.h"

namespace onehop::test {
namespace {

struct Stage {
  explicit Stage(const std::vector<std::string>& endpoints, const std::string& upstream = "")
      : control(beside.folder() + "/control"), proxy(config(endpoints, upstream)) {}

  ProxyConfig config(const std::vector<std::string>& endpoints,
                     const std::string& upstream = "") const {
    return {.endpoints = endpoints, .upstream = upstream, .admin = "control = \"" + control + "\""};
  }
  // What comes of a command; `path` is behind /upstreams/app/endpoints.
  Response command(const std::string& method, const std::string& path) const {
    Client client = connect_at(control);
    client.send(method + " /upstreams/app/endpoints" + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return client.read_response();
  }
  nlohmann::json shown(const std::string& address) const {
    return proxy.stats().document()["upstreams"]["app"]["endpoints"].value(address,
                                                                           nlohmann::json());
  }
  std::string answers(int count) const {
    std::string seen;
    for (int i = 0; i < count; ++i) {
      const std::string body = proxy.get().body;
      if (seen.find(body) == seen.npos) seen += body;
    }
    std::ranges::sort(seen);
    return seen;
  }

  TemporaryFile beside{"note", ""};
  std::string control;
  ProxyProcess proxy;
};

TEST_CASE("an endpoint that is added gets requests at once, and none once it is removed") {
  ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  ScriptedOrigin b(ScriptedOrigin::always(ok("b")));
  const Stage stage({a.address()});
  CHECK(stage.command("POST", "?address=" + b.address() + "&weight=2").status == 200);
  CHECK(stage.answers(6) == "ab");
  CHECK(stage.shown(b.address())["source"] == "api");
  CHECK(stage.shown(b.address())["weight"] == 2);
  CHECK(stage.command("DELETE", "/" + b.address()).status == 200);
  CHECK(stage.answers(4) == "a");
  CHECK(eventually([&] { return b.open() == 0; }));
  CHECK(eventually([&] { return stage.shown(b.address()).is_null(); }));
}

TEST_CASE("a drained endpoint finishes what it has, is shown, and can be made ready again") {
  Gate gate;
  ScriptedOrigin slow(ScriptedOrigin::once_open(gate, ok("slow")));
  ScriptedOrigin other(ScriptedOrigin::always(ok("other")));
  const Stage stage({slow.address()});
  Client client = stage.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return slow.requests() == 1; }));
  CHECK(stage.command("POST", "?address=" + other.address()).status == 200);
  const Response busy = stage.command("POST", "/" + slow.address() + "/drain");
  CHECK(busy.body == slow.address() + " is drained, 1 requests in flight\n");
  for (int i = 0; i < 3; ++i) CHECK(stage.proxy.get().body == "other");
  CHECK(stage.shown(slow.address())["state"] == "drained");
  CHECK(stage.shown(slow.address())["requests"]["in_flight"] == 1);
  gate.open();
  CHECK(client.read_response().body == "slow");
  const Response idle = stage.command("POST", "/" + slow.address() + "/drain?wait=30s");
  CHECK(idle.body == slow.address() + " is drained, 0 requests in flight\n");
  CHECK(stage.command("POST", "/" + slow.address() + "/ready").status == 200);
  CHECK(stage.shown(slow.address())["state"] == "ready");
}

TEST_CASE("a drain that waits answers when the last request has ended") {
  Gate gate;
  ScriptedOrigin slow(ScriptedOrigin::once_open(gate, ok("slow")));
  const Stage stage({slow.address()});
  Client client = stage.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return slow.requests() == 1; }));
  Client waits = connect_at(stage.control);
  waits.send("POST /upstreams/app/endpoints/" + slow.address() +
             "/drain?wait=1m HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return stage.shown(slow.address())["state"] == "drained"; }));
  gate.open();
  CHECK(client.read_response().body == "slow");
  CHECK(waits.read_response().body == slow.address() + " is drained, 0 requests in flight\n");
}

TEST_CASE("a drain that waits goes on where its endpoint is removed meanwhile") {
  Gate gate;
  ScriptedOrigin slow(ScriptedOrigin::once_open(gate, ok("slow")));
  const Stage stage({slow.address()});
  Client client = stage.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return slow.requests() == 1; }));
  Client waits = connect_at(stage.control);
  waits.send("POST /upstreams/app/endpoints/" + slow.address() +
             "/drain?wait=1m HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return stage.shown(slow.address())["state"] == "drained"; }));
  CHECK(stage.command("DELETE", "/" + slow.address()).status == 200);
  CHECK(waits.quiet_for(milliseconds(100)));
  gate.open();
  CHECK(client.read_response().body == "slow");
  CHECK(waits.read_response().body == slow.address() + " is drained, 0 requests in flight\n");
}

TEST_CASE("another weight is another share, and stays over a reload that does not speak of it") {
  ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  ScriptedOrigin b(ScriptedOrigin::always(ok("b")));
  Stage stage({a.address(), b.address()});
  CHECK(stage.command("POST", "/" + a.address() + "/weight?value=3").status == 200);
  int of_a = 0;
  for (int i = 0; i < 8; ++i) of_a += stage.proxy.get().body == "a";
  CHECK(of_a == 6);
  ProxyConfig other = stage.config({a.address(), b.address()});
  other.pool = "max_idle = 8";
  REQUIRE(stage.proxy.reload(other));
  CHECK(stage.shown(a.address())["weight"] == 3);
}

TEST_CASE("an endpoint that joins others is warming, and says so until slow_start is changed") {
  ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  ScriptedOrigin b(ScriptedOrigin::always(ok("b")));
  Stage stage({a.address()}, "slow_start = \"1h\"");
  CHECK(stage.command("POST", "?address=" + b.address() + "&weight=10").status == 200);
  CHECK(stage.answers(4) == "ab");
  CHECK(stage.shown(b.address())["state"] == "warming");
  CHECK(stage.shown(b.address())["weight"] == 10);
  CHECK(stage.shown(b.address())["effective_weight"] == 1.0);
  CHECK(stage.shown(a.address())["state"] == "ready");
  CHECK(stage.shown(a.address())["effective_weight"] == 1.0);
  int of_b = 0;
  for (int i = 0; i < 10; ++i) of_b += stage.proxy.get().body == "b";
  CHECK(of_b == 5);
  REQUIRE(stage.proxy.reload(stage.config({a.address()}, "slow_start = \"50m\"")));
  CHECK(stage.shown(b.address())["state"] == "warming");
  REQUIRE(stage.proxy.reload(stage.config({a.address()})));
  CHECK(stage.shown(b.address())["state"] == "ready");
  CHECK(stage.shown(b.address())["effective_weight"] == 10.0);
  of_b = 0;
  for (int i = 0; i < 11; ++i) of_b += stage.proxy.get().body == "b";
  CHECK(of_b == 10);
}

TEST_CASE("a tunnel and a response of an endpoint that is removed are cut after endpoint_drain") {
  ScriptedOrigin goes([](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    connection.send(
        request.target == "/tunnel"
            ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
            : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    connection.read_rest();
  });
  ScriptedOrigin other(ScriptedOrigin::always(ok("other")));
  const Stage stage({goes.address()}, "endpoint_drain = \"50ms\"");
  Client tunnel = stage.proxy.connect();
  tunnel.send("GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  REQUIRE(tunnel.read_response().status == 101);
  Client client = stage.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(client.read_through("half").ends_with("half"));
  CHECK(stage.command("POST", "?address=" + other.address()).status == 200);
  CHECK(stage.command("POST", "/" + goes.address() + "/drain").status == 200);
  CHECK(stage.shown(goes.address())["requests"]["in_flight"] == 2);
  CHECK(stage.command("DELETE", "/" + goes.address()).status == 200);
  CHECK(tunnel.read_rest().bytes.empty());
  CHECK(client.read_rest().bytes.empty());
  CHECK(eventually([&] { return goes.open() == 0; }));
  CHECK(stage.proxy.wait_number("downstream/requests/outcomes/endpoint_drain_timeout", 2) == 2);
  CHECK(stage.proxy.get().body == "other");
}

TEST_CASE("an order that cannot be carried out is refused with a sentence, and changes nothing") {
  ScriptedOrigin a(ScriptedOrigin::always(ok("a")));
  const Stage stage({a.address()});
  const auto refusal = [&](const std::string& method, const std::string& path) {
    const Response response = stage.command(method, path);
    return std::to_string(response.status) + " " + response.body;
  };
  CHECK(refusal("POST", "?address=" + a.address()) == "422 " + a.address() + " is there already\n");
  CHECK(refusal("POST", "?address=127.0.0.1:1&weight=0") ==
        "422 a weight is 1 to 1000, \"0\" was given\n");
  CHECK(refusal("POST", "/127.0.0.1:1/drain") == "422 upstream app has no endpoint 127.0.0.1:1\n");
  CHECK(refusal("POST", "/" + a.address() + "/drain?wait=soon").starts_with("422 wait is a time"));
  CHECK(stage.answers(2) == "a");
}

}  // namespace
}  // namespace onehop::test
