// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;
using testing::lines;

Lines warnings_of(const std::string& text) {
  const auto examined = examine(text, "t.toml", testing::variable, {});
  return examined ? lines(examined->warnings) : lines(examined.error());
}

// With `upstream` below the address of its endpoint, from line 6 on.
std::string file_with(const std::string& upstream) {
  return "[[route]]\nupstream = \"app\"\n[[listener]]\naddress = \":8080\"\n"
         "[upstream.app]\nendpoints = [\"127.0.0.1:9001\"]\n" +
         upstream;
}

TEST_CASE("keys of HTTP/2 are a warning where an upstream speaks HTTP/1.1 alone") {
  const std::string reason = R"(no effect while protocol is "h1", but with "h2" or "auto", found )";
  CHECK(
      warnings_of(file_with("http2.stream_window = \"1MiB\"\ntimeouts.http2_ping = \"5s\"\n"
                            "http2.max_stream_window = \"2MiB\"")) ==
      Lines{"t.toml:7:23: warning: upstream.app.http2.stream_window: " + reason + R"("1MiB")",
            "t.toml:8:23: warning: upstream.app.timeouts.http2_ping: " + reason + R"("5s")",
            "t.toml:9:27: warning: upstream.app.http2.max_stream_window: " + reason + R"("2MiB")"});
  CHECK(warnings_of(file_with("protocol = \"h1\"\nhttp2.max_stream_window = \"64KiB\"")) ==
        Lines{"t.toml:8:27: warning: upstream.app.http2.max_stream_window: " + reason +
              R"("64KiB")"});
}

TEST_CASE("keys of HTTP/2 are no warning where the upstream may speak it") {
  const std::string keys = "http2.stream_window = \"1MiB\"\ntimeouts.http2_ping = \"5s\"\n";
  CHECK(warnings_of(file_with("protocol = \"h2\"\n" + keys)).empty());
  CHECK(warnings_of(file_with("protocol = \"auto\"\ntls = {}\n" + keys)).empty());
}

TEST_CASE("keys of HTTP/2 that are as by default are no warning") {
  CHECK(
      warnings_of(file_with("http2.stream_window = \"64KiB\"\nhttp2.max_stream_window = \"4MiB\"\n"
                            "timeouts.http2_ping = \"0s\""))
          .empty());
}

TEST_CASE("keys of HTTP/2 with clients are a warning where no listener has HTTP/2") {
  const std::string streams = "[server.http2]\nstreams = 7\n";
  const std::string plain = "[[listener]]\naddress = \":8081\"\nhttp2 = false\n";
  const std::string rest =
      "[[route]]\nupstream = \"app\"\n[upstream.app]\nendpoints = [\"127.0.0.1:9001\"]\n";
  CHECK(warnings_of(streams + plain + rest) ==
        Lines{"t.toml:2:11: warning: server.http2.streams: no effect while http2 is false on every "
              "listener, found 7"});
  CHECK(warnings_of(streams + plain + "[[listener]]\naddress = \":8082\"\n" + rest).empty());
}

TEST_CASE("a protocol that is misspelt is not said twice") {
  CHECK(warnings_of(file_with("protocol = \"http2\"\nhttp2.stream_window = \"1MiB\"")) ==
        Lines{R"(t.toml:7:12: upstream.app.protocol: "h1" or "h2" or "auto", found "http2" )"
              R"((did you mean "h2"?))"});
}

TEST_CASE("a value that is a secret is not shown in a warning") {
  const auto secret = [](std::string_view) -> std::optional<std::string> { return "2MiB"; };
  const auto examined =
      examine(file_with("http2.stream_window = \"${API_TOKEN}\""), "t.toml", secret, {});
  REQUIRE(examined.has_value());
  REQUIRE(examined->warnings.size() == 1);
  CHECK(examined->warnings[0].sentence.ends_with("found ***"));
  const auto path = [](std::string_view) -> std::optional<std::string> { return "/hidden/:id"; };
  const auto pattern = examine(
      "[[route]]\nupstream = \"app\"\npath = \"${API_TOKEN}\"\n"
      "[[listener]]\naddress = \":8080\"\n[upstream.app]\n"
      "endpoints = [\"127.0.0.1:9001\"]\n",
      "t.toml", path, {});
  REQUIRE(pattern.has_value());
  REQUIRE(pattern->warnings.size() == 1);
  CHECK(pattern->warnings[0].sentence.find("hidden") == std::string::npos);
}

}  // namespace
}  // namespace onehop::config
