// SPDX-License-Identifier: MIT
#include "onehop/admin/difference.h"

#include "onehop/config/load.h"
#include "tests/support/catch.h"

namespace onehop::admin {
namespace {

using Lines = std::vector<std::string>;

config::Config base() {
  config::Config config;
  config.listeners.emplace_back().address = "127.0.0.1:8080";
  config.routes.emplace_back().upstream = "app";
  config::Upstream upstream;
  upstream.name = "app";
  upstream.endpoints = {{"127.0.0.1:9001", 1}, {"127.0.0.1:9002", 2}};
  config.upstreams.push_back(upstream);
  return config;
}

Lines between(const config::Config& before, const config::Config& now) {
  const auto lines = differences(config::to_json(before), config::to_json(now));
  REQUIRE(lines.has_value());
  return *lines;
}

TEST_CASE("a configuration and itself have no difference") {
  CHECK(between(base(), base()).empty());
}

TEST_CASE("another value is said with the old one") {
  config::Config now = base();
  now.upstreams[0].pool.max_idle = 8;
  now.server.drain = config::seconds(5);
  CHECK(between(base(), now) ==
        Lines{R"(server.drain: "30s" -> "5s")", "upstream.app.pool.max_idle: 256 -> 8"});
}

TEST_CASE("endpoints are told apart by their addresses, wherever they stand") {
  config::Config now = base();
  now.upstreams[0].endpoints = {{"127.0.0.1:9003", 1}, {"127.0.0.1:9002", 3}};
  CHECK(between(base(), now) == Lines{"upstream.app.endpoints[127.0.0.1:9003]: new",
                                      "upstream.app.endpoints[127.0.0.1:9002].weight: 2 -> 3",
                                      "upstream.app.endpoints[127.0.0.1:9001]: gone"});
}

TEST_CASE("an upstream, a route and a listener that are new or gone are one line each") {
  config::Config now = base();
  now.upstreams.push_back(now.upstreams[0]);
  now.upstreams[1].name = "api";
  now.routes.push_back(now.routes[0]);
  now.routes[1].host = "a.test";
  now.routes[1].path = "/api";
  now.routes[1].upstream = "api";
  now.listeners[0].address = "127.0.0.1:8081";
  CHECK(between(base(), now) == Lines{"listener[127.0.0.1:8081]: new",
                                      "listener[127.0.0.1:8080]: gone", "route[a.test/api]: new",
                                      "upstream.api: new"});
  CHECK(between(now, base()).back() == "upstream.api: gone");
}

TEST_CASE("what differs by its order alone is said so") {
  config::Config before = base();
  before.routes.push_back(before.routes[0]);
  before.routes[1].path = "/b";
  config::Config now = before;
  std::swap(now.routes[0], now.routes[1]);
  CHECK(between(before, now) == Lines{"route: in another order"});
}

TEST_CASE("what is in force is no part of a configuration") {
  const auto lines =
      differences(R"({"in_force": {"number": 1}, "server": {}})", R"({"server": {}})");
  CHECK(lines->empty());
}

TEST_CASE("text that is no configuration is an error") {
  CHECK_FALSE(differences("{", "{}").has_value());
  CHECK_FALSE(differences("{}", "[]").has_value());
}

TEST_CASE("in one line there are a handful, and how many more") {
  CHECK(in_one_line({}) == "nothing is different");
  CHECK(in_one_line({"a", "b"}) == "a; b");
  CHECK(in_one_line(Lines(20, "a")) == "a; a; a; a; a; a; a; a; and 12 more");
}

}  // namespace
}  // namespace onehop::admin
