// SPDX-License-Identifier: MIT
#include "onehop/admin/commands.h"

#include "onehop/admin/answer.h"
#include "tests/support/catch.h"
#include "tests/unit/admin/running.h"

namespace onehop::admin {
namespace {

void nothing(const Command&, const Done& done) {
  done(text_reply(200, "done\n"));
}

Commands some() {
  Commands commands;
  commands.add({.method = "POST", .path = "/reload", .what = "reads the file again"}, nothing);
  commands.add({.method = "POST",
                .path = "/upstreams/{name}/endpoints",
                .what = "adds an endpoint",
                .query = {"address", "weight"}},
               nothing);
  commands.add({.method = "DELETE",
                .path = "/upstreams/{name}/endpoints/{address}",
                .what = "drains an endpoint"},
               nothing);
  commands.add({.method = "PUT",
                .path = "/upstreams/{name}/endpoints/{address}",
                .what = "changes an endpoint",
                .query = {"weight"}},
               nothing);
  return commands;
}

Result<Command, std::string> parsed(const Commands& commands, std::string_view method,
                                    std::string_view target) {
  const Commands::Entry* entry = commands.find(method, target.substr(0, target.find('?')));
  REQUIRE(entry != nullptr);
  return Commands::parse(entry->row, target, "somebody", "the body");
}

TEST_CASE("a command is found by its method and its path, and by nothing that is like them") {
  const Commands commands = some();
  REQUIRE(commands.find("POST", "/reload") != nullptr);
  CHECK(commands.find("POST", "/reload")->row.what == "reads the file again");
  for (const std::string_view path :
       {"/reload/", "/Reload", "/reloa", "/reload/x", "reload", "", "/", "//reload", "/reload//"}) {
    CAPTURE(path);
    CHECK(commands.find("POST", path) == nullptr);
  }
  for (const std::string_view method : {"GET", "HEAD", "post", "PUT", "DELETE", ""})
    CHECK(commands.find(method, "/reload") == nullptr);
}

TEST_CASE("a segment in braces stands for any one that is not empty") {
  const Commands commands = some();
  CHECK(commands.find("POST", "/upstreams/app/endpoints") != nullptr);
  CHECK(commands.find("POST", "/upstreams//endpoints") == nullptr);
  CHECK(commands.find("POST", "/upstreams/a/b/endpoints") == nullptr);
  CHECK(commands.find("DELETE", "/upstreams/app/endpoints/") == nullptr);
  const auto command = parsed(commands, "DELETE", "/upstreams/a.b/endpoints/[::1]:80");
  REQUIRE(command.has_value());
  CHECK(command->part("name") == "a.b");
  CHECK(command->part("address") == "[::1]:80");
  CHECK(command->caller() == "somebody");
  CHECK(command->body() == "the body");
}

TEST_CASE("the parts of a path and the values of a query are decoded") {
  const Commands commands = some();
  const auto command =
      parsed(commands, "POST", "/upstreams/a%20%2fb/endpoints?address=%5B::1%5d:80&weight=");
  REQUIRE(command.has_value());
  CHECK(command->part("name") == "a /b");
  CHECK(command->given("address") == "[::1]:80");
  CHECK(command->given("weight") == "");
  const auto bare = parsed(commands, "POST", "/upstreams/app/endpoints");
  REQUIRE(bare.has_value());
  CHECK_FALSE(bare->given("address").has_value());
}

TEST_CASE("what a command does not take is refused with what it takes") {
  const Commands commands = some();
  const auto error = [&](std::string_view method, std::string_view target) {
    const auto command = parsed(commands, method, target);
    return command.has_value() ? std::string() : command.error();
  };
  CHECK(error("POST", "/reload?now=1") == "unknown query key; this command takes none");
  CHECK(error("POST", "/upstreams/a/endpoints?wait=1") ==
        "unknown query key; allowed: address, weight");
  CHECK(error("POST", "/upstreams/a/endpoints?weight=1&weight=2") == "weight is given twice");
  for (const std::string value : {"%", "%4", "%zz", "a%0ab", "%7f"}) {
    CAPTURE(value);
    CHECK(error("POST", "/upstreams/a/endpoints?weight=" + value) ==
          "weight has a character that is not allowed, or a lone \"%\"");
    CHECK(error("POST", "/upstreams/" + value + "/endpoints") ==
          "the path has a character that is not allowed, or a lone \"%\"");
  }
}

TEST_CASE("the path of a command is a 405 for other methods, with those that it takes") {
  const Commands commands = some();
  const test::Running running;
  View view = running.view();
  view.commands = &commands;
  for (const std::string_view method : {"GET", "HEAD", "PUT", "DELETE"}) {
    const Reply reply = answer({method, "/reload", ""}, view);
    CHECK(reply.status == 405);
    CHECK(reply.allow == "POST");
  }
  CHECK(answer({"GET", "/upstreams/a/endpoints/b", ""}, view).allow == "DELETE, PUT");
  CHECK(answer({"POST", "/stats", ""}, view).allow == "GET, HEAD");
  CHECK(answer({"POST", "/reloaded", ""}, view).status == 404);
}

TEST_CASE("a path that shows something and takes a command allows the methods of both") {
  Commands commands;
  commands.add({.method = "POST", .path = "/log", .what = "sets levels"}, nothing);
  const test::Running running;
  View view = running.view();
  view.commands = &commands;
  CHECK(answer({"GET", "/log", ""}, view).status == 200);
  const Reply reply = answer({"DELETE", "/log", ""}, view);
  CHECK(reply.status == 405);
  CHECK(reply.allow == "GET, HEAD, POST");
}

TEST_CASE("the root lists every command with what may be given") {
  const Commands commands = some();
  const test::Running running;
  View view = running.view();
  CHECK(answer({"GET", "/", ""}, view).body.find("POST") == std::string::npos);
  view.commands = &commands;
  const std::string list = answer({"GET", "/", ""}, view).body;
  for (const std::string part :
       {"POST /reload ", "POST /upstreams/{name}/endpoints?address=&weight= adds an endpoint",
        "DELETE /upstreams/{name}/endpoints/{address} "}) {
    CAPTURE(part);
    CHECK(list.find(part) != std::string::npos);
  }
}

}  // namespace
}  // namespace onehop::admin
