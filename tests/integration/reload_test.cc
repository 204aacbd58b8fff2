// SPDX-License-Identifier: MIT
// SIGHUP: another configuration comes into force while requests, tunnels and connections are there.
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::string body_of(const Response& response) {
  return response.body;
}

// Each answers with its own name.
struct Two {
  ScriptedOrigin a{ScriptedOrigin::always(ok("a"))};
  ScriptedOrigin b{ScriptedOrigin::always(ok("b"))};
};

TEST_CASE("after SIGHUP the next request is decided by the new file, on the same connection") {
  Two origins;
  ProxyProcess proxy(ProxyConfig{.endpoints = {origins.a.address()}});
  Client client = proxy.connect();
  client.send(kGet);
  CHECK(body_of(client.read_response()) == "a");
  REQUIRE(proxy.reload(ProxyConfig{.endpoints = {origins.b.address()}}));
  client.send(kGet);
  CHECK(body_of(client.read_response()) == "b");
  CHECK(proxy.stats().number("downstream/connections/accepted_total") == 1);
}

TEST_CASE("a request in flight is finished at the endpoint that is gone from the file") {
  Gate gate;
  ScriptedOrigin slow(ScriptedOrigin::once_open(gate, ok("old")));
  ScriptedOrigin other(ScriptedOrigin::always(ok("new")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {slow.address()}});
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(eventually([&] { return slow.requests() == 1; }));
  REQUIRE(proxy.reload(ProxyConfig{.endpoints = {other.address()}}));
  CHECK(body_of(proxy.get()) == "new");
  gate.open();
  CHECK(body_of(client.read_response()) == "old");
}

TEST_CASE("a request in flight has the timeouts that it began with") {
  ScriptedOrigin mute([](OriginConnection& connection) {
    connection.must_read_request();
    connection.wait_end();
  });
  const ProxyConfig patient{.endpoints = {mute.address()},
                            .upstream_timeouts = "response_head = \"60s\""};
  const ProxyConfig hasty{.endpoints = {mute.address()},
                          .upstream_timeouts = "response_head = \"1ms\""};
  ProxyProcess proxy(patient);
  Client waiting = proxy.connect();
  waiting.send(kGet);
  REQUIRE(eventually([&] { return mute.requests() == 1; }));
  REQUIRE(proxy.reload(hasty));
  CHECK(proxy.get().status == 504);
  CHECK(proxy.stats().number("downstream/requests/in_flight") == 1);
  waiting.close();
}

TEST_CASE("a pool whose endpoint stays keeps its connections and its counters") {
  Two origins;
  ProxyProcess proxy(ProxyConfig{.endpoints = {origins.a.address()}});
  for (int i = 0; i < 3; ++i) CHECK(proxy.get().status == 200);
  REQUIRE(proxy.reload(
      ProxyConfig{.endpoints = {origins.a.address()}, .pool = "idle_timeout = \"3s\""}));
  CHECK(proxy.get().status == 200);
  const auto number = [&](const std::string& rest) {
    return proxy.stats().number(ProxyProcess::endpoint(origins.a.address(), rest));
  };
  CHECK(origins.a.accepts() == 1);
  CHECK(number("connections/reused_total") == 3);
  CHECK(number("requests/total") == 4);
}

TEST_CASE("what an endpoint counted that is gone is with the departed of its upstream") {
  Two origins;
  ProxyProcess proxy(ProxyConfig{.endpoints = {origins.a.address()}});
  for (int i = 0; i < 3; ++i) CHECK(proxy.get().status == 200);
  REQUIRE(proxy.reload(ProxyConfig{.endpoints = {origins.b.address()}}));
  REQUIRE(eventually([&] { return proxy.stats().has("upstreams/app/departed"); }));
  CHECK(proxy.stats().number("upstreams/app/departed/requests/total") == 3);
  CHECK(proxy.stats().keys("upstreams/app/endpoints") ==
        std::vector<std::string>{origins.b.address()});
  CHECK(eventually([&] { return origins.a.open() == 0; }));
}

TEST_CASE("a file with mistakes is refused whole, each is named, and the old one stays in force") {
  Two origins;
  ProxyProcess proxy(ProxyConfig{.endpoints = {origins.a.address()}});
  ProxyConfig wrong{.endpoints = {origins.b.address()}};
  wrong.pool = "max_idel = 3\nidle_timeout = \"soon\"";
  CHECK_FALSE(proxy.reload(wrong));
  CHECK(proxy.errors().find("max_idle") != std::string::npos);
  CHECK(proxy.errors().find("idle_timeout") != std::string::npos);
  CHECK(body_of(proxy.get()) == "a");
  CHECK(proxy.metrics().find("onehop_config_reloads_total{result=\"failure\"} 1") !=
        std::string::npos);
  REQUIRE(proxy.reload(ProxyConfig{.endpoints = {origins.b.address()}}));
  CHECK(body_of(proxy.get()) == "b");
}

TEST_CASE("a file that cannot come into force is refused whole, and says why") {
  Two origins;
  const ScriptedOrigin taken(ScriptedOrigin::always(ok("x")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origins.a.address()}});
  ProxyConfig other{.endpoints = {origins.b.address()}};
  SECTION("a port that another program has") {
    other.more = "[[listener]]\naddress = \"" + taken.address() + "\"\n";
    CHECK_FALSE(proxy.reload(other));
    CHECK(proxy.errors().find("cannot listen on " + taken.address()) != std::string::npos);
  }
  SECTION("several things at once, each of which is said") {
    other.more = "[[listener]]\naddress = \"" + taken.address() +
                 "\"\n[log.access]\nfile = \"/nowhere/at/all.log\"\n";
    CHECK_FALSE(proxy.reload(other));
    CHECK(eventually([&] {
      return proxy.errors().find("cannot listen on " + taken.address()) != std::string::npos;
    }));
    CHECK(proxy.errors().find("/nowhere/at/all.log") != std::string::npos);
  }
  SECTION("another number of workers") {
    other.server = "workers = 2";
    CHECK_FALSE(proxy.reload(other));
    CHECK(proxy.errors().find("server.workers is 1 and would be 2") != std::string::npos);
    const TemporaryFile file("other.toml", other.toml());
    const Finished diff = run_program(
        {ProxyProcess::binary(), "diff", file.path(), "--admin", proxy.admin_address()});
    CHECK(diff.output.find("server.workers: 1 -> 2 (") != std::string::npos);
  }
  CHECK(body_of(proxy.get()) == "a");
}

TEST_CASE("a listener that is new accepts, and one that is gone closes its connections") {
  Two origins;
  const ProxyConfig one{.endpoints = {origins.a.address()}};
  ProxyConfig two = one;
  two.more = "[[listener]]\naddress = \"127.0.0.2:0\"\n";
  ProxyProcess proxy(one);
  REQUIRE(proxy.reload(two));
  const Stats stats = proxy.stats();
  const std::string listens_on =
      stats.document()["listeners"]["127.0.0.2:0"]["listens_on"].get<std::string>();
  Client late = Peer::connect(listens_on);
  late.send(kGet);
  CHECK(body_of(late.read_response()) == "a");
  Client old = proxy.connect();
  REQUIRE(proxy.reload(one));
  CHECK(late.wait_end() == End::closed);
  CHECK_THROWS(Peer::connect(listens_on));
  old.send(kGet);
  CHECK(body_of(old.read_response()) == "a");
}

TEST_CASE("a tunnel goes on through reloads, under the configuration that it began with") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    while (true) {
      const std::string said = connection.read_some();
      if (said.empty()) return;
      connection.send(said);
    }
  });
  ScriptedOrigin other(ScriptedOrigin::always(ok("other")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  REQUIRE(client.read_response().status == 101);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(proxy.reload(ProxyConfig{.endpoints = {other.address()},
                                     .upstream = "endpoint_drain = \"1h\"",
                                     .upstream_timeouts = "tunnel_idle = \"1ms\""}));
    client.send("ping");
    CHECK(client.read_exact(4) == "ping");
    CHECK(body_of(proxy.get()) == "other");
  }
}

TEST_CASE("whoever waits in the queue of an endpoint that is gone is answered by another one") {
  Gate gate;
  ScriptedOrigin busy(ScriptedOrigin::once_open(gate, ok("busy")));
  ScriptedOrigin other(ScriptedOrigin::always(ok("other")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {busy.address()},
                                 .upstream = "retries = 0",
                                 .pool = "max_connections = 1\nqueue_timeout = \"60s\""});
  Client first = proxy.connect();
  first.send(kGet);
  REQUIRE(eventually([&] { return busy.requests() == 1; }));
  Client queued = proxy.connect();
  queued.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  proxy.wait_number(ProxyProcess::endpoint(busy.address(), "requests/queued"), 1);
  REQUIRE(proxy.reload(ProxyConfig{.endpoints = {other.address()}}));
  CHECK(body_of(queued.read_response()) == "other");
  gate.open();
  CHECK(body_of(first.read_response()) == "busy");
}

TEST_CASE("routes, trusted proxies and fields are those of the new file, also on old connections") {
  ScriptedOrigin origin(ScriptedOrigin::answering([](const Request& request) {
    return ok(request.fields.get("X-Forwarded-For").value_or("") + " " +
              request.fields.get("Forwarded").value_or(""));
  }));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client client = proxy.connect();
  const std::string asks = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
  client.send(asks);
  CHECK(client.read_response().body == "127.0.0.1 ");
  REQUIRE(proxy.reload(ProxyConfig{.endpoints = {origin.address()},
                                   .listener = "forwarded = [\"x-forwarded\", \"forwarded\"]",
                                   .server = "trusted_proxies = [\"127.0.0.1\"]"}));
  client.send(asks);
  CHECK(client.read_response().body.starts_with("192.0.2.1, 127.0.0.1 for=192.0.2.1"));
  REQUIRE(proxy.reload(ProxyConfig{.endpoints = {origin.address()},
                                   .routes = "[[route]]\npath = \"/only\"\nupstream = \"app\"\n"}));
  client.send(asks);
  CHECK(client.read_response().status == 404);
}

TEST_CASE("the admin endpoint says which configuration is in force, and what it came by") {
  Two origins;
  ProxyProcess proxy(ProxyConfig{.endpoints = {origins.a.address()}});
  const auto in_force = [&] { return Stats(proxy.admin("/config").body); };
  CHECK(in_force().number("in_force/number") == 1);
  const std::string before = in_force().document()["in_force"]["sha256"];
  CHECK(before.size() == 64);
  REQUIRE(proxy.reload(ProxyConfig{.endpoints = {origins.b.address()}}));
  CHECK(in_force().number("in_force/number") == 2);
  CHECK(in_force().document()["in_force"]["by"] == "SIGHUP");
  CHECK(in_force().document()["in_force"]["sha256"] != before);
  CHECK(in_force().document()["upstream"]["app"]["endpoints"][0]["address"] == origins.b.address());
}

TEST_CASE("onehop diff says what a reload would change, and changes nothing") {
  Two origins;
  ProxyProcess proxy(ProxyConfig{.endpoints = {origins.a.address()}});
  const ProxyConfig other{.endpoints = {origins.b.address()}, .pool = "max_idle = 8"};
  const TemporaryFile file("other.toml", other.toml());
  const auto diff = [&](const std::string& path) {
    return run_program({ProxyProcess::binary(), "diff", path, "--admin", proxy.admin_address()});
  };
  const Finished run = diff(file.path());
  CHECK(run.code == 1);
  CHECK(run.output.find("upstream.app.endpoints[" + origins.b.address() + "]: new\n") !=
        std::string::npos);
  CHECK(run.output.find("upstream.app.pool.max_idle: 256 -> 8\n") != std::string::npos);
  CHECK(body_of(proxy.get()) == "a");
  REQUIRE(proxy.reload(other));
  CHECK(diff(file.path()).code == 0);
  CHECK(proxy.errors().find("upstream.app.pool.max_idle: 256 -> 8") != std::string::npos);
  const TemporaryFile wrong("wrong.toml", "[sever]\n");
  CHECK(diff(wrong.path()).code == 2);
}

TEST_CASE("onehop reload says what came into force, or every mistake, over the control socket") {
  Two origins;
  const Folder beside;
  const std::string control = beside / "control";
  ProxyConfig config{.endpoints = {origins.a.address()}, .admin = "control = \"" + control + "\""};
  ProxyProcess proxy(config);
  const auto reload = [&] {
    return run_program({ProxyProcess::binary(), "reload", "--control", control});
  };
  CHECK(reload().output == "configuration 2 is in force; nothing is different\n");
  config.pool = "max_idle = 8";
  proxy.write(config);
  const Finished good = reload();
  CHECK(good.code == 0);
  CHECK(good.output.find("upstream.app.pool.max_idle: 256 -> 8") != std::string::npos);
  config.pool = "max_idel = 8\nidle_timeout = \"soon\"";
  proxy.write(config);
  const Finished bad = reload();
  CHECK(bad.code == 1);
  CHECK(bad.errors.find("max_idle") != std::string::npos);
  CHECK(bad.errors.find("idle_timeout") != std::string::npos);
  CHECK(proxy.get().status == 200);
  CHECK(proxy.errors().find("POST /reload") != std::string::npos);
  CHECK(proxy.admin("/reload", "POST").status == 403);  // over the network, without a token
}

TEST_CASE("the admin endpoint moves with the configuration, and its old address is closed") {
  Two origins;
  const Folder beside;
  const std::string control = beside / "control";
  ProxyConfig config{.endpoints = {origins.a.address()}, .admin = "control = \"" + control + "\""};
  ProxyProcess proxy(config);
  std::string text = config.toml();
  const std::string listen = "[admin]\nlisten = \"127.0.0.1:0\"";
  text.replace(text.find(listen), listen.size(), "[admin]\nlisten = \"127.0.0.2:0\"");
  REQUIRE(proxy.reload(text));
  CHECK_THROWS(Peer::connect(proxy.admin_address()));
  CHECK(run_program({ProxyProcess::binary(), "check-health", "--control", control}).code == 0);
}

TEST_CASE("many reloads under load lose nothing, and the counters never fall") {
  Two origins;
  ProxyProcess proxy(ProxyConfig{.endpoints = {origins.a.address()}});
  Client client = proxy.connect();
  int64_t before = 0;
  for (int i = 0; i < 30; ++i) {
    const bool both = i % 3 == 0;
    std::vector<std::string> endpoints = {i % 2 == 0 ? origins.b.address() : origins.a.address()};
    if (both) endpoints = {origins.a.address(), origins.b.address()};
    REQUIRE(proxy.reload(ProxyConfig{.endpoints = endpoints}));
    client.send(kGet);
    CHECK(client.read_response().status == 200);
    const Stats stats = proxy.stats();
    int64_t now = stats.has("upstreams/app/departed")
                      ? stats.number("upstreams/app/departed/requests/total")
                      : 0;
    for (const std::string& address : stats.keys("upstreams/app/endpoints"))
      now += stats.number(ProxyProcess::endpoint(address, "requests/total"));
    CHECK(now > before);
    before = now;
  }
  CHECK(before == 30);
}

}  // namespace
}  // namespace onehop::test
