// SPDX-License-Identifier: MIT
// What good values mean: units, variables, short forms, and the smallest file.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using testing::kRest;
using testing::problems_above_rest;
using testing::problems_of;

// The Config of a text that must be good.
Config config_of(const std::string& text) {
  INFO(text);
  Result<Config, std::vector<Problem>> result = parse(text, "t.toml", testing::variable);
  if (!result) FAIL(result.error().front().to_string());
  return *result;
}

Config config_above_rest(const std::string& text) {
  return config_of(text + std::string(kRest));
}

TEST_CASE("the smallest file is enough, and everything else has its default") {
  const Config config = config_of(R"(
[[listener]]
address = "127.0.0.1:8080"
[[route]]
path = "/"
upstream = "app"
[upstream.app]
endpoints = ["127.0.0.1:9001", { address = "127.0.0.1:9002", weight = 2 }]
[admin]
listen = "127.0.0.1:9900"
)");
  CHECK(config == testing::reference());
}

TEST_CASE("a duration is read exactly in each of its units") {
  const std::vector<std::pair<std::string, milliseconds>> cases = {
      {"250ms", milliseconds(250)},    {"4s", milliseconds(4000)},
      {"10m", milliseconds(600'000)},  {"1h", milliseconds(3'600'000)},
      {"1.5s", milliseconds(1500)},    {"0.001s", milliseconds(1)},
      {"0s", milliseconds(0)},         {"0", milliseconds(0)},
      {"0.25h", milliseconds(900'000)}};
  for (const auto& [text, duration] : cases) {
    INFO(text);
    CHECK(config_above_rest("[server]\ndrain = \"" + text + "\"").server.drain == duration);
  }
}

TEST_CASE("a size is read exactly in each of its units, and a plain number is bytes") {
  const std::vector<std::pair<std::string, uint64_t>> cases = {{"\"500B\"", 500},
                                                               {"\"16KiB\"", 16384},
                                                               {"\"1MiB\"", 1048576},
                                                               {"\"1GiB\"", 1073741824},
                                                               {"\"1KB\"", 1000},
                                                               {"\"2MB\"", 2'000'000},
                                                               {"\"1.5KiB\"", 1536},
                                                               {"\"1TiB\"", uint64_t{1} << 40},
                                                               {"4096", 4096},
                                                               {"\"4096\"", 4096},
                                                               {"0", 0},
                                                               {"\"3GB\"", 3'000'000'000}};
  for (const auto& [text, bytes] : cases) {
    INFO(text);
    CHECK(config_above_rest("[server.limits]\nrequest_body = " + text).server.limits.request_body ==
          bytes);
  }
}

TEST_CASE("workers is a number or auto, which is 0") {
  CHECK(config_above_rest("[server]\nworkers = \"auto\"").server.workers == 0);
  CHECK(config_above_rest("[server]\nworkers = 3").server.workers == 3);
}

TEST_CASE("the ends of a range belong to it") {
  CHECK(problems_above_rest("[server]\nworkers = 0").empty());
  CHECK(problems_above_rest("[server]\nworkers = 1024").empty());
  CHECK(problems_above_rest("[server.limits]\nrequest_line = 256\nrequest_head = 256").empty());
  CHECK(problems_above_rest("[server.limits]\nrequest_head = \"1MiB\"").empty());
}

TEST_CASE("variables are replaced in every string") {
  const Config config = config_of(R"(
[server]
workers = "${FOUR}"
drain = "${FOUR}s"
trusted_proxies = ["${HOST}/8"]
limits.response_head = "${SIZE}"
[[listener]]
address = "${HOST}:8${FOUR}"
[[route]]
upstream = "${NAME:-app}"
host = "${EMPTY}"
[upstream.app]
endpoints = ["${HOST}:1", { address = "${HOST}:2", weight = "${FOUR}" }]
balance = "${EMPTY:-least_requests}"
pool.reuse = "${YES}"
)");
  CHECK(config.server.workers == 4);
  CHECK(config.server.drain == seconds(4));
  CHECK(config.server.trusted_proxies == std::vector<std::string>{"10.0.0.1/8"});
  CHECK(config.server.limits.response_head == 16384);
  CHECK(config.listeners[0].address == "10.0.0.1:84");
  CHECK(config.routes[0].upstream == "app");
  CHECK(config.routes[0].host.empty());
  const std::vector<Endpoint> endpoints = {{"10.0.0.1:1", 1}, {"10.0.0.1:2", 4}};
  CHECK(config.upstreams[0].endpoints == endpoints);
  CHECK(config.upstreams[0].balance == Balance::least_requests);
  CHECK(config.upstreams[0].pool.reuse);
  CHECK(config.masked.empty());
}

TEST_CASE("a doubled dollar sign keeps a reference as it is, and a value is not searched again") {
  const auto path_of = [](const std::string& path) {
    return config_of("[[listener]]\naddress = \":0\"\n[[route]]\nupstream = \"app\"\npath = \"" +
                     path + "\"\n[upstream.app]\nendpoints = [\"a:1\"]")
        .routes[0]
        .path;
  };
  CHECK(path_of("/$${FOUR}") == "/${FOUR}");
  CHECK(path_of("/$$${FOUR}") == "/$${FOUR}");
  CHECK(path_of("/${FOUR}$") == "/4$");
  CHECK(path_of("/$FOUR") == "/$FOUR");
  CHECK(path_of("/${NOPE:-$}") == "/$");
  CHECK(path_of("/${NOPE:-}") == "/");
  CHECK(path_of("/${DOLLAR}") == "/${FOUR}");
}

TEST_CASE("the environment is where variables come from unless a test says otherwise") {
  REQUIRE(setenv("ONEHOP_TEST_VARIABLE", "debug", 1) == 0);
  const std::string text = "[log]\nlevel = \"${ONEHOP_TEST_VARIABLE}\"" + std::string(kRest);
  const auto set = parse(text, "t.toml");
  REQUIRE(set);
  CHECK(set->log.level == LogLevel::debug);
  REQUIRE(unsetenv("ONEHOP_TEST_VARIABLE") == 0);
  CHECK_FALSE(parse(text, "t.toml"));
}

TEST_CASE("upstreams keep the order of the file, and their tables may come in any order") {
  const Config config = config_of(R"(
[upstream.zoo]
endpoints = ["z:1"]
[upstream.app.pool]
max_idle = 3
[[listener]]
address = ":0"
[[route]]
upstream = "app"
[upstream.app]
endpoints = ["a:1"]
)");
  REQUIRE(config.upstreams.size() == 2);
  CHECK(config.upstreams[0].name == "zoo");
  CHECK(config.upstreams[1].name == "app");
  CHECK(config.upstreams[1].pool.max_idle == 3);
}

TEST_CASE("port 0 may be listened on twice, and addresses take every documented form") {
  CHECK(problems_of(R"(
listener = [{ address = ":0" }, { address = ":0" }, { address = "127.0.0.1:0" },
            { address = "[::1]:80" }, { address = ":80" }, { address = "localhost:81" },
            { address = "127.0.0.2:81" }, { address = "[::]:82" }]
route = [{ upstream = "a.b" }, { upstream = "a.b", host = "example.org" },
         { upstream = "a.b", host = "*.example.org" }, { upstream = "a.b", match = "exact" },
         { upstream = "a.b", path = "/%7E/" }]
[upstream."a.b"]
endpoints = ["app:8000", "app_2.local:8000", "[::1]:8000", "10.0.0.1:8000"]
[server]
trusted_proxies = ["10.0.0.0/8", "::1", "192.0.2.7"]
)")
            .empty());
}

TEST_CASE(
    "the admin endpoint is off without its table, and at a loopback address with an empty one") {
  CHECK(config_above_rest("").admin.listen.empty());
  CHECK(config_above_rest("[admin]").admin.listen == "127.0.0.1:9900");
  CHECK(config_above_rest("admin = {}").admin.listen == "127.0.0.1:9900");
  CHECK(config_above_rest("[admin]\nlisten = \"\"").admin.listen.empty());
  CHECK(config_above_rest("[admin]\nlisten = \":1\"").admin.listen == ":1");
}

TEST_CASE("the address that the admin endpoint has by itself is checked like one that is given") {
  CHECK(problems_of("[admin]\n[[listener]]\naddress = \":9900\"\n[[route]]\nupstream = \"app\"\n"
                    "[upstream.app]\nendpoints = [\"a:1\"]") ==
        std::vector<std::string>{
            "t.toml:1:1: admin.listen: an address of its own, found \"127.0.0.1:9900\", which "
            "overlaps with that of listener[0].address (line 3)"});
}

TEST_CASE("an upstream that no route names is no mistake") {
  CHECK(problems_above_rest("[upstream.spare]\nendpoints = [\"b:1\"]").empty());
}

}  // namespace
}  // namespace onehop::config
