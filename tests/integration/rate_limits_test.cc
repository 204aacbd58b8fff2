// SPDX-License-Identifier: MIT
// [rate_limit.NAME] over real sockets: who is refused, what that looks like, and that two workers
// give no more than one. Rates are of an hour, so that no token comes back while a test runs.
#include <atomic>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

std::string request(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string limited_route(const std::string& names) {
  return "[[route]]\nupstream = \"app\"\nrate_limits = [" + names + "]\n";
}

struct Limited {
  explicit Limited(const std::string& limit, const std::string& server = "",
                   const std::string& more = "")
      : proxy(config(limit, server, more)) {}

  ProxyConfig config(const std::string& limit, const std::string& server = "",
                     const std::string& more = "") const {
    return {.endpoints = {origin.address()},
            .server = server,
            .routes = limited_route("\"few\""),
            .more = "[rate_limit.few]\n" + limit + more};
  }
  int ask(const std::string& path = "/", const std::string& fields = "") const {
    return proxy.exchange(request(path, fields)).status;
  }

  ScriptedOrigin origin{ScriptedOrigin::always(ok("here"))};
  ProxyProcess proxy;
};

std::string contents_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_CASE("a client beyond its limit is answered 429, told when to come back, and not passed on") {
  Limited at("rate = \"3/1h\"\n");
  for (int i = 0; i < 3; ++i) {
    const Response within = at.proxy.get();
    CHECK(within.status == 200);
    CHECK(within.field("RateLimit").empty());
  }
  Client client = at.proxy.connect();
  client.send(request("/"));
  const Response refused = client.read_response();
  CHECK(refused.status == 429);
  const int wait = std::stoi(refused.field("Retry-After"));
  CHECK(wait > 1100);
  CHECK(wait <= 1200);
  CHECK(refused.field("RateLimit-Policy") == "\"few\";q=3;w=3600");
  CHECK(refused.field("RateLimit") == "\"few\";r=0;t=" + std::to_string(wait));
  CHECK(refused.field("Proxy-Status") ==
        "onehop; error=http_request_denied; details=\"rate_limited\"");
  CHECK(refused.body.find("The rate limit \"few\" allows 3 in 3600 s") != std::string::npos);
  CHECK(refused.body.find("(rate_limited)") != std::string::npos);
  client.send(request("/"));  // the connection is as good as before
  CHECK(client.read_response().status == 429);
  CHECK(at.origin.requests() == 3);
  const Stats stats = at.proxy.stats();
  CHECK(stats.number("rate_limits/few/allowed_total") == 3);
  CHECK(stats.number("rate_limits/few/refused_total") == 2);
  CHECK(stats.number("rate_limits/few/keys") == 1);
  CHECK(stats.number("downstream/requests/outcomes/rate_limited") == 2);
  const std::string metrics = at.proxy.metrics();
  CHECK(metrics.find("onehop_rate_limit_refused_total{limit=\"few\"} 2\n") != std::string::npos);
  CHECK(metrics.find("onehop_rate_limit_keys{limit=\"few\"} 1\n") != std::string::npos);
  CHECK(metrics.find("onehop_downstream_outcomes_total{outcome=\"rate_limited\",class=\"client\"} "
                     "2\n") != std::string::npos);
}

TEST_CASE("a burst is what may be asked for at once, whatever the rate") {
  Limited at("rate = \"3/1h\"\nburst = 5\n");
  for (int i = 0; i < 5; ++i) CHECK(at.ask() == 200);
  CHECK(at.ask() == 429);
}

TEST_CASE("with headers every response says what is left, beside what the endpoint says") {
  ScriptedOrigin origin(ScriptedOrigin::always(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nRateLimit: \"app\";r=9;t=1\r\n\r\n"));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .routes = limited_route("\"few\", \"quiet\", \"all\""),
                  .more = "[rate_limit.few]\nrate = \"2/1h\"\nheaders = true\n"
                          "[rate_limit.quiet]\nrate = \"5/1h\"\n"
                          "[rate_limit.all]\nrate = \"9/1h\"\nby = \"all\"\nheaders = true\n"});
  const Response first = proxy.get();
  CHECK(first.field("RateLimit-Policy") == "\"few\";q=2;w=3600, \"all\";q=9;w=3600");
  CHECK(first.fields.all("RateLimit") ==
        std::vector<std::string>{"\"app\";r=9;t=1", "\"few\";r=1;t=1800, \"all\";r=8;t=400"});
}

TEST_CASE("a limit counts by a field, a cookie, a path or all, and without that not at all") {
  SECTION("header") {
    Limited at("rate = \"1/1h\"\nby = \"header:X-Api-Key\"\n");
    CHECK(at.ask("/", "X-Api-Key: one\r\n") == 200);
    CHECK(at.ask("/", "x-api-key: one\r\n") == 429);
    CHECK(at.ask("/", "X-Api-Key: two\r\n") == 200);
    for (int i = 0; i < 3; ++i) CHECK(at.ask() == 200);
  }
  SECTION("cookie") {
    Limited at("rate = \"1/1h\"\nby = \"cookie:sid\"\n");
    CHECK(at.ask("/", "Cookie: a=b; sid=one; c=d\r\n") == 200);
    CHECK(at.ask("/", "Cookie: sid=one\r\n") == 429);
    CHECK(at.ask("/", "Cookie: sid=two\r\n") == 200);
    for (int i = 0; i < 3; ++i) CHECK(at.ask("/", "Cookie: xsid=one\r\n") == 200);
  }
  SECTION("path") {
    Limited at("rate = \"1/1h\"\nby = \"path\"\n");
    CHECK(at.ask("/one?a") == 200);
    CHECK(at.ask("/x/../one?b") == 429);
    CHECK(at.ask("/two") == 200);
  }
  SECTION("all") {
    Limited at("rate = \"1/1h\"\nby = \"all\"\n");
    CHECK(at.ask("/one", "X: 1\r\n") == 200);
    CHECK(at.ask("/two", "X: 2\r\n") == 429);
  }
}

TEST_CASE("a client is who a trusted proxy says, and an IPv6 client is its network") {
  Limited at("rate = \"1/1h\"\n", "trusted_proxies = [\"127.0.0.1\"]\n");
  const auto from = [&](const std::string& address) {
    return at.ask("/", "X-Forwarded-For: " + address + "\r\n");
  };
  CHECK(from("192.0.2.1") == 200);
  CHECK(from("192.0.2.1") == 429);
  CHECK(from("192.0.2.2") == 200);
  CHECK(from("2001:db8:0:1::1") == 200);
  CHECK(from("2001:db8:0:1:ffff::2") == 429);
  CHECK(from("2001:db8:0:2::1") == 200);
}

TEST_CASE("the length of an IPv6 network is ipv6_prefix") {
  Limited at("rate = \"1/1h\"\nipv6_prefix = 128\n", "trusted_proxies = [\"127.0.0.1\"]\n");
  CHECK(at.ask("/", "X-Forwarded-For: 2001:db8::1\r\n") == 200);
  CHECK(at.ask("/", "X-Forwarded-For: 2001:db8::2\r\n") == 200);
  CHECK(at.ask("/", "X-Forwarded-For: 2001:db8::2\r\n") == 429);
}

TEST_CASE("a dry run refuses nothing, counts, and is in the access log") {
  Folder folder;
  const std::string log = folder.path() + "/access.log";
  Limited at("rate = \"1/1h\"\ndry_run = true\nheaders = true\n", "",
             "[log.access]\nfile = \"" + log + "\"\nformat = \"{status} {rate_limit}\"\n");
  CHECK(at.ask() == 200);
  const Response beyond = at.proxy.get();
  CHECK(beyond.status == 200);
  CHECK(beyond.field("RateLimit").empty());
  CHECK(at.proxy.stats().number("rate_limits/few/dry_run_refused_total") == 1);
  CHECK(at.proxy.stats().number("rate_limits/few/refused_total") == 0);
  CHECK(eventually([&] { return contents_of(log) == "200 -\n200 few (dry_run)\n"; }));
}

TEST_CASE("a refusal names its limit in the access log") {
  Folder folder;
  const std::string log = folder.path() + "/access.log";
  Limited at(
      "rate = \"1/1h\"\n", "",
      "[log.access]\nfile = \"" + log + "\"\nformat = \"{status} {outcome} {rate_limit}\"\n");
  CHECK(at.ask() == 200);
  CHECK(at.ask() == 429);
  CHECK(eventually([&] { return contents_of(log) == "200 ok -\n429 rate_limited few\n"; }));
}

TEST_CASE("a listener's and an upstream's limits hold for all routes, and each is met once") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("here")));
  const std::string routes =
      "[[route]]\nupstream = \"app\"\nrate_limits = [\"few\"]\n"
      "[[route]]\npath = \"/b/\"\nupstream = \"app\"\n";
  const std::string limit = "[rate_limit.few]\nrate = \"2/1h\"\n";
  SECTION("listener") {
    ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                   .listener = "rate_limits = [\"few\"]",
                                   .routes = routes,
                                   .more = limit});
    CHECK(proxy.get("/a").status == 200);
    CHECK(proxy.get("/b/").status == 200);
    CHECK(proxy.get("/b/").status == 429);
  }
  SECTION("upstream") {
    ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                   .upstream = "rate_limits = [\"few\"]",
                                   .routes = routes,
                                   .more = limit});
    CHECK(proxy.get("/a").status == 200);
    CHECK(proxy.get("/b/").status == 200);
    CHECK(proxy.get("/a").status == 429);
  }
}

TEST_CASE("a request that one limit refuses costs nothing of the others") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("here")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .routes = limited_route("\"all\", \"key\""),
                                 .more = "[rate_limit.all]\nrate = \"3/1h\"\nby = \"all\"\n"
                                         "[rate_limit.key]\nrate = \"1/1h\"\nby = \"header:K\"\n"});
  const auto ask = [&](const std::string& key) {
    return proxy.exchange(request("/", "K: " + key + "\r\n")).status;
  };
  CHECK(ask("a") == 200);
  for (int i = 0; i < 5; ++i) CHECK(ask("a") == 429);
  CHECK(ask("b") == 200);
  CHECK(ask("c") == 200);
  const Response last = proxy.exchange(request("/", "K: d\r\n"));
  CHECK(last.status == 429);
  CHECK(last.field("RateLimit-Policy") == "\"all\";q=3;w=3600");
}

TEST_CASE(
    "two workers give one client no more than its limit, however its requests are dealt out") {
  Limited at("rate = \"50/1h\"\n", "workers = 2\n");
  std::atomic<int> granted = 0, refused = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      for (int n = 0; n < 40; ++n) {
        const int status = at.ask();
        granted += status == 200 ? 1 : 0;
        refused += status == 429 ? 1 : 0;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(granted == 50);
  CHECK(refused == 110);
}

TEST_CASE("tokens that are used up stay so over a reload that leaves the rate as it is") {
  Limited at("rate = \"2/1h\"\n");
  CHECK(at.ask() == 200);
  CHECK(at.ask() == 200);
  REQUIRE(at.proxy.reload(at.config("rate = \"2/1h\"\nheaders = true\n", "drain = \"9s\"\n")));
  CHECK(at.ask() == 429);
  REQUIRE(at.proxy.reload(at.config("rate = \"3/1h\"\n")));
  CHECK(at.ask() == 200);  // another count
}

TEST_CASE("a client that is refused while it sends a body keeps its connection") {
  Limited at("rate = \"1/1h\"\n");
  CHECK(at.ask() == 200);
  Client client = at.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
  CHECK(client.read_response().status == 429);
  client.send(request("/"));
  CHECK(client.read_response().status == 429);
}

}  // namespace
}  // namespace onehop::test
