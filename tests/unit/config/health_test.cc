// SPDX-License-Identifier: MIT
// [upstream.NAME.health]: what it takes, and what in it contradicts itself.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;

// Below `upstream` is the table, from line 4 on with none.
std::string file_with(const std::string& health, const std::string& upstream = "") {
  return "[upstream.x]\nendpoints = [\"127.0.0.1:1\"]\n" + upstream + "[upstream.x.health]\n" +
         health + std::string(testing::kRest);
}

Lines mistakes(const std::string& health, const std::string& upstream = "") {
  Lines all = testing::problems_of(file_with(health, upstream));
  for (std::string& line : all) line = line.substr(line.find(':') + 1);
  return all;
}

Lines warnings(const std::string& health, const std::string& upstream = "") {
  const auto examined = examine(file_with(health, upstream), "t.toml", testing::variable, {});
  REQUIRE(examined);
  Lines all = testing::lines(examined->warnings);
  std::erase_if(all, [](const std::string& line) { return line.find(".health.") == line.npos; });
  for (std::string& line : all) line = line.substr(line.find(':') + 1);
  return all;
}

TEST_CASE("endpoints are checked where there is the table, be it empty, and else not") {
  const auto with = parse(file_with(""), "t.toml", testing::variable);
  REQUIRE(with);
  CHECK(with->upstreams.front().health.enabled);
  CHECK_FALSE(with->upstreams.back().health.enabled);
}

TEST_CASE("the keys of a health check are checked one by one") {
  CHECK(mistakes("check = \"icmp\"") ==
        Lines{"4:9: upstream.x.health.check: \"http\" or \"tcp\" or \"grpc\", found \"icmp\" "
              "(did you mean \"tcp\"?)"});
  CHECK(mistakes("path = \"healthz\"").size() == 1);
  CHECK(mistakes("method = \"get\"").size() == 1);
  CHECK(mistakes("status = [\"2xx\", \"20\"]").size() == 1);
  CHECK(mistakes("interval = \"1ms\"") ==
        Lines{"4:12: upstream.x.health.interval: \"10ms\" to \"24h\", found \"1ms\""});
  CHECK(mistakes("timeout = \"0s\"") ==
        Lines{"4:11: upstream.x.health.timeout: \"1ms\" to \"1h\", found \"0s\""});
  CHECK(mistakes("rise = 0").size() == 1);
  CHECK(mistakes("fall = 0").size() == 1);
  CHECK(mistakes("start = \"unhealthy\"").size() == 1);
}

TEST_CASE("a key of another kind of check is a mistake") {
  CHECK(mistakes("check = \"tcp\"\nbody = \"ok\"") ==
        Lines{"5:8: upstream.x.health.body: \"\" while check is \"tcp\", found \"ok\""});
  CHECK(mistakes("check = \"tcp\"\nhost = \"a\"") ==
        Lines{"5:8: upstream.x.health.host: \"\" while check is \"tcp\", found \"a\""});
  CHECK(mistakes("service = \"shop\"") ==
        Lines{"4:11: upstream.x.health.service: \"\" while check is \"http\", found \"shop\""});
  CHECK(mistakes("check = \"grpc\"\nbody = \"ok\"", "protocol = \"h2\"\n") ==
        Lines{"6:8: upstream.x.health.body: \"\" while check is \"grpc\", found \"ok\""});
}

TEST_CASE("what no answer could have, or no endpoint understand, is a mistake") {
  CHECK(mistakes("method = \"HEAD\"\nbody = \"ok\"") ==
        Lines{"5:8: upstream.x.health.body: \"\" while method is \"HEAD\", found \"ok\""});
  CHECK(mistakes("method = \"CONNECT\"").size() == 1);
  CHECK(mistakes("status = []") ==
        Lines{"4:10: upstream.x.health.status: at least one class or number, found []"});
  CHECK(mistakes("check = \"grpc\"") ==
        Lines{"4:9: upstream.x.health.check: \"http\" or \"tcp\" while protocol is \"h1\", found "
              "\"grpc\""});
  CHECK(mistakes("check = \"grpc\"", "protocol = \"h2\"\n").empty());
  CHECK(mistakes("check = \"grpc\"", "protocol = \"auto\"\ntls = {}\n").empty());
}

TEST_CASE("an unhealthy_interval that is longer than the interval is a mistake where it is given") {
  CHECK(mistakes("unhealthy_interval = \"10s\"") ==
        Lines{"4:22: upstream.x.health.unhealthy_interval: at most interval, which is \"5s\", "
              "found \"10s\""});
  CHECK(mistakes("interval = \"100ms\"").empty());
}

TEST_CASE("what a check that asks for no page is asked with has no effect, which is a warning") {
  CHECK(warnings("check = \"tcp\"\npath = \"/x\"\nstatus = [\"204\"]") ==
        Lines{"5:8: warning: upstream.x.health.path: no effect while check is \"tcp\", found "
              "\"/x\"",
              "6:10: warning: upstream.x.health.status: no effect while check is \"tcp\", found "
              "[\"204\"]"});
  CHECK(warnings("path = \"/x\"\nstatus = [\"204\"]").empty());
}

}  // namespace
}  // namespace onehop::config
