// SPDX-License-Identifier: MIT
// [admin] control and its token, and [log].
#include <string>
#include <vector>

#include "onehop/base/log.h"
#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;
using testing::kRest;
using testing::problems_above_rest;

Config config_above_rest(const std::string& text, const std::string& file = "t.toml") {
  const auto result = parse(text + std::string(kRest), file, testing::variable);
  REQUIRE(result.has_value());
  return *result;
}

TEST_CASE("the path of the control socket begins at the folder of the file") {
  CHECK(config_above_rest("admin.control = \"c.sock\"", "/etc/onehop/onehop.toml").admin.control ==
        "/etc/onehop/c.sock");
  CHECK(config_above_rest("admin.control = \"/run/c.sock\"", "/etc/onehop.toml").admin.control ==
        "/run/c.sock");
  CHECK(config_above_rest("admin.control = \"\"", "/etc/onehop.toml").admin.control.empty());
}

TEST_CASE("a path that no socket can have is refused, with the folder that goes before it") {
  const std::string longest = "/" + std::string(106, 'x');
  CHECK(config_above_rest("admin.control = \"" + longest + "\"").admin.control == longest);
  CHECK(problems_above_rest("admin.control = \"" + longest + "x\"") ==
        Lines{"t.toml:1:17: admin.control: the path of a unix socket, at most 107 bytes, or \"\", "
              "found \"" +
              (longest + "x").substr(0, 80) +
              "\"... (a path of 108 bytes; the kernel takes 107 at most)"});
  const auto in_folder =
      parse("admin.control = \"" + std::string(100, 'x') + "\"" + std::string(kRest),
            "/etc/onehop/t.toml", testing::variable);
  REQUIRE_FALSE(in_folder.has_value());
  CHECK(in_folder.error().front().sentence.find("a path of 112 bytes") != std::string::npos);
  CHECK(problems_above_rest("admin.control = \"/run/\"") ==
        Lines{"t.toml:1:17: admin.control: the path of a unix socket, at most 107 bytes, or \"\", "
              "found \"/run/\" (a folder; the socket needs a name in it)"});
}

TEST_CASE("a token is never shown, wherever it came from") {
  const Config config = config_above_rest("[admin]\ntoken = \"0123456789abcdef\"");
  CHECK(config.admin.token == "0123456789abcdef");
  CHECK(to_json(config).find("0123456789") == std::string::npos);
  CHECK(to_json(config).find("\"token\": \"***\"") != std::string::npos);
  Config by_hand = testing::reference();
  CHECK(to_json(by_hand).find("\"token\": \"\"") != std::string::npos);
  by_hand.admin.token = "0123456789abcdef";
  CHECK(to_json(by_hand).find("0123456789") == std::string::npos);
  const std::string refused =
      "t.toml:2:9: admin.token: 16 to 512 letters, digits and signs of ASCII without a blank, or "
      "\"\", found ***";
  CHECK(problems_above_rest("[admin]\ntoken = \"0123456789abcde\"") == Lines{refused});
  CHECK(problems_above_rest("[admin]\ntoken = \"0123456789 abcdef\"") == Lines{refused});
  CHECK(problems_above_rest("[admin]\ntoken = \"" + std::string(513, 'x') + "\"") ==
        Lines{refused});
}

TEST_CASE("a token stands in one place") {
  CHECK(problems_above_rest("[admin]\ntoken_file = \"/etc/token\"\ntoken = \"0123456789abcdef\"") ==
        Lines{"t.toml:3:9: admin.token: \"\" where there is a token_file, found ***"});
}

TEST_CASE("what concerns the network alone is a warning where the admin endpoint is not on it") {
  const auto examined = examine(
      "[admin]\nlisten = \"\"\ncontrol = \"/run/c.sock\"\ntoken = \"0123456789abcdef\"\n"
      "hosts = [\"a.org\"]" +
          std::string(kRest),
      "t.toml", testing::variable);
  REQUIRE(examined.has_value());
  CHECK(testing::lines(examined->warnings) ==
        Lines{"t.toml:4:9: warning: admin.token: no effect while admin.listen is \"\", found ***",
              "t.toml:5:9: warning: admin.hosts: no effect while admin.listen is \"\", found "
              "[\"a.org\"]"});
}

TEST_CASE("a room of the log may have a level of its own") {
  const Config config = config_above_rest(
      "[log]\nformat = \"json\"\nlevel = \"error\"\n[log.rooms]\nupstream = \"debug\"\n"
      "server = \"warn\"");
  CHECK(config.log.format == LogFormat::json);
  CHECK(config.log.level == LogLevel::error);
  for (size_t i = 0; i < log::kRooms.size(); ++i) {
    const std::string_view name = log::kRooms[i].name;
    const RoomLevel wanted = name == "upstream" ? RoomLevel::debug
                             : name == "server" ? RoomLevel::warning
                                                : RoomLevel::same;
    CHECK(config.log.rooms.levels[i] == wanted);
  }
}

TEST_CASE("a room that is none, and a level that is none, are named") {
  CHECK(problems_above_rest("[log.rooms]\nupstraem = \"debug\"") ==
        Lines{"t.toml:2:1: log.rooms.upstraem: an unknown key; did you mean `upstream`?"});
  CHECK(problems_above_rest("[log.rooms]\nproxy = \"loud\"") ==
        Lines{"t.toml:2:9: log.rooms.proxy: \"same\" or \"debug\" or \"info\" or \"warning\" or "
              "\"error\", found \"loud\""});
}

}  // namespace
}  // namespace onehop::config
