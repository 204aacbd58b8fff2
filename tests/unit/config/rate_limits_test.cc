// SPDX-License-Identifier: MIT
// [rate_limit.NAME], who names it, and [listener.per_client].
#include <string>
#include <vector>

#include "onehop/config/load.h"
#include "onehop/config/rate_limit.h"
#include "onehop/config/units.h"
#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using testing::kRest;
using testing::problems_above_rest;
using testing::problems_of;
using Lines = std::vector<std::string>;

constexpr std::string_view kRate =
    "a rate such as \"100/1s\": 1 to 1000000 in 1s to 24h, in whole seconds";

TEST_CASE("a rate limit is read with all that it may say, and who names it") {
  const auto config = parse(R"([[listener]]
address = ":8080"
rate_limits = ["everybody"]
[listener.per_client]
connections = 100
new_connections = "20/s"
burst = 40
ipv6_prefix = 56
memory = "64KiB"
[[route]]
upstream = "app"
rate_limits = ["per-client", "everybody"]
[upstream.app]
endpoints = ["127.0.0.1:9001"]
rate_limits = ["per-client"]
[rate_limit.per-client]
rate = "90/1m"
burst = 20
by = "header:X-Api-Key"
ipv6_prefix = 48
dry_run = true
headers = true
memory = "8MiB"
[rate_limit.everybody]
rate = "1000/s"
)",
                            "t.toml", testing::variable);
  if (!config) FAIL(config.error().front().to_string());
  const Listener& listener = config->listeners[0];
  CHECK(listener.rate_limits == Lines{"everybody"});
  CHECK(listener.per_client == PerClient{100, {20, seconds(1)}, 40, 56, 64 * 1024});
  CHECK(config->routes[0].rate_limits == Lines{"per-client", "everybody"});
  CHECK(config->upstreams[0].rate_limits == Lines{"per-client"});
  REQUIRE(config->rate_limits.size() == 2);
  CHECK(config->rate_limits[0] == RateLimit{"per-client",
                                            {90, seconds(60)},
                                            20,
                                            "header:X-Api-Key",
                                            48,
                                            true,
                                            true,
                                            8 * 1024 * 1024});
  CHECK(config->rate_limits[0].bucket() == 20);
  CHECK(config->rate_limits[1].bucket() == 1000);
  CHECK(config->rate_limits[1].by == "client");
}

TEST_CASE("a rate limit without a rate, or with one of no use, is a mistake with its place") {
  CHECK(problems_above_rest("[rate_limit.a]\n") ==
        Lines{"t.toml:1:1: rate_limit.a.rate: " + std::string(kRate) + ", found nothing"});
  const auto found = [](std::string_view rate) {
    const auto all = problems_above_rest("[rate_limit.a]\nrate = " + std::string(rate) + "\n");
    REQUIRE(all.size() == 1);
    const std::string begin = "t.toml:2:8: rate_limit.a.rate: " + std::string(kRate) + ", found ";
    REQUIRE(all[0].starts_with(begin));
    return all[0].substr(begin.size());
  };
  CHECK(found("\"0/1s\"") == "\"0/1s\"");
  CHECK(found("\"100/0s\"") == "\"100/0s\"");
  CHECK(found("\"100/500ms\"") == "\"100/500ms\"");
  CHECK(found("\"1000001/1s\"") == "\"1000001/1s\"");
  CHECK(found("\"100/25h\"") == "\"100/25h\"");
  CHECK(found("\"-1/1s\"") == "\"-1/1s\" (no whole number before the \"/\")");
  CHECK(found("\"1.5/1s\"") == "\"1.5/1s\" (no whole number before the \"/\")");
  CHECK(found("\"100\"") == "\"100\" (without the time that it is for, as in \"100/1s\")");
  CHECK(found("\"100/1\"") == "\"100/1\" (without a unit: ms, s, m, h)");
  CHECK(found("\"100/1d\"") == "\"100/1d\" (units: ms, s, m, h)");
  CHECK(found("100") == "100 (without the time it is for)");
}

TEST_CASE("a rate for a unit alone is one for one of it") {
  CHECK(parse_per_time("100/s") == PerTime{100, seconds(1)});
  CHECK(parse_per_time("5/m") == PerTime{5, seconds(60)});
  CHECK(parse_per_time("1000/h") == PerTime{1000, seconds(3600)});
  CHECK(parse_per_time("3/10s") == PerTime{3, seconds(10)});
}

TEST_CASE("what a limit counts by is one of five, with the name that two of them need") {
  CHECK(rate_key("client")->by == RateKey::By::client);
  CHECK(rate_key("path")->by == RateKey::By::path);
  CHECK(rate_key("all")->by == RateKey::By::all);
  CHECK(rate_key("header:X-Api-Key")->name == "X-Api-Key");
  CHECK(rate_key("cookie:session")->by == RateKey::By::cookie);
  for (const std::string_view wrong :
       {"", "ip", "header", "header:", "header:a b", "cookie:", "cookie:a=b", "query:q", "Client"})
    CHECK_FALSE(rate_key(wrong).has_value());
  CHECK(problems_above_rest("[rate_limit.a]\nrate = \"1/s\"\nby = \"ip\"\n") ==
        Lines{"t.toml:3:6: rate_limit.a.by: \"client\", \"header:NAME\", \"cookie:NAME\", \"path\" "
              "or \"all\", found \"ip\""});
}

TEST_CASE("a burst is one at least, and auto is the count of the rate") {
  const auto burst = [](std::string_view value) {
    return problems_above_rest("[rate_limit.a]\nrate = \"1/s\"\nburst = " + std::string(value) +
                               "\n");
  };
  const std::string allowed = "t.toml:3:9: rate_limit.a.burst: \"auto\" or 1 to 1000000, found ";
  CHECK(burst("0") == Lines{allowed + "0"});
  CHECK(burst("-1") == Lines{allowed + "-1"});
  CHECK(burst("1000001") == Lines{allowed + "1000001"});
  CHECK(burst("\"auto\"").empty());
  CHECK(burst("1").empty());
}

TEST_CASE("a prefix of an IPv6 address has 1 to 128 bits") {
  for (const std::string_view wrong : {"0", "129"}) {
    CHECK(problems_above_rest(
              "[rate_limit.a]\nrate = \"1/s\"\nipv6_prefix = " + std::string(wrong) + "\n") ==
          Lines{"t.toml:3:15: rate_limit.a.ipv6_prefix: 1 to 128, found " + std::string(wrong)});
  }
}

TEST_CASE("a limit that is named and not there is a mistake, with the one that may be meant") {
  const std::string text = R"([[listener]]
address = ":8080"
[[route]]
upstream = "app"
rate_limits = ["per-cleint", "other", "per-client", "per-client"]
[upstream.app]
endpoints = ["127.0.0.1:9001"]
[rate_limit.per-client]
rate = "1/s"
)";
  CHECK(problems_of(text) ==
        Lines{"t.toml:5:16: route[0].rate_limits[0]: the name of a rate limit (per-client), found "
              "\"per-cleint\"; did you mean `per-client`?",
              "t.toml:5:30: route[0].rate_limits[1]: the name of a rate limit (per-client), found "
              "\"other\"",
              "t.toml:5:53: route[0].rate_limits[3]: a rate limit of its own, found that of "
              "route[0].rate_limits[2] (line 5)"});
}

TEST_CASE("a limit that nothing names is worth a warning") {
  const auto examined = examine("[rate_limit.spare]\nrate = \"1/s\"\n" + std::string(kRest),
                                "t.toml", testing::variable);
  REQUIRE(examined);
  CHECK(testing::lines(examined->warnings) ==
        Lines{"t.toml:1:1: warning: rate_limit.spare: nothing names it in its rate_limits"});
}

TEST_CASE("what a limit says and nobody will look at is worth a warning") {
  const auto warnings = [](std::string_view text) {
    const auto examined = examine(text, "t.toml", testing::variable);
    REQUIRE(examined);
    return testing::lines(examined->warnings);
  };
  const std::string text = R"([[listener]]
address = ":8080"
rate_limits = ["a", "b"]
[listener.per_client]
burst = 9
[[route]]
upstream = "app"
[upstream.app]
endpoints = ["127.0.0.1:9001"]
[rate_limit.a]
rate = "1/s"
by = "path"
ipv6_prefix = 56
[rate_limit.b]
rate = "1/s"
dry_run = true
headers = true
)";
  CHECK(warnings(text) ==
        Lines{"t.toml:5:9: warning: listener[0].per_client.burst: no effect while "
              "new_connections is \"off\", found 9",
              "t.toml:13:15: warning: rate_limit.a.ipv6_prefix: no effect but where by is "
              "\"client\", found 56",
              "t.toml:17:11: warning: rate_limit.b.headers: no effect while dry_run is true, "
              "found true"});
}

TEST_CASE("limits of a listener's clients are read, and their mistakes have places") {
  const auto problems = [](std::string_view lines) {
    return problems_of("[[listener]]\naddress = \":8080\"\n[listener.per_client]\n" +
                       std::string(lines) +
                       "\n[[route]]\nupstream = \"app\"\n[upstream.app]\nendpoints = "
                       "[\"127.0.0.1:9001\"]\n");
  };
  CHECK(problems("new_connections = \"off\"").empty());
  CHECK(problems("connections = 1000001") ==
        Lines{"t.toml:4:15: listener[0].per_client.connections: 0 to 1000000, found 1000001"});
  CHECK(problems("new_connections = \"0/s\"") ==
        Lines{"t.toml:4:19: listener[0].per_client.new_connections: \"off\" or " +
              std::string(kRate) + ", found \"0/s\""});
  CHECK(problems("burst = 0") ==
        Lines{"t.toml:4:9: listener[0].per_client.burst: \"auto\" or 1 to 1000000, found 0"});
}

TEST_CASE("what is written of rate limits is read as the same") {
  Config config = testing::reference();
  config.listeners[0].per_client = {5, {7, seconds(10)}, 9, 48, 8192};
  config.listeners[0].rate_limits = {"a"};
  config.rate_limits.push_back({"a", {3, seconds(120)}, 4, "cookie:sid", 60, true, true, 4096});
  config.rate_limits.push_back({.name = "b", .rate = {1, seconds(1)}});
  config.upstreams[0].rate_limits = {"a", "b"};
  const auto again = parse(to_toml(config, true), "t.toml", testing::variable);
  if (!again) FAIL(again.error().front().to_string());
  CHECK(*again == config);
}

}  // namespace
}  // namespace onehop::config
