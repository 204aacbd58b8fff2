// SPDX-License-Identifier: MIT
// The log of a running proxy: `onehop log`, the levels that it changes, and the lines of JSON.
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/unix_peer.h"

namespace onehop::test {
namespace {

using nlohmann::json;

constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

Finished onehop(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), ProxyProcess::binary());
  return run_program(std::move(arguments));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A proxy with a socket and a token, whose one endpoint refuses every connection.
struct Setting {
  explicit Setting(const std::string& log = "")
      : token("token", std::string(kToken) + "\n"),
        control(token.folder() + "/control.sock"),
        proxy(ProxyConfig{
            .endpoints = {"127.0.0.1:1"},
            .more = log,
            .admin = "control = \"" + control + "\"\ntoken_file = \"" + token.path() + "\""}) {}

  TemporaryFile token;
  std::string control;
  ProxyProcess proxy;
};

TEST_CASE("onehop log shows the levels, and sets those of all rooms or of one") {
  Setting setting("[log]\nlevel = \"warning\"\n[log.rooms]\ntls = \"error\"\n");
  const Finished shown = onehop({"log", "--control", setting.control});
  CHECK(shown.code == 0);
  CHECK(contains(shown.output, "upstream   warning\n"));
  CHECK(contains(shown.output, "tls        error\n"));
  const Finished one = onehop({"log", "debug", "--room", "upstream", "--control", setting.control});
  CHECK(one.code == 0);
  CHECK(contains(one.output, "upstream   debug\n"));
  CHECK(contains(one.output, "tls        error\n"));
  const Finished all = onehop({"log", "info", "--control", setting.control});
  CHECK(all.code == 0);
  CHECK(contains(all.output, "upstream   info\n"));
  CHECK(contains(all.output, "tls        info\n"));
}

TEST_CASE("onehop log goes over the network with the token, and is told what is missing without") {
  Setting setting;
  const std::string& admin = setting.proxy.admin_address();
  CHECK(onehop({"log", "--admin", admin}).code == 0);
  const Finished without = onehop({"log", "debug", "--admin", admin});
  CHECK(without.code == 1);
  CHECK(without.output.empty());
  CHECK(contains(without.errors, "answered POST /log?level=debug with 403: Commands are taken"));
  CHECK(contains(without.errors, "Give --control PATH, or --token-file FILE."));
  const Finished with =
      onehop({"log", "debug", "--admin", admin, "--token-file", setting.token.path()});
  CHECK(with.code == 0);
  CHECK(contains(with.output, "upstream   debug\n"));
}

TEST_CASE("onehop log says what is wrong with what it was given") {
  const Finished level = onehop({"log", "loud"});
  CHECK(level.code == 2);
  const Finished room = onehop({"log", "info", "--room", "pantry"});
  CHECK(room.code == 2);
  CHECK(contains(room.errors, "upstream"));
  const Finished alone = onehop({"log", "--room", "net"});
  CHECK(alone.code == 2);
  CHECK(contains(alone.errors, "a level is needed"));
  const Finished both = onehop({"log", "--admin", "127.0.0.1:1", "--control", "/tmp/x"});
  CHECK(both.code == 2);
  const Finished nowhere = onehop({"log", "info", "--control", "/nowhere/control.sock"});
  CHECK(nowhere.code == 1);
  CHECK(contains(nowhere.errors,
                 "no control socket at /nowhere/control.sock: No such file or directory"));
  CHECK(onehop({"log", "info", "--control", "/" + std::string(107, 'x')}).code == 2);
  const Finished token = onehop({"log", "info", "--token-file", "/nowhere/token"});
  CHECK(token.code == 2);
  CHECK(contains(token.errors, "no token can be read from /nowhere/token"));
}

TEST_CASE("stats and check-health go over the socket as well") {
  Setting setting;
  const Finished stats = onehop({"stats", "--control", setting.control});
  CHECK(stats.code == 0);
  CHECK(contains(stats.output, "127.0.0.1:1 "));
  const Finished health = onehop({"check-health", "--control", setting.control});
  CHECK(health.code == 0);
  CHECK(health.output ==
        "onehop: healthy: GET /readyz of " + setting.control + ": status 200 ready\n");
}

TEST_CASE("a proxy without a file has a control socket where --control says so") {
  const TemporaryFile beside("beside", "");
  const std::string control = beside.folder() + "/c.sock";
  ProxyProcess proxy({"proxy", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--admin",
                      "127.0.0.1:0", "--control", control});
  CHECK(contains(proxy.output(), "control on " + control + "\n"));
  CHECK(onehop({"log", "debug", "--control", control}).code == 0);
}

TEST_CASE("a room says from the change on what its new level allows, and no other room does") {
  Setting setting;
  REQUIRE(onehop({"log", "error", "--room", "proxy", "--control", setting.control}).code == 0);
  CHECK(setting.proxy.get("/silent").status == 502);
  REQUIRE(onehop({"log", "info", "--room", "proxy", "--control", setting.control}).code == 0);
  CHECK(setting.proxy.get("/heard").status == 502);
  CHECK(eventually([&] { return contains(setting.proxy.errors(), "GET /heard"); }));
  CHECK_FALSE(contains(setting.proxy.errors(), "GET /silent"));
}

TEST_CASE("a level that was set at run time stays when a reload changes the access log alone") {
  ProxyConfig config{.endpoints = {"127.0.0.1:1"}};
  const TemporaryFile beside("beside", "");
  const std::string control = beside.folder() + "/control.sock";
  config.admin = "control = \"" + control + "\"";
  ProxyProcess proxy(config);
  REQUIRE(onehop({"log", "error", "--room", "proxy", "--control", control}).code == 0);
  config.more = "[log.access]\nfile = \"/dev/null\"\n";
  REQUIRE(proxy.reload(config));
  CHECK(contains(onehop({"log", "--control", control}).output, "proxy      error\n"));
  config.more += "[log.rooms]\ntls = \"error\"\n";
  REQUIRE(proxy.reload(config));
  CHECK(contains(onehop({"log", "--control", control}).output, "proxy      info\n"));
}

TEST_CASE("a reload changes the format of the log") {
  ProxyConfig config{.endpoints = {"127.0.0.1:1"}};
  ProxyProcess proxy(config);
  config.more = "[log]\nformat = \"json\"\n";
  REQUIRE(proxy.reload(config));
  CHECK(proxy.get("/in-json").status == 502);
  CHECK(eventually([&] { return contains(proxy.errors(), "; GET /in-json\"}\n"); }));
}

TEST_CASE("in JSON each line is an object with time, level, room and message") {
  Setting setting("[log]\nformat = \"json\"\n");
  CHECK(setting.proxy.get("/some/path").status == 502);
  CHECK(eventually([&] { return contains(setting.proxy.errors(), "GET /some/path"); }));
  // Whatever a client may write into a target and a method.
  Client client = connect_at(setting.control);
  client.send(
      "BREW /?\"},{\"level\":\"forged\"}\\u000a%0a' HTTP/1.1\r\nHost: a\r\nOrigin: x\r\n\r\n");
  CHECK(client.read_response().status == 403);
  CHECK(setting.proxy.terminate() == 0);
  std::string log;
  CHECK(eventually([&] {
    log = setting.proxy.errors();
    return contains(log, "draining") && log.ends_with("\n");
  }));
  std::istringstream lines(log);
  std::vector<std::string> rooms;
  const std::regex time("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z");
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    const json object = json::parse(line, nullptr, false);
    REQUIRE(object.is_object());
    CHECK(object.size() == 4);
    CHECK(std::regex_match(object.at("time").get<std::string>(), time));
    CHECK(object.at("level") != "forged");
    CHECK(object.at("message").is_string());
    rooms.push_back(object.at("room"));
  }
  for (const std::string room : {"proxy", "admin", "server"})
    CHECK(std::ranges::find(rooms, room) != rooms.end());
}

}  // namespace
}  // namespace onehop::test
