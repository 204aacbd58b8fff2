// SPDX-License-Identifier: MIT
#include "onehop/base/log.h"

#include <filesystem>
#include <set>
#include <string>

#include "base/log_text.h"
#include "tests/support/catch.h"
#include "tests/support/source_tree.h"

namespace onehop::log {
namespace {

// The levels as they were, at the end of a test.
class Levels {
 public:
  Levels() {
    for (size_t i = 0; i < kRooms.size(); ++i) before_[i] = level_of(static_cast<Room>(i));
  }
  ~Levels() {
    for (size_t i = 0; i < kRooms.size(); ++i) set_level(static_cast<Room>(i), before_[i]);
  }

 private:
  std::array<Level, kRooms.size()> before_{};
};

TEST_CASE("a message is of the room whose folder its source file is in") {
  CHECK(room_of("/x/onehop/src/upstream/dialing.cc") == Room::upstream);
  CHECK(room_of("../../src/http/h1/parser.cc") == Room::http);
  CHECK(room_of("src/server/stop.cc") == Room::server);
  CHECK(room_of("/src/net/include/onehop/tls/digest.h") == Room::tls);
  CHECK(room_of("/src/onehop/src/admin/service.cc") == Room::admin);
}

TEST_CASE("a message of no room is of the command line") {
  for (const char* path : {"src/main.cc", "tests/unit/base/log_test.cc", "src/network/a.cc", ""})
    CHECK(room_of(path) == Room::cli);
}

TEST_CASE("every folder of the source is a room of the log") {
  std::set<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_tree() / "src")) {
    if (entry.is_directory()) folders.insert(entry.path().filename());
  }
  std::set<std::string> rooms;
  for (const RoomRow& row : kRooms) rooms.insert(std::string(row.name));
  CHECK(folders == rooms);
}

TEST_CASE("levels and rooms are known by the names that they are shown with") {
  for (const Level level : {Level::debug, Level::info, Level::warning, Level::error})
    CHECK(parse_level(name_of(level)) == level);
  for (size_t i = 0; i < kRooms.size(); ++i)
    CHECK(parse_room(kRooms[i].name) == static_cast<Room>(i));
  CHECK_FALSE(parse_level("loud").has_value());
  CHECK_FALSE(parse_level("").has_value());
  CHECK_FALSE(parse_room("pantry").has_value());
}

TEST_CASE("the level of a room decides whether a file of it has anything to say") {
  const Levels levels;
  set_level(Level::warning);
  CHECK_FALSE(enabled(Level::info, "src/upstream/a.cc"));
  CHECK(enabled(Level::warning, "src/upstream/a.cc"));
  set_level(Room::upstream, Level::debug);
  CHECK(enabled(Level::debug, "src/upstream/a.cc"));
  CHECK_FALSE(enabled(Level::info, "src/proxy/a.cc"));
  CHECK(level_of(Room::upstream) == Level::debug);
  CHECK(level_of(Room::proxy) == Level::warning);
  set_level(Level::error);
  CHECK_FALSE(enabled(Level::warning, "src/upstream/a.cc"));
  CHECK(enabled(Level::error, "src/upstream/a.cc"));
}

TEST_CASE("an ordinary sentence stands in the log as it is") {
  const std::string sentence =
      "upstream app: 10.0.0.1:80: it's \xc3\xbc, \xe2\x82\xac, \xf0\x9f\x8d\xaf";
  CHECK(one_line(sentence, Format::text) == sentence);
  CHECK(one_line(sentence, Format::json) == sentence);
  CHECK(one_line("a \"b\" \\ c", Format::text) == "a \"b\" \\ c");
  CHECK(one_line("a \"b\" \\ c", Format::json) == R"(a \"b\" \\ c)");
}

TEST_CASE("nothing in a message ends its line or speaks to a terminal") {
  for (const Format format : {Format::text, Format::json}) {
    CHECK(one_line("a\n2026 error: forged", format) == "a\\u000a2026 error: forged");
    CHECK(one_line("a\r\n\tb", format) == "a\\u000d\\u000a\\u0009b");
    CHECK(one_line(std::string_view("a\0b", 3), format) == "a\\u0000b");
    CHECK(one_line("\x1b[2J\x7f", format) == "\\u001b[2J\\u007f");
    // NEL, CSI, and the separators of lines and paragraphs.
    CHECK(one_line("\xc2\x85\xc2\x9b\xe2\x80\xa8\xe2\x80\xa9", format) ==
          "\\u0085\\u009b\\u2028\\u2029");
  }
}

TEST_CASE("what is not UTF-8 is replaced in JSON, and told byte by byte in text") {
  const std::string replaced = "\xef\xbf\xbd";
  for (const std::string_view wrong :
       {"\xff", "\x80", "\xc0\x80", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xe0\x80\xaf"}) {
    CAPTURE(wrong.size());
    std::string replacements;
    std::string escapes;
    for (const char c : wrong) {
      constexpr char kDigits[] = "0123456789abcdef";
      const auto byte = static_cast<uint8_t>(c);
      replacements += replaced;
      escapes += std::string("\\x") + kDigits[byte >> 4] + kDigits[byte & 15];
    }
    CHECK(one_line(wrong, Format::json) == replacements);
    CHECK(one_line(wrong, Format::text) == escapes);
  }
  CHECK(one_line("a\xc3z", Format::json) == "a" + replaced + "z");
}

}  // namespace
}  // namespace onehop::log
